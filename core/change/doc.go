// Package change decodes what announces a change: Atlas trigger events, Ditto
// events, and Causeway's own queue messages. It keeps keys and drops contents
// (invariant 10), and it never trusts an event further than to look at the
// documents that the event names (invariant 2).
package change
