// Package chaos tests the real functions against the real engines while things
// go wrong: functions killed at named points of the protocol, users who write
// the same document on both sides at once, faults of every kind over random
// edits. It holds no code. `make test` runs it briefly, `make chaos` at length.
package chaos
