package mongodb_test

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
)

func TestServerMessage(t *testing.T) {
	for in, want := range map[string]string{
		"Resulting document after update is larger than 16777216":                                              "Resulting document after update is larger than 16777216",
		`Plan executor error during update :: caused by :: Can't extract geo keys: { _id: 1, loc: "secret" }`:  "Can't extract geo keys",
		"language override unsupported: secret":                                                                "language override unsupported",
		"Executor error during find command: db.c :: caused by :: Use of undefined variable: NOW":              "Use of undefined variable",
		"PlanExecutor error during aggregation :: caused by :: PlanExecutor error :: caused by :: no [secret]": "PlanExecutor error :: caused by :: no",
		"not authorized on db to execute command { find: \"c\" }":                                              "not authorized on db to execute command",
		strings.Repeat("x", 500): strings.Repeat("x", 200),
		"no field 'secret' here": "no field",
		"":                       "",
	} {
		if got := mongodb.ServerMessage(in); got != want {
			t.Errorf("ServerMessage(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWriteErrorMessage(t *testing.T) {
	for _, c := range []struct {
		name        string
		code        int
		message     string
		raw         string
		want, index string
	}{
		{
			name: "Duplicate", code: 11000, message: `E11000 duplicate key error collection: db.c index: email_1 dup key: { email: "secret" }`, raw: `{}`,
			want: "duplicate key in index email_1", index: "email_1",
		},
		{
			name: "OldForm", code: 11000, message: `E11000 duplicate key error index: db.c.$email_1 dup key: { : "secret" }`, raw: `{}`,
			want: "duplicate key in index email_1", index: "email_1",
		},
		{
			name: "Clustered", code: 11000, message: `E11000 duplicate key error collection: db.c dup key: { _id: "secret" }`, raw: `{"keyPattern":{"_id":1}}`,
			want: "duplicate key in index _id_", index: "_id_",
		},
		{
			name: "PatternAlone", code: 11000, message: "E11000", raw: `{"keyPattern":{"a":1,"b":1}}`,
			want: "duplicate key in index a_b", index: "a_b",
		},
		{
			name: "Schema", code: 121, message: "Document failed validation", raw: `{"errInfo":{"failingDocumentId":"secret","details":{"operatorName":"$jsonSchema","schemaRulesNotSatisfied":[
				{"operatorName":"properties","propertiesNotSatisfied":[{"propertyName":"a","details":[
					{"operatorName":"properties","propertiesNotSatisfied":[{"propertyName":"b","details":[{"operatorName":"bsonType","consideredValue":"secret","consideredType":"string"}]}]}]}]},
				{"operatorName":"required","missingProperties":["x","y"]},
				{"operatorName":"additionalProperties","additionalProperties":["z"]}]}}}`,
			want: "Document failed validation: a.b: bsonType (is string); required x, y; additionalProperties z",
		},
		{
			name: "Query", code: 121, message: "Document failed validation", raw: `{"errInfo":{"details":{"operatorName":"$and","clausesNotSatisfied":[
				{"index":0,"details":{"operatorName":"$gt","specifiedAs":{"a":{"$gt":5}},"reason":"comparison failed","consideredValue":"secret"}}]}}}`,
			want: "Document failed validation: $gt",
		},
		{name: "NoDetails", code: 121, message: "Document failed validation: secret", raw: `{}`, want: "Document failed validation"},
		{name: "Other", code: 17419, message: "Resulting document after update is larger than 16777216", raw: `{}`, want: "Resulting document after update is larger than 16777216"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := mongodb.NewWriteError(3, c.code, c.message, raw(t, c.raw))
			if e.Message != c.want || e.KeyIndex != c.index || e.Index != 3 || e.Code != c.code {
				t.Errorf("%+v", e)
			}
		})
	}
	t.Run("NoRaw", func(t *testing.T) {
		if e := mongodb.NewWriteError(0, 11000, "", bson.Raw{}); e.KeyIndex != "" {
			t.Errorf("%+v", e)
		}
	})
}

func TestRedactor(t *testing.T) {
	for _, c := range []struct{ name, uri, in, want string }{
		{"Password", "mongodb://u:p%40ss@h/", "auth with p@ss or p%40ss", "auth with [redacted] or [redacted]"},
		{"Short", "mongodb://u:a@h/", "a dial of mongodb://u:a@h", "a dial of mongodb://u:[redacted]@h"},
		{"Token", "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:abcdef,X:y", "bad token abcdef", "bad token [redacted]"},
		{"Key", "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=hush1", "no hush1", "no [redacted]"},
		{"None", "mongodb://h/", "nothing to hide", "nothing to hide"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := mongodb.NewRedactor(c.uri).Clean(c.in); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
