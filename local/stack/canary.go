package stack

import (
	"context"
	"time"
)

// Beat is one beat of the canary: the step that a timer asks for in the cloud.
// It returns the step's answer.
func (s *Stack) Beat(ctx context.Context) ([]byte, error) {
	return s.functions[InitialSync].Invoke(ctx, []byte(`{"step":"canary"}`))
}

// beats beats, the first time at once. While the workers are paused it does not,
// since nothing could come back.
func (s *Stack) beats(ctx context.Context) {
	tick := time.NewTicker(s.opts.Beat)
	defer tick.Stop()
	for {
		if len(s.pausedWorkers()) == 0 {
			if _, err := s.Beat(ctx); err != nil && ctx.Err() == nil {
				s.logger.Warn("canary", "error", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// StopTrigger stops the stand-in of the Atlas trigger, as a suspended one stops,
// until StartTrigger.
func (s *Stack) StopTrigger(ctx context.Context) error { return s.stopTrigger(ctx) }

// StartTrigger starts it again: it goes on where it stopped.
func (s *Stack) StartTrigger(ctx context.Context) error { return s.startTrigger(ctx) }
