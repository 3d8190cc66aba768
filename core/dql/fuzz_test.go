package dql_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/value"
)

// A quoted name is one token, whatever the name, and gives the name back.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", "a.b", "`", "``", "a`b", "` OR 1=1 --", "é\x00\n'\"", "select"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		q := dql.Quote(name)
		if len(q) < 2 || q[0] != '`' || q[len(q)-1] != '`' {
			t.Fatalf("%q is not in backticks", q)
		}
		inner := q[1 : len(q)-1]
		if strings.Contains(strings.ReplaceAll(inner, "``", ""), "`") {
			t.Errorf("%q: a lone backtick ends the name", q)
		}
		if got := strings.ReplaceAll(inner, "``", "`"); got != name {
			t.Errorf("%q comes back as %q", name, got)
		}
	})
}

// The arguments are JSON and the text is the same whatever the values are.
func FuzzUpdateArgs(f *testing.F) {
	f.Add("a", `"x"`, "null", `{"a":[1.0,null]}`)
	f.Add("`", `{"$oid":"0123456789abcdef01234567"}`, `"\":}"`, "[]")
	f.Fuzz(func(t *testing.T, field, id, old, new string) {
		if !json.Valid([]byte(id)) || !json.Valid([]byte(old)) || !json.Valid([]byte(new)) {
			t.Skip("not JSON")
		}
		row := dql.Row{
			ID:    docid.ID(id),
			Set:   []dql.Assign{{Path: value.PathOf(field), Value: []byte(new)}},
			Where: []dql.Condition{{Path: value.PathOf(field), Test: dql.Equal, Value: []byte(old)}},
		}
		st := dql.Update("c", []dql.Row{row, row})
		var args map[string][]json.RawMessage
		if err := json.Unmarshal(st.Args, &args); err != nil {
			t.Fatalf("%s: %v", st.Args, err)
		}
		if string(args["ids"][1]) != strings.TrimSpace(id) || string(args["n0"][0]) != strings.TrimSpace(new) || string(args["o0"][1]) != strings.TrimSpace(old) {
			t.Errorf("values moved: %s", st.Args)
		}
		row.Set[0].Value, row.Where[0].Value = []byte("1"), []byte("2")
		if other := dql.Update("c", []dql.Row{row, row}); other.Text != st.Text {
			t.Errorf("values reach the text:\n%s\n%s", st.Text, other.Text)
		}
	})
}
