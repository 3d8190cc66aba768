// Package sweep goes through whole collections: first sync, verify, repair
// (docs/architecture.md, "sweep").
//
// A Pager cuts collections into ranges by what their keys are, and reads a
// range's keys page by page. Every key that exists when its range is read
// belongs to one range of its source, also when the plan did not know of it:
// the first and the last range of a type are open, and whatever has no range of
// its own belongs to the collection's rest.
package sweep
