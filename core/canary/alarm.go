package canary

import (
	"time"

	"github.com/causeway-sync/causeway/core/telemetry"
)

// The alarm on the age of the oldest beat that has not come back. A stall right
// after a beat came back shows at the third beat after it, six to eight minutes
// later; one that takes the function away shows as missing data, as soon.
const (
	// Metric is the alarm's, of the function Function, in seconds.
	Metric   = telemetry.CanaryAge
	Function = "initial-sync"
	// Statistic of a period's datapoint.
	Statistic = "Maximum"
	// Period is that of the beats, and of the alarm.
	Period = 2 * time.Minute
	// Threshold is the age at which the alarm fires: two beats have not come back.
	Threshold = 4 * time.Minute
	// Comparison of a datapoint with the threshold.
	Comparison = "GreaterThanOrEqualToThreshold"
	// EvaluationPeriods is how many datapoints have to breach it.
	EvaluationPeriods = 1
	// MissingData is how periods without a datapoint count.
	MissingData = "breaching"

	// Deadline is within which the alarm fires after a stall.
	Deadline = 10 * time.Minute
)

// evaluationRange is how many periods CloudWatch looks at: some more than it
// evaluates, so that one that is late or missing does not count at once.
const evaluationRange = EvaluationPeriods + 2

// Datapoint is an age that was measured.
type Datapoint struct {
	At  time.Time
	Age time.Duration
}

// Fires reports whether the alarm is on at a time, as CloudWatch decides it: the
// highest age of each whole period that is over; the latest of these that there
// are, if in the evaluation range there are enough of them, and else the missing
// ones as breaching.
func Fires(points []Datapoint, at time.Time) bool {
	end := at.Truncate(Period)
	breaching, found := 0, 0
	for i := range evaluationRange {
		from := end.Add(-time.Duration(i+1) * Period)
		age, ok := highest(points, from, from.Add(Period))
		if !ok {
			continue
		}
		if found++; age >= Threshold {
			breaching++
		}
		if found == EvaluationPeriods {
			return breaching == EvaluationPeriods
		}
	}
	return breaching+EvaluationPeriods-found == EvaluationPeriods
}

func highest(points []Datapoint, from, to time.Time) (age time.Duration, ok bool) {
	for _, p := range points {
		if !p.At.Before(from) && p.At.Before(to) {
			age, ok = max(age, p.Age), true
		}
	}
	return age, ok
}
