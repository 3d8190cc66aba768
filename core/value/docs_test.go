package value_test

import (
	"os"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// rows are the cells of a table in docs/types.md, by the text of its head.
func rows(t *testing.T, head string) [][]string {
	page, err := os.ReadFile("../../docs/types.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(page), head+"\n")
	if !ok {
		t.Fatalf("no table %s", head)
	}
	var out [][]string
	for _, line := range strings.Split(table, "\n")[1:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		for i := range cells {
			cells[i] = strings.Trim(cells[i], "` ")
		}
		out = append(out, cells)
	}
	return out
}

func ejson(t *testing.T, js string) bson.RawValue {
	v, err := value.Decode([]byte(js), bson.RawValue{}, value.EJSON)
	if err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	return v
}

func TestDocsToDitto(t *testing.T) {
	seen := map[bson.Type]bool{}
	for _, row := range rows(t, "| BSON type | `json` | `ejson` | new |") {
		t.Run(row[0], func(t *testing.T) {
			v := ejson(t, row[2])
			seen[v.Type] = true
			for i, m := range []value.Mode{value.JSON, value.EJSON} {
				got, err := value.AppendDitto(nil, v, m)
				if err != nil || string(got) != row[1+i] {
					t.Errorf("%s, %v, want %s", got, err, row[1+i])
				}
			}
			back, err := value.Decode([]byte(row[1]), bson.RawValue{}, value.JSON)
			if err != nil {
				t.Fatal(err)
			}
			if same := back.Equal(v); same != (row[3] == "same") {
				t.Errorf("a new field: %s %s, want %s", back.Type, back, row[3])
			}
		})
	}
	for _, tt := range table {
		if typ := rv(t, tt.v).Type; !seen[typ] {
			t.Errorf("the page lacks %s", typ)
		}
	}
}

func TestDocsToMongoDB(t *testing.T) {
	all := rows(t, "| Ditto | over MongoDB's | becomes |")
	if len(all) < 15 {
		t.Fatalf("%d rows", len(all))
	}
	for _, row := range all {
		t.Run(row[0]+" over "+row[1], func(t *testing.T) {
			var over bson.RawValue
			if row[1] != "nothing" {
				over = ejson(t, row[1])
			}
			for _, m := range []value.Mode{value.JSON, value.EJSON} {
				got, err := value.Decode([]byte(row[0]), over, m)
				if err != nil || !got.Equal(ejson(t, row[2])) {
					t.Errorf("%s, %v, want %s", got, err, row[2])
				}
			}
		})
	}
}
