package dql_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/value"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func paths(dotted ...string) []value.Path {
	var out []value.Path
	for _, d := range dotted {
		out = append(out, value.ParsePath(d))
	}
	return out
}

// Every form of statement, as it is sent.
func TestStatements(t *testing.T) {
	ids := []docid.ID{`"a"`, `"b"`}
	docs := [][]byte{[]byte(`{"_id":"a","qty":1}`), []byte(`{"_id":"b"}`)}
	row := func(id docid.ID, n string) dql.Row {
		return dql.Row{
			ID:    id,
			Apply: []dql.Assign{{Path: value.ParsePath("inv.qty"), Value: []byte(n)}},
			Set:   []dql.Assign{{Path: value.ParsePath("a"), Value: []byte(`"` + n + `"`)}, {Path: value.ParsePath("inv.x"), Value: []byte("null")}},
			Unset: paths("b", "inv.y"),
			Where: []dql.Condition{
				{Path: value.ParsePath("a"), Test: dql.Missing},
				{Path: value.ParsePath("b"), Test: dql.Equal, Value: []byte(`{"k":` + n + `}`)},
				{Path: value.ParsePath("inv"), Test: dql.Object},
				{Path: value.ParsePath("inv.qty"), Test: dql.Equal, Value: []byte("7")},
			},
		}
	}
	hidden := func(path string) dql.Row {
		p := value.ParsePath(path)
		return dql.Row{
			ID: `"a"`, Types: dql.Types{p: dql.Counter}, Unset: []value.Path{p},
			Where: []dql.Condition{{Path: p, Test: dql.Equal, Value: []byte("3")}},
		}
	}
	cases := []struct {
		name string
		st   dql.Statement
	}{
		{"Select", dql.Select("tasks", ids)},
		{"SelectObjects", dql.Select("tasks", []docid.ID{`{"$oid":"0123456789abcdef01234567"}`})},
		{"SelectOddName", dql.Select("a`b.c d", ids)},
		{"SelectTyped", dql.SelectTyped("tasks", dql.TypesOf(dql.Map, paths("n", "n.x", "a.b")...), ids)},
		{"SelectPaths", dql.SelectPaths("tasks", dql.Counter, paths("qty", "inv.qty"), ids)},
		{"SelectPathsNamedLikeCollection", dql.SelectPaths("inv", dql.Map, paths("t", "inv.x"), ids)},
		{"Probe", dql.Probe("tasks", ids)},
		{"Count", dql.Count("tasks")},
		{"AllIDs", dql.AllIDs("tasks", 30000)},
		{"PageStrings", dql.PageIDs("tasks", dql.StringIDs, "", 10)},
		{"PageStringsAfter", dql.PageIDs("tasks", dql.StringIDs, `"a"`, 10)},
		{"PageIntegers", dql.PageIDs("tasks", dql.IntegerIDs, "", 10)},
		{"PageBooleans", dql.PageIDs("tasks", dql.BooleanIDs, "", 10)},
		{"PageCompound", dql.PageIDs("tasks", dql.CompoundIDs, "", 10)},
		{"PageCompoundAfter", dql.PageIDs("tasks", dql.CompoundIDs, `{"$oid":"0123456789abcdef01234567"}`, 10)},
		{"Insert", dql.Insert("tasks", nil, docs)},
		{"InsertCounters", dql.Insert("tasks", paths("qty", "inv.qty", "inv.sub.q"), docs)},
		{"InsertEach", dql.InsertEach("tasks", paths("qty"), docs)},
		{"Update", dql.Update("tasks", []dql.Row{row(`"a"`, "1"), row(`"b"`, "2")})},
		{"UpdateOne", dql.UpdateOne("inv", row(`"a"`, "1"))},
		{"UpdateHidden", dql.UpdateOne("tasks", hidden("n.q"))},
		{"UpdateHiddenNamedLikeCollection", dql.Update("n", []dql.Row{hidden("n.q")})},
		{"Delete", dql.Delete("tasks", []dql.Target{{ID: `"a"`, JSON: docs[0]}, {ID: `"b"`, JSON: docs[1]}})},
		{"DeleteOne", dql.DeleteOne("tasks", dql.Target{ID: `1`, JSON: []byte(`{"_id":1}`)})},
	}
	var b strings.Builder
	for _, c := range cases {
		b.WriteString("== " + c.name + "\n" + c.st.Text + "\n" + string(c.st.Args) + "\n")
	}
	golden(t, "statements.golden", b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
