// Package bench measures Causeway on this machine's real engines, side by side
// with what the engines do without it (docs/performance.md). It is all
// benchmarks: `go test -bench . -benchtime 1x ./local/bench`.
package bench
