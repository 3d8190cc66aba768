// Package ditto talks to a Ditto Server: bulk reads and conditional bulk
// writes in DQL, over HTTP.
//
// Client runs one statement, with retries and key rotation. Store is what the
// bridge uses: it cuts and groups documents into requests, finds out what
// hides in them before it writes (see package dql), isolates the document that
// a request is refused for, and tells won, rejected and unknown apart.
package ditto
