// Package canary shows that a change in MongoDB still arrives: that the trigger,
// EventBridge, the queue and the function behind it are alive while no user
// changes anything. It writes beats into a collection of its own; the function
// that is told of one notes that it came back, where that causes no further
// event. The age of the oldest beat that has not come back is a metric, and too
// high an age an alarm.
package canary
