// Package execution starts runs of the state machine, in the cloud or on one
// machine, and follows them to their end.
package execution
