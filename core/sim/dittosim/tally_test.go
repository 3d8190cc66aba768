package dittosim_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// tally counts what was compared: how many statements of each kind, and the
// situations in which they ran.
type tally struct {
	statements int
	count      map[string]int
}

// least is what a run has to bring, at the least, beside its statements.
var least = map[string]int{
	"read": 500, "read MAP": 100, "paths MAP": 30, "paths COUNTER": 100, "paths PN_COUNTER": 30, "paths REGISTER": 30, "probe": 20,
	"insert array": 40, "insert each": 50, "insert declared": 50, "update many": 100, "update one": 200, "update declared": 10,
	"delete many": 20, "delete one": 20,
	"clause APPLY": 30, "clause SET": 200, "clause UNSET": 50, "condition IS MISSING": 100, "condition equal": 200,
	"outcome all": 200, "outcome some": 20, "outcome none": 50, "outcome refused": 3,
	"api v4": 500, "api v5": 2000,
	"id string": 500, "id number": 300, "id bool": 20, "id wrapper": 100, "id compound": 50, "id array": 30,
	"array with null": 100, "IN with mixed kinds": 20, "IN with objects of two kinds": 1, "missing parents": 50, "type change": 100,
	"scalar to map": 20, "map to scalar": 20, "register object": 100, "counter gone": 10, "number to counter": 10,
	"register over map": 50, "register over counter": 30, "map over counter": 10, "field like its collection": 100, "odd name": 100,
}

func (t *tally) note(what string) {
	if t.count == nil {
		t.count = map[string]int{}
	}
	t.count[what]++
}

func (t *tally) add(u *tally) {
	t.statements += u.statements
	for what, n := range u.count {
		t.note(what)
		t.count[what] += n - 1
	}
}

func (t *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of Causeway's statements compared", t.statements)
	for _, what := range slices.Sorted(maps.Keys(t.count)) {
		fmt.Fprintf(&b, "\n%7d  %s", t.count[what], what)
	}
	return b.String()
}

// lacking says what a run did not bring.
func (t *tally) lacking() (out []string) {
	if t.statements < wantStatements {
		out = append(out, fmt.Sprintf("%d statements, want %d", t.statements, wantStatements))
	}
	for _, what := range slices.Sorted(maps.Keys(least)) {
		if t.count[what] < least[what] {
			out = append(out, fmt.Sprintf("%d times %q, want %d", t.count[what], what, least[what]))
		}
	}
	return out
}

var (
	pathsOf   = regexp.MustCompile("^SELECT _id, .* FROM COLLECTION .*?\\) (?:AS `[^`]*` )?WHERE")
	typeOf    = regexp.MustCompile(` (MAP|COUNTER|PN_COUNTER|REGISTER)\)+ (?:AS|WHERE)`)
	nullArray = regexp.MustCompile(`\[(?:[^\[\]"{}]*,)?null`)
)

// statement counts one of Causeway's, by the grammar of package dql.
func (t *tally) statement(r ditto.Request, resp ditto.Response, err error) {
	t.statements++
	t.note("api " + string(r.API))
	s := r.Statement
	one := strings.Contains(s, "_id = :id")
	number := map[bool]string{true: "one", false: "many"}[one]
	switch {
	case strings.HasPrefix(s, "SELECT * FROM COLLECTION"):
		t.note("read MAP")
	case strings.HasPrefix(s, "SELECT *"):
		t.note("read")
	case pathsOf.MatchString(s):
		t.note("paths " + typeOf.FindStringSubmatch(s)[1])
	case strings.HasPrefix(s, "SELECT"):
		t.note("probe")
	case strings.HasPrefix(s, "INSERT"):
		t.note("insert " + map[bool]string{true: "array", false: "each"}[strings.Contains(s, "(:docs)")])
		if strings.Contains(s, "COUNTER)") {
			t.note("insert declared")
		}
	case strings.HasPrefix(s, "UPDATE COLLECTION"):
		t.note("update declared")
		fallthrough
	case strings.HasPrefix(s, "UPDATE"):
		t.note("update " + number)
	case strings.HasPrefix(s, "DELETE"):
		t.note("delete " + number)
	}
	if strings.HasPrefix(s, "SELECT") {
		return
	}
	for what, part := range map[string]string{
		"clause APPLY": " APPLY ", "clause SET": " SET ", "clause UNSET": " UNSET ", "condition IS MISSING": " IS MISSING",
		"condition object": "= 'object'", "condition equal": "serialize_json(",
	} {
		if strings.Contains(s, part) {
			t.note(what)
		}
	}
	if nullArray.Match(r.Args) {
		t.note("array with null")
	}
	wanted := 1
	if !one {
		wanted = 0
		for name, v := range value.Fields(r.Args) {
			if name == "ids" || name == "docs" {
				wanted = 1 + strings.Count(topLevel(v), ",")
			} else if strings.HasPrefix(s, "INSERT") {
				wanted++
			}
		}
	}
	switch {
	case err != nil:
		t.note("outcome refused")
	case len(resp.Mutated) == 0:
		t.note("outcome none")
	case len(resp.Mutated) < wanted:
		t.note("outcome some")
	default:
		t.note("outcome all")
	}
	for _, js := range resp.Mutated {
		t.note("id " + kindOf(docid.ID(js)))
	}
}

// topLevel is a list without what its elements hold.
func topLevel(list []byte) string {
	var b strings.Builder
	depth, quoted := 0, false
	for i, c := range list {
		switch {
		case c == '"' && (i == 0 || list[i-1] != '\\'):
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case depth == 1:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func kindOf(id docid.ID) string {
	switch id.Kind() {
	case docid.String:
		return "string"
	case docid.Number:
		return "number"
	case docid.Bool:
		return "bool"
	case docid.Array:
		return "array"
	}
	if value.IsWrapper([]byte(id)) {
		return "wrapper"
	}
	return "compound"
}

func (t *tally) mixed(ids []docid.ID) {
	kinds, objects := map[docid.Kind]bool{}, map[bool]bool{}
	for _, id := range ids {
		kinds[id.Kind()] = true
		if k := value.Lookup([]byte(id), value.PathOf("k")); k != nil {
			objects[k[0] == '"'] = true
		}
	}
	if len(kinds) > 1 {
		t.note("IN with mixed kinds")
	}
	if len(kinds) == 1 && len(objects) == 2 {
		t.note("IN with objects of two kinds")
	}
}

// ops counts what a change is about.
func (t *tally) ops(c *ditto.Change) {
	for _, op := range c.Ops {
		for _, up := range op.Path.Parents() {
			if value.Lookup(c.Doc, up) == nil {
				t.note("missing parents")
			}
		}
		if len(op.Old) > 0 && len(op.New) > 0 && shapeOf(op.Old) != shapeOf(op.New) {
			t.note("type change")
			if op.New[0] == '{' {
				t.note("scalar to map")
			}
			if op.Old[0] == '{' {
				t.note("map to scalar")
			}
		}
		if op.Counter && len(op.Old) > 0 {
			t.note("number to counter")
		}
		if op.New == nil && len(op.Old) > 0 && shapeOf(op.Old) == "number" {
			t.note("counter gone")
		}
		if strings.ContainsAny(string(op.Path), ".$`") {
			t.note("odd name")
		}
	}
}

// shapeOf is a value's kind: a name, as a person would say it.
func shapeOf(js []byte) string {
	switch js[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 'n':
		return "null"
	case 't', 'f':
		return "bool"
	}
	return "number"
}

// document counts what hides in a document that a statement of Causeway's has
// just changed: shown are the looks at it.
func (t *tally) document(collection string, shown map[string][]byte) {
	at := func(name string, p value.Path) []byte { return value.Lookup(shown[name], p) }
	for _, f := range fieldNames(collection) {
		p := value.PathOf(f)
		for prefix, q := range map[string]value.Path{"": p, "n.": p.Child("x")} {
			if shown[prefix+"MAP"] == nil {
				continue // not looked at in this way
			}
			v := at("", q)
			hidden := at(prefix+"MAP", q)
			counter := at(prefix+"COUNTER", q)
			if prefix != "" && len(at("", p)) > 0 && at("", p)[0] != '{' {
				continue
			}
			switch {
			case v == nil:
				continue
			case hidden != nil && v[0] != '{':
				t.note("register over map")
			case hidden == nil && v[0] == '{':
				t.note("register object")
			}
			if counter != nil && string(counter) != string(v) {
				t.note("register over counter")
				if hidden != nil && v[0] == '{' {
					t.note("map over counter")
				}
			}
		}
		if f == collection && at("", p) != nil {
			t.note("field like its collection")
		}
	}
}
