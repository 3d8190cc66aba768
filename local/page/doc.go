// Package page serves the page of the local stack: both sides of every
// collection, live, what flows between them, and what needs a person.
//
// The page is HTML, CSS and JavaScript embedded in the binary, and stays
// current through server-sent events. Its server sees documents of the user's
// databases and can write to them, so it answers only to whoever knows the
// token in its address, at its own host and origin. It keeps keys, never
// contents: documents are read when they are looked at.
package page
