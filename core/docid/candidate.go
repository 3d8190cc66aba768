package docid

import (
	"encoding/json"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// Matches reports whether the document's computed id is id.
func (m Mapper) Matches(doc bson.Raw, id ID) bool {
	got, err := m.FromMongo(doc)
	return err == nil && got == id
}

// Pairs reports whether doc may be the MongoDB document of id: `_id`, or every
// mapped field, is equal in meaning. It is wider than Matches: in EJSON mode a
// device's plain 5 pairs with MongoDB's 5.
func (m Mapper) Pairs(doc bson.Raw, id ID) bool {
	parts, err := m.parts(id)
	if err != nil {
		return false
	}
	for _, f := range parts {
		if !value.Equal(value.LookupBSON(doc, value.PathOf(f.Name)), f.Value, m.mode) {
			return false
		}
	}
	return true
}

// parts splits an id into its mapped fields.
func (m Mapper) parts(id ID) ([]value.Field, error) {
	if id.IsZero() {
		return nil, &Error{Class: ErrMissing, Field: "_id", What: "the document has no id"}
	}
	if len(m.fields) == 1 {
		f := value.Field{Name: m.fields[0], Value: []byte(id)}
		if err := scalarID(f); err != nil {
			return nil, about(err, shorten(string(id)))
		}
		return []value.Field{f}, nil
	}
	all, err := value.Members([]byte(id))
	if err != nil || len(all) != len(m.fields) {
		return nil, m.fieldsError(id)
	}
	out := make([]value.Field, len(m.fields))
	for i, name := range m.fields {
		at := slices.IndexFunc(all, func(f value.Field) bool { return f.Name == name })
		if at < 0 {
			return nil, m.fieldsError(id)
		}
		if err := scalarID(all[at]); err != nil {
			return nil, about(err, shorten(string(id)))
		}
		out[i] = all[at]
	}
	return out, nil
}

func (m Mapper) fieldsError(id ID) error {
	names, _ := json.Marshal(m.fields)
	return &Error{
		Class: ErrFields, Key: shorten(string(id)), Field: "_id",
		What: fmt.Sprintf("the Ditto _id is not an object of exactly the mapped fields %s", names),
		Mend: "insert it with such an _id",
	}
}

// scalarID refuses nulls, arrays and plain objects.
func scalarID(f value.Field) error {
	switch {
	case string(f.Value) == "null":
		return &Error{
			Class: ErrNull, Field: f.Name, What: fmt.Sprintf("%q is null", f.Name),
			Mend: "give the field a value",
		}
	case f.Value[0] == '[':
		return kindError(f.Name, "an array")
	case f.Value[0] == '{' && !value.IsWrapper(f.Value):
		return kindError(f.Name, "an object")
	}
	return nil
}

// Born is the MongoDB `_id` of a document that was born in Ditto with this id,
// in a one-to-one collection: the id decoded, a plain string staying a string.
func (m Mapper) Born(id ID) (bson.RawValue, error) {
	if _, err := m.parts(id); err != nil {
		return bson.RawValue{}, err
	}
	return born("_id", id)
}

func born(name string, js ID) (bson.RawValue, error) {
	v, err := value.Decode([]byte(js), bson.RawValue{}, value.JSON)
	if err != nil {
		class := ErrValue
		if isRange(err) {
			class = ErrRange
		}
		return v, &Error{
			Class: class, Key: shorten(string(js)), Field: name, What: "the id cannot be stored in MongoDB", Cause: err,
			Mend: "insert the document with another id",
		}
	}
	switch v.Type {
	case bson.TypeRegex, bson.TypeCodeWithScope:
		return bson.RawValue{}, about(kindError(name, refused[v.Type]), shorten(string(js)))
	case bson.TypeUndefined:
		return bson.RawValue{}, about(kindError(name, "undefined"), shorten(string(js)))
	}
	return v, nil
}

// Candidates are the MongoDB `_id`s that id can mean in a one-to-one
// collection, what Born gives first; none for an id that no MongoDB document
// can have. A number comes in each type that holds it. MongoDB compares
// numbers across types, so what it finds is to be checked by Pairs. In JSON
// mode a Timestamp cannot be found by its seconds.
func (m Mapper) Candidates(id ID) []bson.RawValue {
	if _, err := m.parts(id); err != nil {
		return nil
	}
	return candidates([]byte(id))
}

// FieldCandidates are the values that one mapped field can have.
type FieldCandidates struct {
	Name   string
	Values []bson.RawValue
}

// MappedCandidates are the values that MongoDB's mapped fields can have in the
// document of this id, field by field, as Candidates has them.
func (m Mapper) MappedCandidates(id ID) ([]FieldCandidates, error) {
	parts, err := m.parts(id)
	if err != nil {
		return nil, err
	}
	out := make([]FieldCandidates, len(parts))
	for i, f := range parts {
		out[i] = FieldCandidates{Name: f.Name, Values: candidates(f.Value)}
	}
	return out, nil
}

// Field is a mapped field's name, and its value as Ditto JSON.
type Field struct {
	Name string
	JSON []byte
}

// Fill lists the mapped fields with the values that id gives them, for the
// body of a document that was born in Ditto without them; nothing when
// one-to-one, or when id is not of the collection's form.
func (m Mapper) Fill(id ID) []Field {
	if m.OneToOne() {
		return nil
	}
	parts, err := m.parts(id)
	if err != nil {
		return nil
	}
	out := make([]Field, len(parts))
	for i, f := range parts {
		out[i] = Field{Name: f.Name, JSON: f.Value}
	}
	return out
}
