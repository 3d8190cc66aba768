// Package process runs child processes that never outlive their parent: they
// are stopped in order by Process.Stop, and die with the parent even when it
// is killed. Each child leads a process group of its own, so that Ctrl-C in a
// terminal reaches the parent alone, which then stops the children in the
// order that keeps their data.
package process
