package docid

import (
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// Mapper maps the documents of one collection to Ditto ids.
type Mapper struct {
	fields []string
	mode   value.Mode
}

// New returns the Mapper of a collection with these `fields` and mode.
func New(fields []string, mode value.Mode) Mapper { return Mapper{fields: fields, mode: mode} }

// OneToOne reports whether MongoDB's `_id` is the Ditto id.
func (m Mapper) OneToOne() bool { return len(m.fields) == 1 && m.fields[0] == "_id" }

// Fields are the mapped fields: `_id` when one-to-one.
func (m Mapper) Fields() []string { return m.fields }

var idPath = value.PathOf("_id")

// FromMongo is the Ditto id of a MongoDB document, of which the mapped fields
// are enough. Errors are *Error.
func (m Mapper) FromMongo(doc bson.Raw) (ID, error) {
	id := value.LookupBSON(doc, idPath)
	if m.OneToOne() {
		if id.Type == 0 {
			return "", &Error{Class: ErrMissing, Field: "_id", What: "the document has no _id"}
		}
		return m.FromMongoID(id)
	}
	js, err := m.mapped(doc)
	if err == nil {
		var out ID
		if out, err = check(js); err == nil {
			return out, nil
		}
	}
	return "", about(err, mongoKey(id))
}

// FromMongoID is the Ditto id of a MongoDB `_id`, in a one-to-one collection.
func (m Mapper) FromMongoID(id bson.RawValue) (ID, error) {
	js, err := m.scalar(make([]byte, 0, 2*len(id.Value)+2), "_id", id)
	if err == nil {
		if isPlain(js) {
			return ID(js), nil
		}
		if js, err = value.Canonical(nil, js); err == nil {
			var out ID
			if out, err = check(js); err == nil {
				return out, nil
			}
		}
	}
	return "", about(err, mongoKey(id))
}

// mapped is the canonical JSON of the mapped fields: of the one field's value,
// or of an object of several.
func (m Mapper) mapped(doc bson.Raw) ([]byte, error) {
	var js []byte
	many := len(m.fields) > 1
	for i, name := range m.fields {
		v := value.LookupBSON(doc, value.PathOf(name))
		if v.Type == 0 {
			return nil, &Error{
				Class: ErrMissing, Field: name, What: fmt.Sprintf("it lacks the mapped field %q", name),
				Mend: "add the field, or take it out of `fields`",
			}
		}
		if many {
			js = append(js, "{,"[min(i, 1)])
			js = append(value.AppendString(js, name), ':')
		}
		var err error
		if js, err = m.scalar(js, name, v); err != nil {
			return nil, err
		}
	}
	if many {
		js = append(js, '}')
	}
	return value.Canonical(nil, js)
}

// refused are scalars that no document can be found by: MongoDB matches with a
// regular expression, and a scope is an object, whose order Ditto loses.
var refused = map[bson.Type]string{
	bson.TypeRegex:         "a regular expression",
	bson.TypeCodeWithScope: "code with a scope",
}

// scalar appends the Ditto form of one mapped value, which is no null, array
// or document.
func (m Mapper) scalar(dst []byte, name string, v bson.RawValue) ([]byte, error) {
	switch v.Type {
	case bson.TypeNull, bson.TypeUndefined:
		return dst, &Error{
			Class: ErrNull, Field: name, What: fmt.Sprintf("%q is null, and Ditto has no such id", name),
			Mend: "give the field a value",
		}
	case bson.TypeArray:
		return dst, kindError(name, "an array")
	case bson.TypeEmbeddedDocument:
		return dst, kindError(name, "an object")
	case bson.TypeRegex, bson.TypeCodeWithScope:
		return dst, kindError(name, refused[v.Type])
	}
	dst, err := value.AppendDitto(dst, v, m.mode)
	if err != nil {
		return dst, &Error{Class: ErrValue, Field: name, What: fmt.Sprintf("%q cannot be converted", name), Cause: err}
	}
	return dst, nil
}

func kindError(name, what string) error {
	return &Error{
		Class: ErrKind, Field: name, What: fmt.Sprintf("%q is %s, which cannot be part of an id", name, what),
		Mend: "use a string, a number or another scalar; to make an id of several values, map several fields",
	}
}

// about fills in which document an error is about.
func about(err error, key string) error {
	var e *Error
	if errors.As(err, &e) {
		e.Key = key
		return e
	}
	return &Error{Class: ErrValue, Key: key, What: "the id is malformed", Cause: err}
}

// mongoKey is MongoDB's `_id` for people.
func mongoKey(id bson.RawValue) string {
	if id.Type == 0 {
		return ""
	}
	js, err := value.AppendDitto(nil, id, value.EJSON)
	if err != nil {
		return "of type " + id.Type.String()
	}
	return shorten(string(js))
}
