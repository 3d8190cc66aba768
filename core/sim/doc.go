// Package sim plays histories: the real bridge over in-memory stores, several
// handlers interleaved at every I/O call, users on both sides, crashes,
// duplicated, reordered, late and lost events. After each history both sides
// are equal, nothing is lost unrecorded, and nothing is written once it is
// quiet. A failure names the seed that replays it.
//
// What it does not prove: anything of the network, of the driver or of HTTP
// (the integration tests do), nor of histories longer than those it plays.
package sim
