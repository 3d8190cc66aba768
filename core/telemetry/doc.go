// Package telemetry is how Causeway speaks of itself: the keys of its log
// lines, and its metrics, which leave a function as log lines in CloudWatch's
// embedded metric format. Log lines hold keys and hashes, never contents or
// secrets (invariants 10 and 11).
package telemetry
