// Package outage stands between the functions and their databases and lets
// these fail, for tests: a Proxy speaks MongoDB's wire protocol, a Web is an
// HTTP server before Ditto's. Without a fault both pass everything on.
package outage
