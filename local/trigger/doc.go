// Package trigger stands in for an Atlas database trigger and the EventBridge
// rule behind it: a change stream on the database becomes trigger events, of
// which the rule's input transformer lets the keys through to the queue.
//
// The resume token is kept on disk and advances only while the queue is empty:
// the queue loses what it holds when the stack stops, and the changes behind
// it are then announced again.
package trigger
