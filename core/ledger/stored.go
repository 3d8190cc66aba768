package ledger

import "go.mongodb.org/mongo-driver/v2/bson"

// Decode reads an entry as it is stored. Whether its claim is live only the
// database's clock can tell, so Claim.Live is not set: use Store.Read for that.
func Decode(stored bson.Raw) (Entry, error) {
	e, _, err := decode(stored)
	return e, err
}

// KeyFields are the fields, beside `_id`, that Decode tells an entry's key and
// state from.
func KeyFields() []string { return []string{fieldCollection, fieldState} }

// DecodeConflict reads a stored conflict record.
func DecodeConflict(stored bson.Raw) (Conflict, error) { return decodeConflict(stored) }
