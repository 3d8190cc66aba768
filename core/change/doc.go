// Package change decodes what announces a change: Atlas trigger events, Ditto
// events, and Causeway's own queue messages. It keeps keys and drops contents
// (invariant 10).
package change
