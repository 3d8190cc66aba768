package value_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

func TestAppendDittoErrors(t *testing.T) {
	str := func(s string) []byte { return rv(t, s).Value }
	deep := rv(t, bson.A{}).Value
	for range value.MaxDepth {
		deep = rv(t, bson.A{bson.RawValue{Type: bson.TypeArray, Value: deep}}).Value
	}
	doc := func(v bson.RawValue) []byte { return marshalRaw(v) }
	for _, tt := range []struct {
		name  string
		v     bson.RawValue
		class error
		path  value.Path
	}{
		{"ErrBSON/zero", bson.RawValue{}, value.ErrBSON, ""},
		{"ErrBSON/unknown type", bson.RawValue{Type: 0x20, Value: []byte{1}}, value.ErrBSON, ""},
		{"ErrBSON/short", bson.RawValue{Type: bson.TypeInt64, Value: []byte{1, 2, 3}}, value.ErrBSON, ""},
		{"ErrBSON/long", bson.RawValue{Type: bson.TypeInt32, Value: []byte{1, 2, 3, 4, 5}}, value.ErrBSON, ""},
		{"ErrBSON/document length", bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: []byte{6, 0, 0, 0, 0, 1}}, value.ErrBSON, ""},
		{"ErrBSON/string without NUL", bson.RawValue{Type: bson.TypeString, Value: []byte{1, 0, 0, 0, 'a'}}, value.ErrBSON, ""},
		{"ErrBSON/string not UTF-8", bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc(bson.RawValue{Type: bson.TypeString, Value: str("\xff")})}, value.ErrBSON, value.PathOf("v")},
		{"ErrBSON/symbol not UTF-8", bson.RawValue{Type: bson.TypeSymbol, Value: str("\xff")}, value.ErrBSON, ""},
		{"ErrBSON/name not UTF-8", bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: []byte{8, 0, 0, 0, 10, 0xff, 0, 0}}, value.ErrBSON, ""},
		{"ErrBSON/nested", bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc(bson.RawValue{Type: bson.TypeArray, Value: []byte{8, 0, 0, 0, 16, '0', 0, 0}})}, value.ErrBSON, value.PathOf("v", "0")},
		{"ErrDepth", bson.RawValue{Type: bson.TypeArray, Value: deep}, value.ErrDepth, value.Path(strings.Repeat("\x000", value.MaxDepth))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, m := range []value.Mode{value.JSON, value.EJSON} {
				dst, err := value.AppendDitto([]byte("kept"), tt.v, m)
				var e *value.Error
				if !errors.Is(err, tt.class) || !errors.As(err, &e) || e.Path != tt.path {
					t.Errorf("err = %v at %q, want %v at %q", err, e.Path, tt.class, tt.path)
				}
				if string(dst) != "kept" {
					t.Errorf("dst = %q", dst)
				}
				if value.Equal(tt.v, []byte(`"x"`), m) {
					t.Error("Equal: true")
				}
			}
		})
	}
}

func TestErrorsHoldNoContents(t *testing.T) {
	for _, js := range []string{`{"a":{"$oid":"secret"}}`, `{"a":["secret",{"$date":"secret"}]}`, `{"a":"secret`, `{"a":{"$numberInt":"secret","$date":"secret"}}`, `"secret" secret`} {
		_, err := value.Decode([]byte(js), bson.RawValue{}, value.JSON)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", js, err)
		}
	}
}

func TestErrorText(t *testing.T) {
	_, err := value.Decode([]byte(`{"items":[0,{"a.b":{"$oid":"x"}}]}`), bson.RawValue{}, value.JSON)
	const want = "at items.1.`a.b`.`$oid`: an Extended JSON object with an impossible value: want 24 hexadecimal digits"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// Of a name that a BSON document repeats, Ditto keeps the last.
func TestRepeatedName(t *testing.T) {
	v := rv(t, bson.D{{Key: "b", Value: 1}, {Key: "a", Value: "first"}, {Key: "a", Value: "last"}})
	js, err := value.AppendDitto(nil, v, value.JSON)
	if err != nil || string(js) != `{"a":"last","b":1}` {
		t.Errorf("%s, %v", js, err)
	}
	if got := value.LookupBSON(v.Value, value.PathOf("a")); got.StringValue() != "last" {
		t.Errorf("LookupBSON: %s", got)
	}
	units, err := value.BSONUnits(v.Value, false, nil)
	if err != nil || len(units) != 2 || units[0].M.StringValue() != "last" {
		t.Errorf("BSONUnits: %v, %v", units, err)
	}
}

// Many keys take another way to be sorted.
func TestSortWide(t *testing.T) {
	d := bson.D{}
	for i := range 1000 {
		d = append(d, bson.E{Key: fmt.Sprintf("name%d", (i*617)%1000), Value: i})
	}
	js, err := value.AppendDitto(nil, rv(t, d), value.JSON)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := value.Members(js)
	if err != nil || len(fields) != 1000 {
		t.Fatalf("%d, %v", len(fields), err)
	}
	if !slices.IsSortedFunc(fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted")
	}
}

func TestEqual(t *testing.T) {
	id := oid("507f1f77bcf86cd799439011")
	for _, tt := range []struct {
		name string
		v    any
		js   string
		mode value.Mode
		want bool
	}{
		{"both absent", none{}, ``, value.JSON, true},
		{"absent and null", none{}, `null`, value.JSON, false},
		{"null and absent", nil, ``, value.JSON, false},
		{"integral float", int32(10), `10.0`, value.JSON, true},
		{"integer for a double", 10.0, `10`, value.JSON, true},
		{"exponent", 1000.0, `1E3`, value.JSON, true},
		{"zeros", math.Copysign(0, -1), `0`, value.JSON, true},
		{"int64 beyond 2^53", int64(9007199254740993), `9007199254740992`, value.JSON, false},
		{"int64 beyond 2^53, float", int64(9007199254740993), `9007199254740992.0`, value.JSON, false},
		{"objectId", id, `"507f1f77bcf86cd799439011"`, value.JSON, true},
		{"objectId upper case", id, `"507F1F77BCF86CD799439011"`, value.JSON, true},
		{"objectId wrapped", id, `{"$oid":"507f1f77bcf86cd799439011"}`, value.JSON, true},
		{"objectId plain", id, `"507f1f77bcf86cd799439011"`, value.EJSON, true},
		{"string like an objectId", "507f1f77bcf86cd799439011", `{"$oid":"507f1f77bcf86cd799439011"}`, value.EJSON, false},
		{"int32 plain", int32(5), `5`, value.EJSON, true},
		{"int64 plain", int64(5), `5`, value.EJSON, true},
		{"int32 as int64", int32(5), `{"$numberLong":"5"}`, value.EJSON, false},
		{"decimal plain", dec("5"), `5`, value.EJSON, true},
		{"decimal digits", dec("1.0"), `"1.00"`, value.JSON, false},
		{"date with an offset", bson.DateTime(0), `"1970-01-01T01:00:00+01:00"`, value.JSON, true},
		{"date relaxed", bson.DateTime(0), `{"$date":"1970-01-01T00:00:00Z"}`, value.EJSON, true},
		{"timestamp", bson.Timestamp{T: 5, I: 2}, `5`, value.JSON, true},
		{"timestamp other", bson.Timestamp{T: 5, I: 2}, `6`, value.JSON, false},
		{"binary bytes", bson.Binary{Subtype: 3, Data: []byte{1, 2}}, `[1,2]`, value.JSON, true},
		{"binary other bytes", bson.Binary{Subtype: 3, Data: []byte{1, 2}}, `[1,3]`, value.JSON, false},
		{"key order", bson.D{{Key: "b", Value: 1}, {Key: "a", Value: id}}, ` {"a" : "507f1f77bcf86cd799439011", "b" : 1.0} `, value.JSON, true},
		{"missing key", bson.D{{Key: "b", Value: 1}, {Key: "a", Value: 2}}, `{"b":1}`, value.JSON, false},
		{"array order", bson.A{1, 2}, `[2,1]`, value.JSON, false},
		{"array mixed forms", bson.A{int32(1), id, bson.DateTime(0)}, `[1,{"$oid":"507f1f77bcf86cd799439011"},{"$date":0}]`, value.JSON, true},
		{"malformed", "a", `"a`, value.JSON, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := value.Equal(like(t, tt.v), []byte(tt.js), tt.mode); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// What nests and differs everywhere must not cost a power of its depth.
func TestNestedArraysAreLinear(t *testing.T) {
	v, js := any(int32(1)), "2"
	for range 90 {
		v, js = bson.A{v, bson.A{}}, "["+js+",[0]]"
	}
	m := rv(t, v)
	if value.Equal(m, []byte(js), value.JSON) {
		t.Error("Equal: true")
	}
	if _, err := value.Decode([]byte(js), m, value.EJSON); err != nil {
		t.Error(err)
	}
}

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		` { "b" : 1 , "a" : [ true , null ] } `:                           `{"a":[true,null],"b":1}`,
		`{"a":1,"a":2}`:                                                   `{"a":2}`,
		`{"\u0061":"\u00e9\/\u0001\ud83d\ude00"}`:                         `{"a":"é/\u0001😀"}`,
		`[1.0,-0.0,-0,1e2,1E+2,0.5e1]`:                                    `[1,0,0,100,100,5]`,
		`[1.50,1.5e-7,15e20,0.00001]`:                                     `[1.5,1.5e-7,1.5e+21,0.00001]`,
		`[9223372036854775807,-9223372036854775808,18446744073709551615]`: `[9223372036854775807,-9223372036854775808,18446744073709551615]`,
		`[9223372036854775808.0,18446744073709551616,1e300]`:              `[9223372036854775808,1.8446744073709552e+19,1e+300]`,
		`""`: `""`,
	} {
		got, err := value.Canonical([]byte("…"), []byte(in))
		if err != nil || string(got) != "…"+want {
			t.Errorf("%s: %s, %v, want %s", in, got, err, want)
		}
	}
	if got, err := value.Canonical([]byte("kept"), []byte(`[1,`)); err == nil || string(got) != "kept" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestHashJSON(t *testing.T) {
	h := func(s string) value.Hash { return value.HashJSON([]byte(s)) }
	if !h("").IsAbsent() || !value.HashJSON(nil).IsAbsent() {
		t.Error("nothing is not Absent")
	}
	if h("null").IsAbsent() || h(`{`).IsAbsent() {
		t.Error("null or malformed text is Absent")
	}
	if h(`{"a":1,"b":2}`) != h(`{"b":2.0, "a":1}`) {
		t.Error("spelling matters")
	}
	if h(`1`) == h(`"1"`) || h(`{`) == h(`{{`) {
		t.Error("different values, one hash")
	}
}

func TestMembers(t *testing.T) {
	got, err := value.Members([]byte(`{"b": [1, 2] ,"a":null,"b":{},"\u0063":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []value.Field{{Name: "a", Value: []byte(`null`)}, {Name: "b", Value: []byte(`{}`)}, {Name: "c", Value: []byte(`"x"`)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	n := 0
	for name, v := range value.Fields([]byte(`{"a":1,"b":2}`)) {
		if n++; name != "a" || string(v) != "1" {
			t.Errorf("%s %s", name, v)
		}
		break
	}
	if n != 1 {
		t.Errorf("%d fields", n)
	}
	for _, bad := range []string{`[]`, `5`, ``, `{"a":[1,}`} {
		if _, err := value.Members([]byte(bad)); !errors.Is(err, value.ErrSyntax) {
			t.Errorf("%s: %v", bad, err)
		}
		for range value.Fields([]byte(bad)) {
			t.Errorf("%s has fields", bad)
		}
	}
}

func TestLookup(t *testing.T) {
	js := []byte(`{"a":{"b.c":[1],"":{"$d":null}},"n":5}`)
	doc := rv(t, bson.D{{Key: "a", Value: bson.D{{Key: "b.c", Value: bson.A{1}}, {Key: "", Value: bson.D{{Key: "$d", Value: nil}}}}}, {Key: "n", Value: 5}}).Value
	for _, tt := range []struct {
		path value.Path
		want string
	}{
		{"", string(js)},
		{value.PathOf("n"), `5`},
		{value.PathOf("a", "b.c"), `[1]`},
		{value.PathOf("a", "", "$d"), `null`},
		{value.PathOf("a", ""), `{"$d":null}`},
		{value.PathOf("n", "x"), ``},
		{value.PathOf("a", "b", "c"), ``},
		{value.PathOf("a", "b.c", "0"), ``},
	} {
		if got := value.Lookup(js, tt.path); string(got) != tt.want || (got == nil) != (tt.want == "") {
			t.Errorf("Lookup(%s) = %q, want %q", tt.path, got, tt.want)
		}
		if got := value.LookupBSON(doc, tt.path); (got.Type == 0) != (tt.want == "") || tt.path != "" && !value.Equal(got, []byte(tt.want), value.JSON) {
			t.Errorf("LookupBSON(%s) = %s, want %q", tt.path, got, tt.want)
		}
	}
	if value.Lookup([]byte(`{`), "") != nil || value.LookupBSON(bson.Raw{1}, value.PathOf("a")).Type != 0 {
		t.Error("found something in what is malformed")
	}
}

func TestWrapper(t *testing.T) {
	keys := value.Wrappers()
	if !slices.IsSorted(keys) {
		t.Error("not sorted")
	}
	for _, k := range keys {
		if got, ok := value.WrapperKey([]byte(` {"` + k + `":0}`)); !ok || got != k {
			t.Errorf("%s: %q, %v", k, got, ok)
		}
	}
	for js, want := range map[string]bool{
		`{"$oid":"x","a":1}`: true, `{"a":1,"$date":1}`: true, `{"\u0024oid":1}`: true,
		`{}`: false, `{"oid":1}`: false, `{"$set":1}`: false, `{"a":{"$oid":"x"}}`: false, `["$oid"]`: false, `"$oid"`: false, `{"$oid":`: false, ``: false,
	} {
		if got := value.IsWrapper([]byte(js)); got != want {
			t.Errorf("%s: %v", js, got)
		}
	}
}

func TestIsAttachment(t *testing.T) {
	for js, want := range map[string]bool{
		`{"id":"x","len":5,"metadata":{}}`:             true,
		`{"metadata":{"a":"b"},"len":5,"id":"x"}`:      true,
		`{"id":"x","len":5}`:                           false,
		`{"id":"x","len":5,"metadata":{},"more":1}`:    false,
		`{"id":1,"len":5,"metadata":{}}`:               false,
		`{"id":"x","len":5.5,"metadata":{}}`:           false,
		`{"id":"x","len":5,"metadata":[]}`:             false,
		`{"id":"x","len":5,"metadata":{},"metadata":1`: false,
		`5`: false,
	} {
		if got := value.IsAttachment([]byte(js)); got != want {
			t.Errorf("%s: %v", js, got)
		}
	}
}

func TestUnits(t *testing.T) {
	d := bson.D{
		{Key: "_id", Value: 1},
		{Key: "_mdb", Value: bson.D{{Key: "ct", Value: 1}}},
		{Key: "z", Value: bson.D{{Key: "_id", Value: 5}, {Key: "_mdb", Value: 6}}},
		{Key: "m", Value: bson.D{{Key: "y", Value: 1}, {Key: "x", Value: bson.D{{Key: "deep", Value: nil}}}}},
		{Key: "empty", Value: bson.D{}},
		{Key: "list", Value: bson.A{bson.D{{Key: "a", Value: 1}}}},
		{Key: "file", Value: bson.D{{Key: "id", Value: "x"}, {Key: "len", Value: int64(5)}, {Key: "metadata", Value: bson.D{{Key: "n", Value: "v"}}}}},
		{Key: "odd", Value: bson.D{{Key: "$oid", Value: "not one"}, {Key: "a", Value: 1}}},
		{Key: "id", Value: oid("507f1f77bcf86cd799439011")},
		{Key: "count", Value: bson.D{{Key: "a", Value: 1}}},
		{Key: "order", Value: bson.D{{Key: "qty", Value: bson.D{{Key: "a", Value: 1}}}, {Key: "b", Value: 1}}},
	}
	counters := []value.Path{value.PathOf("count"), value.ParsePath("order.qty")}
	deep := []string{"count", "empty", "file", "id", "list", "m.x.deep", "m.y", "odd", "order.b", "order.qty", "z._id", "z._mdb"}
	top := []string{"count", "empty", "file", "id", "list", "m", "odd", "order", "z"}
	v := rv(t, d)
	for _, mode := range []value.Mode{value.JSON, value.EJSON} {
		js, err := value.AppendDitto(nil, v, mode)
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name   string
			strict bool
			want   []string
		}{{"strict", true, top}, {"maps", false, deep}} {
			t.Run(fmt.Sprint(tt.name, mode), func(t *testing.T) {
				mu, err := value.BSONUnits(v.Value, tt.strict, counters)
				if err != nil {
					t.Fatal(err)
				}
				du, err := value.JSONUnits(js, tt.strict, counters)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, paths(mu)); diff != "" {
					t.Errorf("BSON (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.want, paths(du)); diff != "" {
					t.Errorf("JSON (-want +got):\n%s", diff)
				}
				for i := range min(len(mu), len(du)) {
					if !value.Equal(mu[i].M, du[i].D, mode) {
						t.Errorf("%s: %s, %s", mu[i].Path, mu[i].M, du[i].D)
					}
				}
			})
		}
	}
}

func paths(units []value.Leaf) []string {
	var out []string
	for _, u := range units {
		out = append(out, strings.Join(u.Path.Segments(), "."))
	}
	return out
}

func TestUnitsMany(t *testing.T) {
	for _, tt := range []struct{ leaves, want int }{{value.MaxUnits, value.MaxUnits}, {value.MaxUnits + 1, 2}} {
		a, b := bson.D{}, bson.D{}
		for i := range tt.leaves {
			if i%2 == 0 {
				a = append(a, bson.E{Key: fmt.Sprint("k", i), Value: i})
			} else {
				b = append(b, bson.E{Key: fmt.Sprint("k", i), Value: i})
			}
		}
		v := rv(t, bson.D{{Key: "a", Value: a}, {Key: "b", Value: bson.D{{Key: "c", Value: b}}}})
		js, err := value.AppendDitto(nil, v, value.JSON)
		if err != nil {
			t.Fatal(err)
		}
		mu, err := value.BSONUnits(v.Value, false, nil)
		if err != nil || len(mu) != tt.want {
			t.Errorf("BSON: %d units, %v, want %d", len(mu), err, tt.want)
		}
		du, err := value.JSONUnits(js, false, nil)
		if err != nil || len(du) != tt.want {
			t.Errorf("JSON: %d units, %v, want %d", len(du), err, tt.want)
		}
	}
}

func TestUnitsErrors(t *testing.T) {
	for js, want := range map[string]error{
		`[]`: value.ErrSyntax, `{`: value.ErrSyntax, `{"a":{"b\u0000":1}}`: value.ErrNulKey,
	} {
		if _, err := value.JSONUnits([]byte(js), false, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v", js, err)
		}
	}
	for _, doc := range []bson.Raw{nil, {5, 0, 0, 0, 1}, {8, 0, 0, 0, 16, 'a', 0, 0}} {
		if _, err := value.BSONUnits(doc, false, nil); !errors.Is(err, value.ErrBSON) {
			t.Errorf("%x: %v", []byte(doc), err)
		}
	}
}

func TestReplace(t *testing.T) {
	d := bson.D{{Key: "z", Value: 1}, {Key: "m", Value: bson.D{{Key: "b", Value: 1}, {Key: "a", Value: 2}}}}
	for _, tt := range []struct {
		name string
		path value.Path
		v    any
		bson bson.D
		json string
	}{
		{"replace", value.PathOf("z"), "x", bson.D{{Key: "z", Value: "x"}, d[1]}, `{"m":{"a":2,"b":1},"z":"x"}`},
		{"add", value.PathOf("a"), nil, append(slices.Clone(d), bson.E{Key: "a", Value: nil}), `{"a":null,"m":{"a":2,"b":1},"z":1}`},
		{"replace nested", value.PathOf("m", "b"), 9, bson.D{d[0], {Key: "m", Value: bson.D{{Key: "b", Value: 9}, {Key: "a", Value: 2}}}}, `{"m":{"a":2,"b":9},"z":1}`},
		{"add nested", value.PathOf("m", "aa", "x"), 9, bson.D{d[0], {Key: "m", Value: bson.D{{Key: "b", Value: 1}, {Key: "a", Value: 2}, {Key: "aa", Value: bson.D{{Key: "x", Value: 9}}}}}}, `{"m":{"a":2,"aa":{"x":9},"b":1},"z":1}`},
		{"over a scalar", value.PathOf("z", "x"), 9, bson.D{{Key: "z", Value: bson.D{{Key: "x", Value: 9}}}, d[1]}, `{"m":{"a":2,"b":1},"z":{"x":9}}`},
		{"remove", value.PathOf("z"), none{}, d[1:], `{"m":{"a":2,"b":1}}`},
		{"remove nested", value.PathOf("m", "b"), none{}, bson.D{d[0], {Key: "m", Value: bson.D{{Key: "a", Value: 2}}}}, `{"m":{"a":2},"z":1}`},
		{"remove missing", value.PathOf("q"), none{}, d, `{"m":{"a":2,"b":1},"z":1}`},
		{"remove missing nested", value.PathOf("q", "r"), none{}, d, `{"m":{"a":2,"b":1},"z":1}`},
		{"remove below a scalar", value.PathOf("z", "r"), none{}, d, `{"m":{"a":2,"b":1},"z":1}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := like(t, tt.v)
			var js []byte
			if v.Type != 0 {
				js, _ = value.AppendDitto(nil, v, value.JSON)
			}
			before := rv(t, d).Value
			kept := bytes.Clone(before)
			gotM, err := value.ReplaceBSON(before, tt.path, v)
			if err != nil {
				t.Fatal(err)
			}
			if want := rv(t, tt.bson); !bytes.Equal(gotM, want.Value) {
				t.Errorf("got %s, want %s", gotM, want)
			}
			if !bytes.Equal(before, kept) {
				t.Error("the argument has changed")
			}
			gotD, err := value.ReplaceJSON([]byte(`{"z":1,"m":{"b":1,"a":2}}`), tt.path, js)
			if err != nil {
				t.Fatal(err)
			}
			canon, _ := value.Canonical(nil, gotD)
			if string(canon) != tt.json {
				t.Errorf("got %s, want %s", gotD, tt.json)
			}
		})
	}
	for _, bad := range []string{`[]`, `{`, `5`} {
		if _, err := value.ReplaceJSON([]byte(bad), value.PathOf("a"), []byte(`1`)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
	if _, err := value.ReplaceJSON([]byte(`{}`), value.PathOf("a"), []byte(`{`)); err == nil {
		t.Error("a malformed value: no error")
	}
	if _, err := value.ReplaceBSON(bson.Raw{1}, value.PathOf("a"), rv(t, 1)); err == nil {
		t.Error("a malformed document: no error")
	}
}

func TestCBORSize(t *testing.T) {
	for js, want := range map[string]int{
		`null`: 1, `true`: 1, `0`: 1, `23`: 1, `24`: 2, `255`: 2, `256`: 3, `65535`: 3, `65536`: 5, `4294967295`: 5, `4294967296`: 9,
		`18446744073709551615`: 9, `-1`: 1, `-24`: 1, `-25`: 2, `-9223372036854775808`: 9, `1.5`: 9, `1e99`: 9, `18446744073709551616`: 9,
		`""`: 1, `"\u00e9"`: 3, `[]`: 1, `{}`: 1, `{"a":[1,{"b":"c"}]}`: 10,
	} {
		if got, err := value.CBORSize([]byte(js)); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", js, got, err, want)
		}
	}
	if _, err := value.CBORSize([]byte(`{`)); err == nil {
		t.Error("no error")
	}
}

func TestAppendString(t *testing.T) {
	for in, want := range map[string]string{"a": `"a"`, "\"\\\n\x00\x7f": "\"\\\"\\\\\\n\\u0000\x7f\"", "a\xffb": "\"a\uFFFDb\""} {
		if got := string(value.AppendString(nil, in)); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
}

// TestTextAnywhere: what a JSON string cannot hold as it is, is found wherever it
// stands.
func TestTextAnywhere(t *testing.T) {
	for _, special := range []string{"\x00", "\x1f", `"`, `\`, "\n", "é", "\x7f", "\xff", "!", "[", "]", " "} {
		for at := range 20 {
			for _, after := range []int{0, 1, 7, 8, 20} {
				s := strings.Repeat("a", at) + special + strings.Repeat("\x21", after)
				var want bytes.Buffer
				enc := json.NewEncoder(&want)
				enc.SetEscapeHTML(false)
				if err := enc.Encode(s); err != nil {
					t.Fatal(err)
				}
				got := value.AppendString(nil, s)
				var back, wanted string
				if err := json.Unmarshal(got, &back); err != nil {
					t.Fatalf("%q: %v", got, err)
				}
				if err := json.Unmarshal(want.Bytes(), &wanted); err != nil {
					t.Fatal(err)
				}
				if back != wanted {
					t.Errorf("%q is spelled %s", s, got)
				}
				plain := []byte(`"` + s + `"`)
				valid := json.Valid(plain) && utf8.ValidString(s)
				if err := value.Valid(plain); (err == nil) != valid {
					t.Errorf("%q: %v, want valid %t", plain, err, valid)
				}
				if mv := rv(t, s); valid && !value.Equal(mv, got, value.JSON) || value.Equal(mv, []byte(`"`+s+`b"`), value.JSON) {
					t.Errorf("%q equals wrongly", s)
				}
			}
		}
	}
}
