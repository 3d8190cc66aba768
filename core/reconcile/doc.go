// Package reconcile decides what is left to do for one document pair.
//
// Decide is a pure function of what the ledger says, what both sides hold and
// what an event said: no clock, no I/O. docs/conflicts.md is its table for
// people.
package reconcile
