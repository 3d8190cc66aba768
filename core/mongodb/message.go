package mongodb

import (
	"net/url"
	"regexp"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// redactor removes a connection string's secrets from text.
type redactor []string

var secretOption = regexp.MustCompile(`(?i)[?&](?:authMechanismProperties|tlsCertificateKeyFilePassword|sslClientCertificateKeyPassword|proxyPassword)=([^&]*)`)

func newRedactor(uri string) redactor {
	secrets := []string{uri}
	_, rest, _ := strings.Cut(uri, "://")
	hosts, _, _ := strings.Cut(rest, "?")
	if i := strings.LastIndexByte(hosts, '@'); i >= 0 {
		if _, password, ok := strings.Cut(hosts[:i], ":"); ok {
			secrets = append(secrets, password)
		}
	}
	for _, m := range secretOption.FindAllStringSubmatch(uri, -1) {
		secrets = append(secrets, m[1])
		for _, property := range strings.Split(m[1], ",") {
			if _, v, ok := strings.Cut(property, ":"); ok {
				secrets = append(secrets, v)
			}
		}
	}
	var r redactor
	for _, s := range secrets {
		r = append(r, s)
		if plain, err := url.PathUnescape(s); err == nil && plain != s {
			r = append(r, plain)
		}
	}
	return r
}

// clean replaces the secrets. A secret too short to be told from ordinary
// text is only looked for where a connection string has it.
func (r redactor) clean(text string) string {
	for _, s := range r {
		switch {
		case s == "":
		case len(s) < 4:
			text = strings.ReplaceAll(text, ":"+s+"@", ":[redacted]@")
		default:
			text = strings.ReplaceAll(text, s, "[redacted]")
		}
	}
	return text
}

var quoted = regexp.MustCompile(`"[^"]*"`)

// cleanQuoted also removes what the text quotes of the connection string,
// apart from its scheme and the names of its options: a string that does not
// parse may have its password anywhere.
func (r redactor) cleanQuoted(text, uri string) string {
	plain, err := url.PathUnescape(uri)
	if err != nil {
		plain = uri
	}
	return r.clean(quoted.ReplaceAllStringFunc(text, func(q string) string {
		s := q[1 : len(q)-1]
		harmless := s == "mongodb" || s == "mongodb+srv" || strings.Contains(uri, "?"+s+"=") || strings.Contains(uri, "&"+s+"=") ||
			!strings.Contains(uri, s) && !strings.Contains(plain, s)
		if s == "" || harmless {
			return q
		}
		return "[redacted]"
	}))
}

func mentionsAuth(message string) bool {
	m := strings.ToLower(message)
	return strings.Contains(m, "auth") || strings.Contains(m, "not allowed to do action")
}

// serverMessage cuts a server's message where it may begin to quote a
// document: at a brace, bracket, quotation mark, or a single colon.
func serverMessage(m string) string {
	for _, noise := range []string{"Plan executor error during", "PlanExecutor error during", "Executor error during"} {
		if strings.HasPrefix(m, noise) {
			if _, rest, ok := strings.Cut(m, " :: caused by :: "); ok {
				m = rest
			}
		}
	}
	end := len(m)
	for i := 0; i < len(m); i++ {
		switch m[i] {
		case '{', '[', '"', '`':
			end = i
		case '\'': // not an apostrophe
			if i > 0 && m[i-1] != ' ' {
				continue
			}
			end = i
		case ':':
			if i+1 < len(m) && m[i+1] == ':' {
				i++
				continue
			}
			end = i
		default:
			continue
		}
		break
	}
	return strings.TrimSpace(m[:min(end, 200)])
}

// writeError reduces what the server said of one model to what may be logged.
func writeError(index, code int, message string, raw bson.Raw) WriteError {
	e := WriteError{Index: index, Code: code}
	switch {
	case IsDuplicate(e):
		e.KeyIndex = duplicateIndex(message, raw)
		e.Message = "duplicate key in index " + e.KeyIndex
	case code == 121:
		e.Message = "Document failed validation"
		if rules := failedRules(raw.Lookup("errInfo", "details")); rules != "" {
			e.Message += ": " + rules
		}
	default:
		e.Message = serverMessage(message)
	}
	return e
}

var indexName = regexp.MustCompile(`index: (?:\S+\.\$)?(\S+)`)

// duplicateIndex names the index, since the rest of the message holds the key.
func duplicateIndex(message string, raw bson.Raw) string {
	if m := indexName.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	pattern, _ := raw.Lookup("keyPattern").DocumentOK()
	elements, _ := pattern.Elements()
	if len(elements) == 1 && elements[0].Key() == "_id" {
		return "_id_"
	}
	var fields []string
	for _, e := range elements {
		fields = append(fields, e.Key())
	}
	return strings.Join(fields, "_")
}

// failedRules lists the schema rules that a document broke, with the names of
// fields and never their values.
func failedRules(details bson.RawValue) string {
	var out []string
	var walk func(path string, v bson.RawValue)
	each := func(v bson.RawValue, f func(bson.RawValue)) {
		if array, ok := v.ArrayOK(); ok {
			values, _ := array.Values()
			for _, v := range values {
				f(v)
			}
		}
	}
	text := func(d bson.Raw, key string) string {
		s, _ := d.Lookup(key).StringValueOK()
		return s
	}
	walk = func(path string, v bson.RawValue) {
		d, ok := v.DocumentOK()
		if !ok || len(out) == 10 {
			return
		}
		inner := false
		deeper := func(path string) func(bson.RawValue) {
			return func(v bson.RawValue) { inner = true; walk(path, v) }
		}
		each(d.Lookup("schemaRulesNotSatisfied"), deeper(path))
		each(d.Lookup("details"), deeper(path))
		each(d.Lookup("clausesNotSatisfied"), func(v bson.RawValue) {
			if c, ok := v.DocumentOK(); ok {
				deeper(path)(c.Lookup("details"))
			}
		})
		each(d.Lookup("propertiesNotSatisfied"), func(v bson.RawValue) {
			if p, ok := v.DocumentOK(); ok {
				name := strings.TrimPrefix(path+"."+text(p, "propertyName"), ".")
				each(p.Lookup("details"), deeper(name))
			}
		})
		if inner {
			return
		}
		rule := text(d, "operatorName")
		var names []string
		for _, list := range []string{"missingProperties", "additionalProperties"} {
			each(d.Lookup(list), func(v bson.RawValue) {
				if s, ok := v.StringValueOK(); ok {
					names = append(names, s)
				}
			})
		}
		if len(names) > 0 {
			rule += " " + strings.Join(names, ", ")
		}
		if kind := text(d, "consideredType"); kind != "" {
			rule += " (is " + kind + ")"
		}
		if path != "" {
			rule = path + ": " + rule
		}
		if rule != "" {
			out = append(out, rule)
		}
	}
	walk("", details)
	return strings.Join(out, "; ")
}
