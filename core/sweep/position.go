package sweep

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// position is how far the pages of a range got: behind a key, or at the
// beginning of a type.
type position struct {
	Type string          `json:"t,omitempty"`
	Key  json.RawMessage `json:"v,omitempty"` // Extended JSON, or a Ditto id
	// BSON is a document with the key as v, for one that Extended JSON cannot
	// tell: a string that is not UTF-8, an object that looks like a wrapper.
	BSON []byte `json:"b,omitempty"`
}

func readPosition(js json.RawMessage) (p position, err error) {
	if len(js) == 0 || string(js) == "null" {
		return p, nil
	}
	if err := json.Unmarshal(js, &p); err != nil {
		return p, fmt.Errorf("%w: %w", errPosition, err)
	}
	return p, nil
}

func (p position) json() (json.RawMessage, error) {
	js, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("write position: %w", err)
	}
	return js, nil
}

// behind is the position behind a BSON key.
func behind(typ string, v bson.RawValue) (json.RawMessage, error) {
	if js, ok := extJSON(v); ok {
		return position{Type: typ, Key: js}.json()
	}
	doc, err := bson.Marshal(wrapped{v})
	if err != nil {
		return nil, fmt.Errorf("write position: %w", err)
	}
	return position{Type: typ, BSON: doc}.json()
}

// key is the BSON key that the position is behind, zero if there is none.
func (p position) key() (bson.RawValue, error) {
	if p.BSON == nil {
		return parseExtJSON(p.Key)
	}
	doc := bson.Raw(p.BSON)
	if doc.Validate() != nil || doc.Lookup("v").IsZero() {
		return bson.RawValue{}, errPosition
	}
	return doc.Lookup("v"), nil
}

type wrapped struct {
	V bson.RawValue `bson:"v"`
}

// extJSON is v in canonical Extended JSON, if that tells all of it.
func extJSON(v bson.RawValue) (json.RawMessage, bool) {
	doc, err := bson.MarshalExtJSON(wrapped{v}, true, false)
	if err != nil {
		return nil, false
	}
	var members struct {
		V json.RawMessage `json:"v"`
	}
	if json.Unmarshal(doc, &members) != nil {
		return nil, false
	}
	back, err := parseExtJSON(members.V)
	if err != nil || back.Type != v.Type || !bytes.Equal(back.Value, v.Value) {
		return nil, false
	}
	return members.V, true
}

// parseExtJSON reads a value, zero from nothing.
func parseExtJSON(js json.RawMessage) (bson.RawValue, error) {
	if len(js) == 0 {
		return bson.RawValue{}, nil
	}
	var w wrapped
	if err := bson.UnmarshalExtJSON([]byte(`{"v":`+string(js)+`}`), true, &w); err != nil {
		return bson.RawValue{}, fmt.Errorf("%w: %w", errPosition, err)
	}
	return bson.RawValue{Type: w.V.Type, Value: bytes.Clone(w.V.Value)}, nil
}
