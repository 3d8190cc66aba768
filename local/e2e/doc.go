// Package e2e tests the whole system on real engines: the stack as `make run`
// starts it, looked at from outside, as its users look at it. Statements go to
// Ditto over HTTP, operations to MongoDB through the driver; what must come of
// them is read back the same way, and the writes on both sides are counted, so
// that an echo or a superfluous write is found too.
//
// The stack is started once. Collections with different settings go through
// the tests side by side, round by round: all act, all are awaited, and once
// nothing is on its way any more, the writes of each are counted. So the
// functions see batches of several collections, as in earnest.
package e2e
