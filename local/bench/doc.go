// Command bench measures Causeway on this machine's real engines, side by side
// with what the engines do without it, and prints a table; docs/performance.md
// keeps one. `make bench` runs it, BENCH=regex some of it.
//
// A measure whose documents did not arrive, or not as they should be, is an error
// and no figure.
package main
