package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

// What is shown of a document: the whole is in the databases.
const (
	maxText   = 240 // of a value, in bytes
	maxFields = 40  // of a document
	maxEdit   = 64 << 10
)

// shownValue is a value as the page shows it.
type shownValue struct {
	Type string `json:"type"`
	Text string `json:"text"`          // as one may type it in
	Size int    `json:"size"`          // bytes of the whole text
	Cut  bool   `json:"cut,omitempty"` // Text is its beginning
}

// shownField is a top-level field on both sides.
type shownField struct {
	Name    string      `json:"name"`
	MongoDB *shownValue `json:"mongodb,omitempty"`
	Ditto   *shownValue `json:"ditto,omitempty"`
	Differs bool        `json:"differs,omitempty"`
	Counter bool        `json:"counter,omitempty"`
}

// shownPair is a pair as the page shows it.
type shownPair struct {
	Key       string       `json:"key"`
	DittoID   string       `json:"dittoId,omitempty"`
	MongoID   string       `json:"mongoId,omitempty"`
	MongoType string       `json:"mongoType,omitempty"`
	InMongoDB bool         `json:"inMongodb"`
	InDitto   bool         `json:"inDitto"`
	MongoSize int          `json:"mongoSize,omitempty"`
	DittoSize int          `json:"dittoSize,omitempty"`
	Fields    []shownField `json:"fields"`
	More      int          `json:"more,omitempty"` // fields not shown
	Differs   bool         `json:"differs"`
	State     string       `json:"state,omitempty"` // of its ledger entry
	Claimed   bool         `json:"claimed,omitempty"`
	Changed   int64        `json:"changed"`
}

// pairs reads the rows' documents on both sides and compares them.
func (x *index) pairs(ctx context.Context, rows []row) ([]shownPair, error) {
	docs, err := x.read(ctx, rows)
	if err != nil {
		return nil, err
	}
	out := make([]shownPair, 0, len(rows))
	for i := range rows {
		out = append(out, x.show(&rows[i], docs[i]))
	}
	return out, nil
}

// both are a row's documents as read; nil where there is none.
type both struct {
	mongo bson.Raw
	ditto *ditto.Document
	entry *ledger.Entry
}

func (x *index) read(ctx context.Context, rows []row) ([]both, error) {
	var mongoIDs []bson.RawValue
	var ids []docid.ID
	var keys []ledger.Key
	for i := range rows {
		if rows[i].inMongo() {
			mongoIDs = append(mongoIDs, rows[i].mongoID)
		}
		if rows[i].id != "" {
			ids = append(ids, rows[i].id)
			keys = append(keys, ledger.Key{Collection: x.c.Name, ID: rows[i].id})
		}
	}
	mongo := map[string]bson.Raw{}
	if len(mongoIDs) > 0 {
		docs, err := mongodb.Store{DB: x.db}.FindIDs(ctx, x.c.Name, mongoIDs)
		if err != nil {
			return nil, fmt.Errorf("MongoDB: %w", err)
		}
		for _, d := range docs {
			mongo[ledger.IDText(d.Lookup("_id"))] = d
		}
	}
	inDitto := map[docid.ID]ditto.Document{}
	entries := map[docid.ID]*ledger.Entry{}
	if len(ids) > 0 {
		var err error
		if inDitto, _, err = x.store.Read(ctx, dittoCollection(x.c), ids, 0); err != nil {
			return nil, fmt.Errorf("Ditto: %w", err)
		}
		list, err := ledger.Store{DB: x.db}.Read(ctx, keys, nil)
		if err != nil {
			return nil, fmt.Errorf("MongoDB: %w", err)
		}
		for i := range list {
			entries[list[i].Key.ID] = &list[i]
		}
	}
	out := make([]both, len(rows))
	for i := range rows {
		r := &rows[i]
		if r.inMongo() {
			out[i].mongo = mongo[ledger.IDText(r.mongoID)]
		}
		if d, ok := inDitto[r.id]; ok && r.id != "" {
			out[i].ditto = &d
		}
		out[i].entry = entries[r.id]
	}
	return out, nil
}

func (x *index) show(r *row, d both) shownPair {
	p := shownPair{
		Key: r.key, DittoID: string(r.id), InMongoDB: d.mongo != nil, InDitto: d.ditto != nil,
		MongoSize: len(d.mongo), Fields: []shownField{}, Changed: r.changed, Differs: (d.mongo != nil) != (d.ditto != nil),
	}
	if r.inMongo() {
		p.MongoID, p.MongoType = cut(extended(r.mongoID), maxText).Text, typeName(r.mongoID)
	}
	if d.entry != nil {
		p.State, p.Claimed = string(d.entry.State), d.entry.Claim != nil && d.entry.Claim.Live
	}
	names, m, j := x.fields(d)
	if d.ditto != nil {
		p.DittoSize = len(d.ditto.JSON)
	}
	for _, name := range names {
		f := shownField{Name: valid(name), Counter: isCounter(x.c, name)}
		mv, dv := m[name], j[name]
		if !mv.IsZero() {
			f.MongoDB = shownMongo(mv)
		}
		if dv != nil {
			f.Ditto = shownDitto(dv, f.Counter)
		}
		if d.mongo != nil && d.ditto != nil && !value.Equal(mv, dv, x.c.Mode) {
			f.Differs, p.Differs = true, true
		}
		if len(p.Fields) == maxFields {
			p.More++
			continue
		}
		p.Fields = append(p.Fields, f)
	}
	return p
}

// fields are the top-level fields of both documents, in MongoDB's order first.
// A Ditto `_id` stands in the pair's heading, and so does MongoDB's; the old
// connector's `_mdb` is nobody's.
func (x *index) fields(d both) (names []string, m map[string]bson.RawValue, j map[string][]byte) {
	m, j = map[string]bson.RawValue{}, map[string][]byte{}
	if d.mongo != nil {
		elements, err := d.mongo.Elements()
		for _, e := range elements {
			if e.Key() != "_id" && err == nil {
				names = append(names, e.Key())
				m[e.Key()] = e.Value()
			}
		}
	}
	if d.ditto == nil {
		return names, m, j
	}
	members, err := value.Members(d.ditto.JSON)
	if err != nil {
		return names, m, j
	}
	for _, f := range members {
		if f.Name == "_id" || f.Name == "_mdb" {
			continue
		}
		if _, ok := m[f.Name]; !ok {
			names = append(names, f.Name)
		}
		j[f.Name] = f.Value
	}
	return names, m, j
}

func isCounter(c *manifest.Collection, name string) bool {
	return slices.Contains(c.Counters, value.PathOf(name))
}

// extended is a BSON value as relaxed Extended JSON, to be read and typed.
func extended(v bson.RawValue) string {
	js, err := bson.MarshalExtJSON(bson.D{{Key: "v", Value: v}}, false, false)
	if err != nil {
		return fmt.Sprintf("(%s that has no text)", v.Type)
	}
	return valid(string(value.Lookup(js, value.PathOf("v"))))
}

// valid is text without invalid UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// cut is the beginning of a text that is too long.
func cut(text string, limit int) shownValue {
	v := shownValue{Text: text, Size: len(text)}
	if len(text) > limit {
		v.Text, v.Cut = valid(text[:limit]), true
	}
	return v
}

func shownMongo(mv bson.RawValue) *shownValue {
	if len(mv.Value) > maxEdit { // not worth its whole text
		v := cut(head(mv), maxText)
		v.Type, v.Size, v.Cut = typeName(mv), len(mv.Value), true
		return &v
	}
	v := cut(extended(mv), maxText)
	v.Type = typeName(mv)
	return &v
}

// head is the beginning of a large value.
func head(mv bson.RawValue) string {
	if s, ok := mv.StringValueOK(); ok {
		return `"` + s[:maxText]
	}
	return mv.Type.String()
}

func shownDitto(js []byte, counter bool) *shownValue {
	v := shownValue{Size: len(js)}
	if len(js) > maxText {
		v.Text, v.Cut = valid(string(js[:maxText])), true
	} else {
		v.Text = valid(string(js))
	}
	v.Type = jsonType(js)
	if counter {
		v.Type = "counter"
	}
	return &v
}

// typeName is a BSON type as MongoDB's users call it.
func typeName(v bson.RawValue) string {
	switch v.Type {
	case bson.TypeObjectID:
		return "ObjectId"
	case bson.TypeDecimal128:
		return "Decimal128"
	case bson.TypeInt32:
		return "int"
	case bson.TypeInt64:
		return "long"
	case bson.TypeDouble:
		return "double"
	case bson.TypeDateTime:
		return "date"
	case bson.TypeEmbeddedDocument:
		return "object"
	case bson.TypeBoolean:
		return "bool"
	}
	return v.Type.String()
}

// wrapped are the types that Extended JSON objects stand for.
var wrapped = map[string]string{
	"$oid": "ObjectId", "$numberDecimal": "Decimal128", "$numberInt": "int", "$numberLong": "long", "$numberDouble": "double",
	"$date": "date", "$binary": "binary", "$timestamp": "timestamp", "$regularExpression": "regex",
}

func jsonType(js []byte) string {
	js = bytes.TrimSpace(js)
	if len(js) == 0 {
		return ""
	}
	switch js[0] {
	case '{':
		if len(js) < 4<<10 {
			if k, ok := value.WrapperKey(js); ok {
				if t := wrapped[k]; t != "" {
					return t
				}
				return strings.TrimPrefix(k, "$")
			}
		}
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	}
	return "number"
}

// whole is one field's text on a side, for editing or for reading all of it.
func (x *index) whole(ctx context.Context, key, side, name string) (*shownValue, error) {
	r, ok := x.at(key)
	if !ok {
		return nil, errGone
	}
	docs, err := x.read(ctx, []row{r})
	if err != nil {
		return nil, err
	}
	_, m, j := x.fields(docs[0])
	text, typ := "", ""
	if mv := m[name]; side == string(value.MongoDB) && !mv.IsZero() {
		text, typ = extended(mv), typeName(mv)
	} else if side != string(value.MongoDB) && j[name] != nil {
		text, typ = valid(string(j[name])), jsonType(j[name])
	} else {
		return nil, errGone
	}
	v := cut(text, maxEdit)
	v.Type = typ
	return &v, nil
}

// entryClaim is a claim that is held.
type entryClaim struct {
	Collection string    `json:"collection"`
	Key        string    `json:"key"`
	Owner      string    `json:"owner"`
	Until      time.Time `json:"until"`
	Announced  int       `json:"announced"`

	Writes []value.Side `json:"writes"` // the sides that it has announced to write
}

// jsonText is js if it is JSON.
func jsonText(s string) (json.RawMessage, error) {
	if err := value.Valid([]byte(strings.TrimSpace(s))); err != nil {
		return nil, fmt.Errorf("that is not JSON: %w", err)
	}
	return json.RawMessage(strings.TrimSpace(s)), nil
}
