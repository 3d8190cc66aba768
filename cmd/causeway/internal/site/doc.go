// Package site is where a command works: the stack on this machine, or one that
// is deployed. To the commands they are the same; what differs is where
// addresses, credentials and secrets come from.
package site
