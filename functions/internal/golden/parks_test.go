package golden_test

import (
	"context"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

func mapped(fields ...string) func(*stage) {
	return func(s *stage) { s.rules.Fields = fields }
}

// born lets a device insert a document.
func born(rules func(*stage), doc, id string) func(*stage) string {
	return func(s *stage) string {
		if rules != nil {
			rules(s)
		}
		s.device("INSERT INTO tasks DOCUMENTS (:d)", `{"d":`+doc+`}`)
		return s.fromDitto(id)
	}
}

// inserted inserts a document in MongoDB.
func inserted(rules func(*stage), doc, id string) func(*stage) string {
	return func(s *stage) string {
		if rules != nil {
			rules(s)
		}
		s.set(doc)
		return fromMongo(id)
	}
}

var parks = []struct {
	name string
	do   func(*stage) string
}{
	{"Undecodable", func(*stage) string { return `{"operationType":"explode"}` }},
	{"IDMissing", inserted(mapped("orderId"), `{"_id":"a","note":"hush"}`, `"a"`)},
	{"IDNull", inserted(mapped("orderId"), `{"_id":"a","orderId":null,"note":"hush"}`, `"a"`)},
	{"IDKind", inserted(mapped("orderId"), `{"_id":"a","orderId":["hush"]}`, `"a"`)},
	{"IDFraction", inserted(nil, `{"_id":{"$numberDouble":"5.5"},"note":"hush"}`, `{"$numberDouble":"5.5"}`)},
	{"IDTooLong", inserted(nil, `{"_id":"`+strings.Repeat("a", 300)+`","note":"hush"}`, `"`+strings.Repeat("a", 300)+`"`)},
	{"IDFields", born(mapped("orderId", "storeId"), `{"_id":"a","note":"hush"}`, `"a"`)},
	{"IDRange", born(nil, `{"_id":10000000000000000000,"note":"hush"}`, `10000000000000000000`)},
	{"IDMalformed", func(s *stage) string {
		s.rules.Mode = value.EJSON
		return born(nil, `{"_id":{"$oid":"x"},"note":"hush"}`, `{"$oid":"x"}`)(s)
	}},
	{"DuplicateID", func(s *stage) string {
		s.set(`{"_id":{"$oid":"64f000000000000000000001"},"note":"hush"}`)
		s.event(fromMongo(`{"$oid":"64f000000000000000000001"}`))
		s.set(`{"_id":"64f000000000000000000001","note":"hush"}`)
		return fromMongo(`"64f000000000000000000001"`)
	}},
	{"MappedFieldChanged", func(s *stage) string {
		s.rules.Fields = []string{"orderId"}
		s.set(`{"_id":"a","orderId":"o","note":"hush"}`)
		s.event(fromMongo(`"a"`))
		s.set(`{"_id":"a","orderId":"p","note":"hush"}`)
		return fromMongo(`"a"`)
	}},
	{"MappedFieldDiffersInDitto", born(mapped("orderId"), `{"_id":"a","orderId":"b","note":"hush"}`, `"a"`)},
	{"Counter", func(s *stage) string {
		s.rules.Counters = []value.Path{value.PathOf("n")}
		s.set(`{"_id":"a","n":"hush"}`)
		return fromMongo(`"a"`)
	}},
	{"Value", func(s *stage) string {
		s.rules.Mode = value.EJSON
		s.device("INSERT INTO tasks DOCUMENTS (:d)", `{"d":{"_id":"a","n":{"$numberInt":"1","$numberLong":"1"},"note":"hush"}}`)
		return s.fromDitto(`"a"`)
	}},
	{"OneWay", func(s *stage) string {
		s.rules.Direction = manifest.MongoToDitto
		return born(nil, `{"_id":"a","note":"hush"}`, `"a"`)(s)
	}},
	{"StrictMode", func(s *stage) string {
		s.rules.Strict = true
		return born(nil, `{"_id":"a","o":{"note":"hush"}}`, `"a"`)(s)
	}},
	{"RejectedByDitto", func(s *stage) string {
		s.execute = failing("INSERT", &ditto.Error{API: ditto.V5, Status: 400, Description: `cannot take "hush"`})
		return inserted(nil, `{"_id":"a","note":"hush"}`, `"a"`)(s)
	}},
	{"TooLarge", func(s *stage) string {
		s.execute = failing("INSERT", &ditto.Error{API: ditto.V5, Status: 413, Description: `over "hush" bytes`})
		return inserted(nil, `{"_id":"a","note":"hush"}`, `"a"`)(s)
	}},
	{"RejectedByMongoDB", func(s *stage) string {
		s.mongo.Validate = func(collection string, _ bson.Raw) *mongodb.WriteError {
			if collection != "tasks" {
				return nil
			}
			return &mongodb.WriteError{Code: 121, Message: "Document failed validation"}
		}
		return born(nil, `{"_id":"a","note":"hush"}`, `"a"`)(s)
	}},
	{"Defect", func(s *stage) string {
		s.set(`{"_id":"a","note":"hush"}`)
		s.execute = func(next ditto.Executor, ctx context.Context, r ditto.Request) (ditto.Response, error) {
			if r.Write { // an answer that says nothing was there to write
				return ditto.Response{Txn: s.ditto.Txn()}, nil
			}
			return next.Execute(ctx, r)
		}
		return fromMongo(`"a"`)
	}},
}
