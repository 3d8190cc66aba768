// Package ditto talks to a Ditto Server: bulk reads and conditional bulk
// writes in DQL, over HTTP.
package ditto
