package manifest

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	placeholder = regexp.MustCompile(`<(db_?)?(user(_?name)?|pass(word)?|cluster-url|host(name)?)>`)
	badEscape   = regexp.MustCompile(`%($|.$|[^0-9A-Fa-f]|[0-9A-Fa-f][^0-9A-Fa-f])`)
)

// CheckConnectionString reports what MongoDB would refuse in a connection
// string, without asking the network. The error says what to mend and repeats
// nothing of the string (invariant 11).
func CheckConnectionString(uri Redacted) error {
	if what, mend := uriProblem(string(uri)); what != "" {
		return &URIError{What: "connection string " + what, Mend: mend}
	}
	return nil
}

// URIError is what is wrong with a connection string.
type URIError struct{ What, Mend string }

func (e *URIError) Error() string { return e.What + "; " + e.Mend }

func uriProblem(uri string) (what, mend string) {
	const encode = "percent-encode the characters : / ? # [ ] @ % in user name and password (@ is %40)"
	scheme, rest, ok := strings.Cut(uri, "://")
	srv := scheme == "mongodb+srv"
	switch {
	case uri == "":
		return "is empty", "put in the one that Atlas shows under Connect"
	case !ok || scheme != "mongodb" && !srv:
		return "is not one of MongoDB", "it must begin with mongodb:// or mongodb+srv://"
	case strings.ContainsAny(uri, " \t\r\n"):
		return "contains white space", "remove it; in a password, a space is %20"
	case placeholder.MatchString(uri):
		return "still holds a placeholder in angle brackets", "put in the user name and the password"
	}
	authority, query := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, query = rest[:i], rest[i:]
	}
	if path, _, _ := strings.Cut(query, "?"); strings.Contains(path, "@") {
		return "has a password with a character that must be encoded", encode
	}
	hosts := authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user := authority[:at]
		hosts = authority[at+1:]
		name, password, _ := strings.Cut(user, ":")
		switch {
		case name == "":
			return "has no user name before the @", "write user:password@host"
		case strings.ContainsAny(name, "@/?#[]") || strings.ContainsAny(password, ":@/?#[]") || badEscape.MatchString(user):
			return "has a user name or password with a character that must be encoded", encode
		}
	}
	if what, mend = hostsProblem(hosts, srv); what != "" && strings.Contains(query, "@") {
		return "has a password with a character that must be encoded", encode
	}
	return what, mend
}

func hostsProblem(hosts string, srv bool) (what, mend string) {
	list := strings.Split(hosts, ",")
	if srv && (len(list) > 1 || strings.Contains(hosts, ":")) {
		return "names several hosts or a port, which mongodb+srv:// looks up by itself", "leave one host without a port, or use mongodb://"
	}
	for _, h := range list {
		if strings.Contains(h, "%2F") || strings.Contains(h, "%2f") {
			continue // a Unix socket
		}
		port := ""
		if i := strings.LastIndexByte(h, ':'); i > strings.LastIndexByte(h, ']') {
			h, port = h[:i], h[i+1:]
			if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
				return "has a port that is not a number from 1 to 65535", "write host:27017"
			}
		}
		if h == "" {
			return "names no host", "write user:password@host"
		}
	}
	return "", ""
}
