package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// hostile have names, and take documents, that are made to break DQL and
// MongoDB's language.
var hostile = []*collection{
	{name: "hostile ' OR 1=1 --", ditto: "ho`stile\"; DELETE FROM hostile"},
	{name: "hostile\"`maps", maps: true},
	{name: "hostile/ejson", ejson: true},
	{name: "hostile_mapped", fields: []string{"ref"}, maps: true},
}

var hostileTexts = []string{
	"`", "``", "'", "' OR '1'='1", "'; DELETE FROM hostile --", `"`, `\`, `") ON ID CONFLICT DO UPDATE --`, "$where", "$ne", "$$ROOT", `{"$ne":null}`, ":ids", "*", "%",
	"_id", "a.b", "__proto__", "a\x00b", "\n", "\u2028", "\u2029", "\u202e", "\U0001f600", "e\u0301", "\u00e9", " ", "null", "true", "0", "sleep(10000) || true", strings.Repeat("`'", 120),
}

// hostileNames are of fields: an update of MongoDB's own names them with
// neither dots nor a leading $.
var hostileNames = []string{"`", "``x", "'", "' OR '1'='1", `"`, `\`, ":n0", "--", "/*", "\u2028", "\u202e", "select", "__proto__", " ", "null"}

// hostileValue looks like an operator to who does not keep values apart from
// statements.
const hostileValue = `{"a":["' OR 1=1 --",{"where":"true"}],"$where":"sleep(10000) || true","$ne":null,"$$ROOT":"$$ROOT"}`

// TestHostile: documents whose collections, ids, field names and values are
// made to break a statement go both ways like any other. Their neighbours, each
// as hostile, see no write of theirs, and stay as they are.
func TestHostile(t *testing.T) {
	t.Parallel()
	w := open(t)
	var docs []*document
	for _, c := range hostile {
		for i, key := range hostileTexts {
			name, other := hostileNames[i%len(hostileNames)], hostileNames[(i+7)%len(hostileNames)]
			body := func(v, o string) string {
				js := parse(t, `{}`)
				js[name] = json.RawMessage(v)
				js["o"] = map[string]any{other: json.RawMessage(o), "neighbour": key}
				js["$where"] = "true"
				js["a.$ne"] = json.RawMessage(text(t, key))
				return text(t, js)
			}
			quoted := text(t, key)
			first, second := body(hostileValue, quoted), body(quoted, quoted)
			third := body(quoted, `"m"`)
			steps := []step{
				{name: "born in MongoDB", insertMongo: first, want: first},
				{name: "changed in Ditto", updateDitto: []edit{{at(name), quoted}}, want: second},
				{name: "changed in MongoDB", updateMongo: `{"$set":` + text(t, map[string]any{"o." + other: "m"}) + `}`, want: third},
				{name: "deleted in Ditto", deleteDitto: true},
			}
			if i%2 == 1 {
				steps = []step{
					{name: "born in Ditto", insertDitto: first, want: first},
					{name: "changed in MongoDB", updateMongo: `{"$set":` + text(t, map[string]any{name: key}) + `}`, want: second},
					{name: "changed in Ditto", updateDitto: []edit{{at("o", other), `"m"`}}, want: third},
					{name: "deleted in MongoDB", deleteMongo: true},
				}
			}
			docs = append(docs, &document{collection: c, key: key, steps: steps})
		}
	}
	w.play(t, docs)
}
