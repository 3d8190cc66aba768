package sweeper

import (
	"context"
	"errors"
	"math"

	"github.com/causeway-sync/causeway/core/telemetry"
)

// stepCanary is the step that a timer asks for.
const stepCanary = "canary"

// Beat is the answer of the step canary.
type Beat struct {
	// AgeSeconds is how long the oldest beat that has not come back waits, in whole
	// seconds, as the metric has it.
	AgeSeconds int64 `json:"ageSeconds"`
}

// beat beats, and emits the age of the oldest beat that has not come back. The
// step fails where that cannot be told: its metric is then missing, which the
// alarm takes for a stall.
func (s *Sweeper) beat(ctx context.Context) (any, error) {
	if s.Canary == nil {
		return nil, errors.New("step canary: this function has no database to beat in")
	}
	age, err := s.Canary.Beat(ctx)
	if err != nil {
		return nil, err
	}
	seconds := math.Round(age.Seconds())
	if err := s.Metrics.Emit(telemetry.Metric{Name: telemetry.CanaryAge, Unit: telemetry.Seconds, Value: seconds}); err != nil {
		return nil, err
	}
	return Beat{int64(seconds)}, nil
}
