// Package dittosim is a Ditto in memory: it interprets the part of DQL that
// Causeway writes, and what users of it write in walkthroughs and tests, with
// the traps of the real engine (several typed values per field, resurfacing
// keys, short mixed lists that match nothing). It exists for simulations, where a
// history has to run in about a millisecond and replay from a seed.
//
// It is one node and knows no peers: no merges, no tombstones, no transactions
// over several statements. What it does not know is an error that names it; it
// never guesses. engine_test.go and generated_test.go hold it against the real engine.
package dittosim
