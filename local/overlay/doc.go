// Package overlay builds this repository's programs with defects or failpoints
// in them: edits of the source that are made in copies which only that build
// sees (go build -overlay). What is shipped cannot contain them.
package overlay
