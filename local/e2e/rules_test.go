package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// ruled have rules of their own.
var ruled = []*collection{
	{name: "mongo_wins", maps: true},
	{name: "ditto_wins", more: "conflicts: ditto"},
	{name: "by_field", maps: true, more: "conflicts: {default: mongo, fields: {notes.text: ditto}}"},
	{name: "to_ditto", maps: true, more: "direction: mongoToDitto"},
	{name: "to_mongo", more: "direction: dittoToMongo"},
	{name: "resurrect", fields: []string{"sku"}, more: "deletes: {mongodb: resurrect}"},
	{name: "ignore", fields: []string{"sku"}, more: "deletes: {ditto: ignore}"},
	{name: "soft", ejson: true, more: "deletes: {ditto: soft, softField: state.deleted}"},
}

// life is a document that has to lose values.
type life struct {
	on, key string
	steps   []step
	lost    []string
}

// rules are what happens when both sides change before the functions hear of
// it, and what the settings of a collection make of changes.
var rules = []life{
	{
		on: "mongo_wins", key: "both set",
		steps: []step{
			{insertMongo: `{"a":"x","b":"y","o":{"p":"q","r":"s"}}`, want: `{"a":"x","b":"y","o":{"p":"q","r":"s"}}`},
			{
				name: "to different values", paused: true,
				updateMongo: `{"$set":{"a":"m","o.p":"m"}}`, updateDitto: []edit{{"a", `"d"`}, {"o.r", `"d"`}},
				want:        `{"a":"m","b":"y","o":{"p":"m","r":"d"}}`,
				dittoWrites: 2, mongoWrites: 2,
			},
			{
				name: "to the same value", paused: true,
				updateMongo: `{"$set":{"a":"z"}}`, updateDitto: []edit{{"a", `"z"`}},
				want: `{"a":"z","b":"y","o":{"p":"m","r":"d"}}`,
			},
			{
				name: "and removed", paused: true,
				updateMongo: `{"$set":{"a":"m","b":"m"},"$unset":{"o.p":1}}`, updateDitto: []edit{{"a", ""}, {"o.p", `"d"`}},
				want:        `{"a":"m","b":"m","o":{"r":"d"}}`,
				dittoWrites: 2,
			},
		},
		lost: []string{`a of ditto by mongo: "d"`, `a of ditto by mongo: `, `o.p of ditto by mongo: "d"`},
	},
	{
		on: "mongo_wins", key: "changed and deleted",
		steps: []step{
			{insertMongo: `{"a":"x","b":"y"}`, want: `{"a":"x","b":"y"}`},
			{
				name: "changed in MongoDB, deleted in Ditto", paused: true,
				updateMongo: `{"$set":{"a":"m"}}`, deleteDitto: true,
				want: `{"a":"m","b":"y"}`, dittoWrites: 2,
			},
			{
				name: "deleted in MongoDB, changed in Ditto", paused: true,
				deleteMongo: true, updateDitto: []edit{{"b", `"d"`}}, dittoWrites: 2,
			},
		},
		// The delete is recorded if the functions hear of it before MongoDB's change.
		lost: []string{`? of ditto by delete: `, ` of ditto by delete: {"_id":"KEY","a":"m","b":"d"}`},
	},
	{
		on: "mongo_wins", key: "deleted by both",
		steps: []step{
			{insertDitto: `{"a":"x"}`, want: `{"a":"x"}`},
			{paused: true, deleteMongo: true, deleteDitto: true},
			{
				name: "inserted again by both", paused: true, insertMongo: `{"a":"m","c":"m"}`, insertDitto: `{"a":"d","b":"d"}`,
				want: `{"a":"m","b":"d","c":"m"}`, dittoWrites: 2, mongoWrites: 2,
			},
		},
		lost: []string{`a of ditto by mongo: "d"`},
	},
	{
		on: "mongo_wins", key: "inserted by both",
		steps: []step{
			{
				paused: true, insertMongo: `{"a":"m","c":"m","o":{"x":1}}`, insertDitto: `{"a":"d","b":"d","o":{"y":2}}`,
				want: `{"a":"m","b":"d","c":"m","o":{"x":"#1","y":2}}`, dittoWrites: 2, mongoWrites: 2,
			},
		},
		lost: []string{`a of ditto by mongo: "d"`},
	},
	{
		on: "mongo_wins", key: "husk",
		steps: []step{
			{insertMongo: `{"a":"x","b":"y","c":"z"}`, want: `{"a":"x","b":"y","c":"z"}`},
			{
				name:        "all but what was just changed is gone",
				updateDitto: []edit{{"a", `"d"`}, {"b", ""}, {"c", ""}},
				want:        `{"a":"d","b":"y","c":"z"}`, dittoWrites: 2,
			},
		},
		lost: []string{` of ditto by husk: {"_id":"KEY","a":"d"}`},
	},
	{
		// What looks like an attachment is one: towards Ditto it is never rewritten.
		on: "mongo_wins", key: "attachment",
		steps: []step{
			{
				name: "Ditto attaches", insertDitto: `{"a":"x","f":{"id":"t0ken","len":3,"metadata":{"name":"f"}}}`,
				want: `{"a":"x","f":{"id":"t0ken","len":3,"metadata":{"name":"f"}}}`,
			},
			{
				name: "MongoDB sets it and another field", updateMongo: `{"$set":{"a":"m","f":5}}`, mongoWrites: 2,
				want: `{"a":"m","f":{"id":"t0ken","len":3,"metadata":{"name":"f"}}}`,
			},
		},
		lost: []string{`f of mongodb by ditto: {"$numberInt":"5"}`},
	},
	{
		on: "mongo_wins", key: "thousands of fields",
		steps: []step{
			{insertMongo: thousands(""), want: thousands("")},
			{name: "Ditto edits one", updateDitto: []edit{{"o.f1", `"d"`}}, want: thousands("f1=d")},
			{name: "MongoDB edits one", updateMongo: `{"$set":{"o.f2":"m"}}`, want: thousands("f1=d f2=m")},
			{name: "MongoDB removes one", updateMongo: `{"$unset":{"o.f2":1}}`, want: thousands("f1=d f2=")},
			{name: "Ditto removes one", updateDitto: []edit{{"o.f1", ""}}, want: thousands("f1= f2=")},
		},
	},
	{
		on: "ditto_wins", key: "both set",
		steps: []step{
			{insertMongo: `{"a":"x","o":{"p":"q","r":"s"}}`, want: `{"a":"x","o":{"p":"q","r":"s"}}`},
			{
				name: "to different values", paused: true,
				updateMongo: `{"$set":{"a":"m","o.p":"m"}}`, updateDitto: []edit{{"a", `"d"`}, {"o", `{"p":"q","r":"d"}`}},
				want:        `{"a":"d","o":{"p":"q","r":"d"}}`,
				mongoWrites: 2,
			},
			{
				name: "and removed", paused: true,
				updateMongo: `{"$set":{"a":"m"}}`, updateDitto: []edit{{"a", ""}},
				want:        `{"o":{"p":"q","r":"d"}}`,
				mongoWrites: 2,
			},
		},
		lost: []string{`a of mongodb by ditto: "m"`, `o of mongodb by ditto: {"p": "m","r": "s"}`, `a of mongodb by ditto: "m"`},
	},
	{
		on: "by_field", key: "both set",
		steps: []step{
			{insertMongo: `{"a":"x","notes":{"text":"x","by":"x"}}`, want: `{"a":"x","notes":{"text":"x","by":"x"}}`},
			{
				name: "to different values", paused: true,
				updateMongo: `{"$set":{"a":"m","notes.text":"m","notes.by":"m"}}`,
				updateDitto: []edit{{"a", `"d"`}, {"notes.text", `"d"`}, {"notes.by", `"d"`}},
				want:        `{"a":"m","notes":{"text":"d","by":"m"}}`,
				dittoWrites: 2, mongoWrites: 2,
			},
		},
		lost: []string{`a of ditto by mongo: "d"`, `notes.by of ditto by mongo: "d"`, `notes.text of mongodb by ditto: "m"`},
	},
	{
		on: "to_ditto", key: "source and target",
		steps: []step{
			{insertMongo: `{"a":"x","b":"y"}`, want: `{"a":"x","b":"y"}`},
			{name: "MongoDB sets", updateMongo: `{"$set":{"a":"m"}}`, want: `{"a":"m","b":"y"}`},
			{name: "Ditto sets", updateDitto: []edit{{"b", `"d"`}}, want: `{"a":"m","b":"y"}`, dittoWrites: 2, mongoWrites: -1},
			{name: "Ditto adds", updateDitto: []edit{{"c", `"d"`}}, want: `{"a":"m","b":"y"}`, dittoWrites: 2, mongoWrites: -1},
			{name: "Ditto deletes", deleteDitto: true, want: `{"a":"m","b":"y"}`, dittoWrites: 2, mongoWrites: -1},
			{name: "MongoDB deletes", deleteMongo: true},
		},
		lost: []string{`b of ditto by one-way: "d"`, `c of ditto by one-way: "d"`, ` of ditto by one-way: `},
	},
	{
		on: "to_ditto", key: "created on the target",
		steps: []step{
			{insertDitto: `{"a":"d"}`, ditto: `{"a":"d"}`, mongo: "-", mongoWrites: -1, parked: "one-way"},
			{name: "mended", deleteDitto: true, mongoWrites: -1},
		},
	},
	{
		on: "to_mongo", key: "source and target",
		steps: []step{
			{insertDitto: `{"a":"x","b":"y"}`, want: `{"a":"x","b":"y"}`},
			{name: "Ditto sets", updateDitto: []edit{{"a", `"d"`}}, want: `{"a":"d","b":"y"}`},
			{name: "MongoDB sets", updateMongo: `{"$set":{"b":"m"}}`, want: `{"a":"d","b":"y"}`, dittoWrites: -1, mongoWrites: 2},
			{name: "MongoDB adds", updateMongo: `{"$set":{"c":"m"}}`, want: `{"a":"d","b":"y"}`, dittoWrites: -1, mongoWrites: 2},
			{name: "MongoDB deletes", deleteMongo: true, want: `{"a":"d","b":"y"}`, dittoWrites: -1, mongoWrites: 2},
			{name: "Ditto deletes", deleteDitto: true},
		},
		lost: []string{`b of mongodb by one-way: "m"`, `c of mongodb by one-way: "m"`, ` of mongodb by one-way: `},
	},
	{
		on: "to_mongo", key: "created on the target",
		steps: []step{
			{insertMongo: `{"a":"m"}`, ditto: "-", mongo: `{"a":"m"}`, dittoWrites: -1, parked: "one-way"},
			{name: "mended", deleteMongo: true, dittoWrites: -1},
		},
	},
	{
		on: "resurrect", key: "deleted",
		steps: []step{
			{insertMongo: `{"a":"x"}`, want: `{"a":"x"}`},
			{
				name: "in MongoDB, changed in Ditto", paused: true,
				deleteMongo: true, updateDitto: []edit{{"a", `"d"`}}, want: `{"a":"d"}`, mongoWrites: 2,
			},
			{name: "in MongoDB alone", deleteMongo: true},
		},
		lost: []string{` of mongodb by delete: `},
	},
	{
		on: "ignore", key: "deleted",
		steps: []step{
			{insertMongo: `{"a":"x"}`, want: `{"a":"x"}`},
			{name: "in Ditto", deleteDitto: true, ditto: "-", mongo: `{"a":"x"}`, mongoWrites: -1},
			{name: "MongoDB changes it", updateMongo: `{"$set":{"a":"m"}}`, want: `{"a":"m"}`},
			{name: "Ditto changes it", updateDitto: []edit{{"a", `"d"`}}, want: `{"a":"d"}`},
			{name: "in MongoDB", deleteMongo: true},
		},
	},
	{
		on: "soft", key: "deleted",
		steps: []step{
			{insertMongo: `{"a":"x","state":{"n":1}}`, want: `{"a":"x","state":{"n":"#1"}}`},
			{name: "in Ditto", deleteDitto: true, ditto: "-", mongo: `{"a":"x","state":{"n":"#1","deleted":true}}`},
			{name: "MongoDB changes it", updateMongo: `{"$set":{"state.deleted":false}}`, want: `{"a":"x","state":{"n":"#1","deleted":false}}`},
			{name: "in MongoDB", deleteMongo: true},
		},
	},
}

// thousands is a body with more fields than are handled one by one; edits
// are "<field>=<value>", without a value for a field that is removed.
func thousands(edits string) string {
	fields := make([]string, 2500)
	for i := range fields {
		fields[i] = fmt.Sprintf(`"f%d":"v"`, i)
	}
	for _, e := range strings.Fields(edits) {
		name, v, _ := strings.Cut(e, "=")
		i := slices.IndexFunc(fields, func(f string) bool { return strings.HasPrefix(f, `"`+name+`":`) })
		if v == "" {
			fields = slices.Delete(fields, i, i+1)
		} else {
			fields[i] = fmt.Sprintf("%q:%q", name, v)
		}
	}
	return `{"k":"k","o":{` + strings.Join(fields, ",") + `}}`
}

func TestRules(t *testing.T) {
	t.Parallel()
	w := open(t)
	again := w.again(t)
	var docs []*document
	for _, l := range rules {
		d := &document{collection: byName(l.on), key: l.key + again, steps: l.steps}
		for _, text := range l.lost {
			d.lost = append(d.lost, strings.ReplaceAll(text, "KEY", d.key))
		}
		docs = append(docs, d)
	}
	w.play(t, docs)
	w.checkConflictsList(t, ruled[0], "o.p", `"d"`)
}

// checkConflictsList looks for a value in what `causeway conflicts list` says
// of a collection.
func (w *world) checkConflictsList(t *testing.T, c *collection, path, v string) {
	t.Helper()
	var list []struct {
		Collection, Lost, Rule string
		Path                   []string
		Value                  json.RawMessage
	}
	w.causeway(t, &list, "conflicts", "list", c.name)
	for _, l := range list {
		if l.Collection != c.name {
			t.Errorf("conflicts list %s: lists %+v", c.name, l)
		}
		if strings.Join(l.Path, ".") == path && string(l.Value) == v && l.Lost == "ditto" && l.Rule == "mongo" {
			return
		}
	}
	t.Errorf("conflicts list %s: no %s %s among %d", c.name, path, v, len(list))
}
