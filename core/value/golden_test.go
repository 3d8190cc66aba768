package value_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden converts whole documents, which the driver read from canonical
// Extended JSON, and takes them back.
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.input")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("%v, %v", inputs, err)
	}
	for _, input := range inputs {
		text, err := os.ReadFile(input)
		if err != nil {
			t.Fatal(err)
		}
		var doc bson.Raw
		if err := bson.UnmarshalExtJSON(text, true, &doc); err != nil {
			t.Fatal(err)
		}
		v := bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}
		for _, m := range benchModes {
			golden := strings.TrimSuffix(input, ".input") + "." + m.name
			t.Run(filepath.Base(golden), func(t *testing.T) {
				js, err := value.AppendDitto(nil, v, m.mode)
				if err != nil {
					t.Fatal(err)
				}
				lines := onePerLine(t, js)
				if *update {
					if err := os.WriteFile(golden, lines, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), string(lines)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				back, err := value.Decode(want, v, m.mode)
				if err != nil {
					t.Fatal(err)
				}
				if !back.Equal(v) {
					t.Errorf("came back as %s", back)
				}
			})
		}
	}
}

// onePerLine puts each top-level field on a line of its own, for people.
func onePerLine(t *testing.T, js []byte) []byte {
	fields, err := value.Members(js)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for i, f := range fields {
		b.WriteString([]string{"{\n", ",\n"}[min(i, 1)])
		b.Write(value.AppendString(nil, f.Name))
		b.WriteString(": ")
		b.Write(f.Value)
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}
