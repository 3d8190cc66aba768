package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestTypesFromDitto: what a device writes takes the type that MongoDB holds
// there, where it can, or else the plain one. The rows are those of the page.
func TestTypesFromDitto(t *testing.T) {
	t.Parallel()
	w := open(t)
	rows := docsRows(t, "| Ditto | over MongoDB's | becomes |")
	if len(rows) < 15 {
		t.Fatalf("%d rows", len(rows))
	}
	again := w.again(t)
	var docs []*document
	for _, row := range rows {
		js, over, becomes := row[0], row[1], row[2]
		for _, c := range typed {
			key := js + " over " + over + again
			first := step{name: "MongoDB inserts", insertMongo: `{"k":"k"}`, want: `{"k":"k"}`}
			edited := step{
				name: "Ditto edits", updateDitto: []edit{{"v", js}}, exact: true,
				ditto: `{"k":"k","v":` + js + `}`, mongo: `{"k":"k","v":` + becomes + `}`,
			}
			if over != "nothing" {
				first.insertMongo = `{"k":"k","v":` + over + `}`
				first.exact, first.mongo, first.ditto = true, first.insertMongo, "?"
			}
			if over == becomes {
				edited.mongoWrites = -1 // that very value
			}
			if c.ejson && strings.HasPrefix(js, "{") && strings.HasPrefix(over, "{") {
				// An object that takes another's place, and not its keys: removed first.
				edited.updateDitto, edited.paused, edited.dittoWrites = nil, true, 2
				edited.do = func(t *testing.T) {
					w.updateDitto(t, c, key, edit{"v", ""})
					w.updateDitto(t, c, key, edit{"v", js})
				}
			}
			last := step{
				name: "MongoDB edits another field", updateMongo: `{"$set":{"k":"K"}}`, exact: true,
				ditto: strings.Replace(edited.ditto, `"k":"k"`, `"k":"K"`, 1), mongo: strings.Replace(edited.mongo, `"k":"k"`, `"k":"K"`, 1),
			}
			docs = append(docs, &document{collection: c, key: key, steps: []step{first, edited, last}})
		}
	}
	w.play(t, docs)
}

// born are values as a device writes them, and what MongoDB holds then, where
// that is not plain from docs/types.md.
var born = [][2]string{
	{`9223372036854775807`, `{"$numberLong":"9223372036854775807"}`},
	{`-9223372036854775808`, `{"$numberLong":"-9223372036854775808"}`},
	{`2147483647`, `{"$numberInt":"2147483647"}`},
	{`-2147483649`, `{"$numberLong":"-2147483649"}`},
	{`0`, `{"$numberInt":"0"}`},
	{`1.0`, `{"$numberDouble":"1.0"}`},
	{`0.1`, `{"$numberDouble":"0.1"}`},
	{`-1e-7`, `{"$numberDouble":"-1E-07"}`},
	{`1e+300`, `{"$numberDouble":"1E+300"}`},
	{`""`, `""`},
	{`"Zoë ☕ 𝄞 \" \\ / \n\t\u0001"`, `"Zoë ☕ 𝄞 \" \\ / \n\t\u0001"`},
	{`"a\u0000b"`, `"a\u0000b"`},
	{`"2024-04-05T19:34:38.901Z"`, `"2024-04-05T19:34:38.901Z"`},
	{`"507f1f77bcf86cd799439011"`, `"507f1f77bcf86cd799439011"`},
	{`true`, `true`},
	{`false`, `false`},
	{`null`, `null`},
	{`[]`, `[]`},
	{`{}`, `{}`},
	{`[[],{},null,[1,[2.5]]]`, `[[],{},null,[{"$numberInt":"1"},[{"$numberDouble":"2.5"}]]]`},
	{`{"a":{"b":{"c":{}}}}`, `{"a":{"b":{"c":{}}}}`},
	{`{"$oid":"507f1f77bcf86cd799439011"}`, `{"$oid":"507f1f77bcf86cd799439011"}`},
	{`{"$numberDecimal":"1.10"}`, `{"$numberDecimal":"1.10"}`},
	{`{"$ref":"c","$id":7}`, `{"$ref":"c","$id":{"$numberInt":"7"}}`},
	{`{"id":"abc","len":3,"metadata":{}}`, `{"id":"abc","len":{"$numberInt":"3"},"metadata":{}}`},
}

// TestTypesBornInDitto: a document from a device keeps what the device wrote,
// whatever MongoDB's users do to other fields.
func TestTypesBornInDitto(t *testing.T) {
	t.Parallel()
	w := open(t)
	again := w.again(t)
	var docs []*document
	for _, c := range typed {
		for i, b := range born {
			steps := []step{
				{name: "Ditto inserts", insertDitto: strings.ReplaceAll(`{"k":"k","v":X,"o":{"v":X},"l":[X]}`, "X", b[0])},
				{name: "MongoDB edits another field", updateMongo: `{"$set":{"k":"K"}}`},
				{name: "Ditto edits another field", updateDitto: []edit{{"k", `"k"`}}},
			}
			for n, k := range []string{"k", "K", "k"} {
				body := `{"k":"` + k + `","v":X,"o":{"v":X},"l":[X]}`
				steps[n].exact = true
				steps[n].ditto, steps[n].mongo = strings.ReplaceAll(body, "X", b[0]), strings.ReplaceAll(body, "X", b[1])
			}
			docs = append(docs, &document{collection: c, key: fmt.Sprint("born ", i, " ", b[0], again), steps: steps})
		}
	}
	w.play(t, docs)
}

// docsRows are the cells of a table in docs/types.md, by its head.
func docsRows(t *testing.T, head string) (rows [][]string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/types.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(page), head+"\n")
	if !ok {
		t.Fatalf("docs/types.md has no table %s", head)
	}
	for _, line := range strings.Split(table, "\n")[1:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		for i := range cells {
			cells[i] = strings.Trim(cells[i], "` ")
		}
		rows = append(rows, cells)
	}
	return rows
}
