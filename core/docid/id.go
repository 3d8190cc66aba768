package docid

import "encoding/json"

// ID is a Ditto document id as canonical JSON text: compact, keys sorted, an
// integral float as integer. Two ids are the same document exactly when their
// texts are equal. The zero ID is no id.
type ID string

// IsZero reports whether there is no id.
func (id ID) IsZero() bool { return id == "" }

// JSON is the id as it stands in a statement's arguments.
func (id ID) JSON() json.RawMessage { return json.RawMessage(id) }

// Kind is the JSON kind of an id. Ditto's IN matches nothing when kinds are
// mixed in one list.
type Kind uint8

const (
	String Kind = iota
	Number
	Bool
	Object
	Array
)

// Kind is the id's JSON kind.
func (id ID) Kind() Kind {
	switch id[0] {
	case '"':
		return String
	case '{':
		return Object
	case '[':
		return Array
	case 't', 'f':
		return Bool
	}
	return Number
}
