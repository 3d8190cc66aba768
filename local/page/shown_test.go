package page_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/local/page"
)

// Not every MongoDB refuses what is no UTF-8: whatever comes is shown as text.
func TestShown(t *testing.T) {
	for name, c := range map[string]struct {
		doc  bson.D
		want string
	}{
		"Value":      {bson.D{{Key: "_id", Value: "a"}, {Key: "v", Value: "x\xfe\xffy"}}, "x\uFFFD\uFFFDy"},
		"LargeValue": {bson.D{{Key: "_id", Value: "a"}, {Key: "v", Value: strings.Repeat("\xfe", 100<<10)}}, `"cut":true`},
		"CutInside":  {bson.D{{Key: "_id", Value: "a"}, {Key: "v", Value: "x" + strings.Repeat("ä", 1000)}}, `"cut":true`},
		"Inner":      {bson.D{{Key: "_id", Value: "a"}, {Key: "v", Value: bson.D{{Key: "k\xfe", Value: "\xfe"}}}}, "k\uFFFD"},
		"Name":       {bson.D{{Key: "_id", Value: "a"}, {Key: "v\xfe", Value: 1}}, "v\uFFFD"},
		"ID":         {bson.D{{Key: "_id", Value: "a\xfe"}}, "a\uFFFD"},
		"Symbol":     {bson.D{{Key: "_id", Value: "a"}, {Key: "v", Value: bson.Symbol("\xfe")}}, "\uFFFD"},
		"Code":       {bson.D{{Key: "_id", Value: "a"}, {Key: "v", Value: bson.CodeWithScope{Code: "\xfe", Scope: bson.D{}}}}, "\uFFFD"},
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := bson.Marshal(c.doc)
			if err != nil {
				t.Fatal(err)
			}
			got, err := page.Shown(&manifest.Collection{Name: "tasks", Fields: []string{"_id"}}, doc)
			text := strings.NewReplacer(`\\ufffd`, "\uFFFD", `\ufffd`, "\uFFFD").Replace(string(got))
			if err != nil || !json.Valid(got) || !utf8.Valid(got) || len(got) > 4<<10 || !strings.Contains(text, c.want) {
				t.Errorf("%d bytes, %v, want %q in %.500s", len(got), err, c.want, got)
			}
		})
	}
}
