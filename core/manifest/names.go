package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/causeway-sync/causeway/core/value"
)

var (
	dnsLabel       = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	regionPattern  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	roleARNPattern = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/([!-~]{1,510}/)?[A-Za-z0-9+=,.@_-]{1,64}$`)
	// names and ARNs that Secrets Manager takes
	secretIDPattern  = regexp.MustCompile(`^[A-Za-z0-9/_+=.@!-]{1,512}$`)
	secretARNPattern = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@!-]{1,512}$`)
)

const labelMend = "use at most 63 lower-case letters, digits and dashes, with a letter or digit at both ends"

// label is the DNS-1123 label at f.
func (r *reader) label(f field) string {
	s, ok := r.text(f)
	if ok && (len(s) > 63 || !dnsLabel.MatchString(s)) {
		r.bad(f, show(s)+" is not a valid name", labelMend)
	}
	return s
}

// database is the name of a MongoDB database that can be synced.
func (r *reader) database(f field) string {
	if !r.required(f, "name the MongoDB database to sync") {
		return ""
	}
	s, ok := r.text(f)
	switch {
	case !ok:
	case s == "":
		r.bad(f, "is empty", "name the MongoDB database to sync")
	case len(s) > 63:
		r.bad(f, fmt.Sprintf("is %d bytes long", len(s)), "MongoDB takes at most 63")
	case strings.ContainsAny(s, "/\\. \"$\x00"):
		r.bad(f, show(s)+" is not a database name that MongoDB takes", `leave out / \ . " $ and spaces`)
	case slices.Contains([]string{"admin", "local", "config"}, strings.ToLower(s)):
		r.bad(f, show(s)+" is MongoDB's own database", "name the database that holds your data")
	}
	return s
}

// collectionName checks a MongoDB collection's name.
func (r *reader) collectionName(f field, database, s string) {
	switch {
	case s == "":
		r.bad(f, "is empty", "name a MongoDB collection")
	case strings.HasPrefix(s, "system.") || strings.Contains(s, ".system."):
		r.bad(f, "is one of MongoDB's own collections", "remove it; only ordinary collections are synced")
	case strings.HasPrefix(s, "__causeway_") || strings.HasPrefix(s, "__ditto_"):
		r.bad(f, "holds the state of the sync itself", "remove it; names that begin with __causeway_ and __ditto_ are never synced")
	case s[0] == '.' || strings.ContainsAny(s, "$\x00"):
		r.bad(f, show(s)+" is not a collection name that MongoDB takes", "leave out $ and a leading dot")
	case len(database)+1+len(s) > 255:
		r.bad(f, fmt.Sprintf("makes a namespace of %d bytes", len(database)+1+len(s)), "MongoDB takes at most 255 for <database>.<collection>")
	}
}

// path is the dotted field path at f, empty if it is bad.
func (r *reader) path(f field) value.Path {
	s, ok := r.text(f)
	if !ok {
		return ""
	}
	return r.checkPath(f, s)
}

func (r *reader) checkPath(f field, s string) value.Path {
	segs := strings.Split(s, ".")
	for _, seg := range segs {
		switch {
		case seg == "":
			r.bad(f, show(s)+" is not a field path", "write field names with dots between, such as order.qty")
			return ""
		case seg[0] == '$' || strings.ContainsRune(seg, 0):
			r.bad(f, show(s)+" has a field name that cannot be synced on its own", "leave out names that begin with $")
			return ""
		}
	}
	switch segs[0] {
	case "_id":
		r.bad(f, show(s)+" is the document's id, which never changes", "name another field")
		return ""
	case "_mdb":
		r.bad(f, show(s)+" is the connector's metadata, which is never synced", "name another field")
		return ""
	}
	return value.PathOf(segs...)
}

// dotted is the inverse of value.ParsePath.
func dotted(p value.Path) string { return strings.Join(p.Segments(), ".") }
