package value_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// FuzzJSON feeds any text as a Ditto value, over any BSON: nothing panics,
// what is accepted is JSON to encoding/json too, and what was decoded is BSON
// and equal to what it came from.
func FuzzJSON(f *testing.F) {
	for i, tt := range table {
		like := table[(i*7+3)%len(table)].v
		f.Add([]byte(tt.json), marshalRaw(rv(f, like)))
		f.Add([]byte(tt.ejson), marshalRaw(rv(f, tt.v)))
	}
	f.Add([]byte(`{"a":[1,{"b":"2024-04-05T19:34:38.901Z"}],"a":2}`), []byte{})
	f.Fuzz(func(t *testing.T, js, like []byte) {
		var over bson.RawValue
		if bson.Raw(like).Validate() == nil {
			over = bson.Raw(like).Lookup("v")
		}
		canon, err := value.Canonical(nil, js)
		if err == nil && !json.Valid(js) {
			t.Fatalf("accepted %q", js)
		}
		if err == nil {
			if again, err := value.Canonical(nil, canon); err != nil || !bytes.Equal(again, canon) {
				t.Fatalf("%s, then %s, %v", canon, again, err)
			}
		}
		value.JSONUnits(js, false, nil)
		value.Lookup(js, value.PathOf("a", "b"))
		value.HashJSON(js)
		value.CBORSize(js)
		for _, m := range []value.Mode{value.JSON, value.EJSON} {
			v, err := value.Decode(js, over, m)
			if err != nil {
				continue
			}
			if err := bson.Raw(marshalRaw(v)).Validate(); err != nil {
				t.Fatalf("%s: %v", js, err)
			}
			if !value.Equal(v, js, m) {
				t.Fatalf("%s became %s %s, which is not equal to it", js, v.Type, v)
			}
		}
	})
}

// FuzzBSON feeds any bytes as a MongoDB value.
func FuzzBSON(f *testing.F) {
	for _, tt := range table {
		v := rv(f, tt.v)
		f.Add(byte(v.Type), v.Value)
	}
	f.Add(byte(bson.TypeEmbeddedDocument), marshalRaw(rv(f, bson.A{1, bson.D{}})))
	f.Fuzz(func(t *testing.T, typ byte, data []byte) {
		v := bson.RawValue{Type: bson.Type(typ), Value: data}
		value.BSONUnits(data, false, nil)
		value.LookupBSON(data, value.PathOf("a", "b"))
		for _, m := range []value.Mode{value.JSON, value.EJSON} {
			js, err := value.AppendDitto(nil, v, m)
			if err != nil {
				if len(js) > 0 {
					t.Fatalf("%q beside %v", js, err)
				}
				continue
			}
			if !json.Valid(js) {
				t.Fatalf("not JSON: %q", js)
			}
			if !value.Equal(v, js, m) {
				t.Fatalf("%s %x is not equal to its own form %s", v.Type, v.Value, js)
			}
		}
	})
}

// FuzzDriver compares with the driver on whatever both accept.
func FuzzDriver(f *testing.F) {
	for _, tt := range table {
		f.Add([]byte(`{"v":` + tt.ejson + `}`))
		f.Add([]byte(`{"v":[` + tt.json + `],"":` + tt.ejson + `}`))
	}
	f.Fuzz(func(t *testing.T, js []byte) {
		var theirs bson.Raw
		if strings.Contains(string(js), `\u0`) || bson.UnmarshalExtJSON(js, false, &theirs) != nil || theirs.Validate() != nil {
			return
		}
		ours, err := value.Decode(js, bson.RawValue{}, value.EJSON)
		if err != nil {
			return
		}
		a, err := value.AppendDitto(nil, ours, value.EJSON)
		if err != nil {
			t.Fatal(err)
		}
		b, err := value.AppendDitto(nil, bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: theirs}, value.EJSON)
		if err != nil {
			return
		}
		if !bytes.Equal(a, b) {
			t.Fatalf("%s\nours   %s\ndriver %s", js, a, b)
		}
	})
}
