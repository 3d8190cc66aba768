// Package canary proves that the path from MongoDB through the trigger, the
// event bus and the queue to a worker is alive, without touching a user's
// collections.
package canary

import "time"

// Metric is the age, in seconds, of the oldest beat that has not come back; 0
// when the last one has.
const Metric = "CanaryAge"

// When the alarm rings: at the first beat that finds one of more than Threshold
// on its way, or when there was none at all. A beat that is lost right after the
// trigger has stopped is two intervals old before it is over the threshold, and
// a third passes until that is measured and looked at: below ten minutes.
const (
	Interval   = 2 * time.Minute // between two beats
	Threshold  = 240 * time.Second
	Period     = Interval // of the alarm
	Datapoints = 1        // over the threshold
)
