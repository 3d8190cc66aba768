// Package preflight looks at the secrets, both sides and their clocks before
// anything is synced, and says what is wrong and what mends it: what the
// connector checks when it starts, in its words, and more.
//
// No finding holds a secret or a document's contents (invariants 10, 11).
package preflight
