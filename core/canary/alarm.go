package canary

import "time"

// The alarm on the age of the oldest beat that has not come back. A stall right
// after a beat came back shows at the third beat after it, six to eight minutes
// later; one that takes the function away shows as missing data, as soon.
const (
	// Metric is the alarm's, of the function Function, in seconds.
	Metric   = "CanaryAge"
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
