package mongosim

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
)

// checkID refuses what MongoDB takes for no `_id`.
func checkID(id bson.RawValue) *mongodb.WriteError {
	switch id.Type {
	case bson.TypeArray, bson.TypeRegex, bson.TypeUndefined:
		return &mongodb.WriteError{Code: 53, Message: "The '_id' value cannot be of type " + typeName(id.Type)}
	case bson.TypeEmbeddedDocument:
		fields, _ := bson.Raw(id.Value).Elements()
		for _, f := range fields {
			name := f.Key()
			if strings.HasPrefix(name, "$") && name != "$ref" && name != "$id" && name != "$db" {
				return &mongodb.WriteError{Code: 52, Message: "_id fields may not contain '$'-prefixed fields"}
			}
			if f.Value().Type != bson.TypeEmbeddedDocument {
				continue
			}
			if refused := checkID(f.Value()); refused != nil {
				return refused
			}
		}
	}
	return nil
}
