// Package runs tests initial sync, verification and repair on real engines:
// through `make run`'s stack and the command, as a person does.
package runs
