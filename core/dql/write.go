package dql

import (
	"strconv"
	"strings"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

const doNothing = " ON ID CONFLICT DO NOTHING"

// Insert adds new documents and leaves those that exist alone. An integer at a
// counter path becomes a counter; anything else there rejects the statement.
func Insert(collection string, counters []value.Path, docs [][]byte) Statement {
	var a args
	list(&a, "docs", len(docs), func(i int) []byte { return docs[i] })
	return Statement{insertInto(collection, counters) + "(:docs)" + doNothing, a.done()}
}

// InsertEach is Insert for a server that refuses an array parameter.
func InsertEach(collection string, counters []value.Path, docs [][]byte) Statement {
	var a args
	var b strings.Builder
	b.WriteString(insertInto(collection, counters))
	for i, d := range docs {
		if i > 0 {
			b.WriteString(", ")
		}
		name := "d" + strconv.Itoa(i)
		b.WriteString("(:" + name + ")")
		a.one(name, d)
	}
	b.WriteString(doNothing)
	return Statement{b.String(), a.done()}
}

func insertInto(collection string, counters []value.Path) string {
	return "INSERT INTO " + source(collection, TypesOf(Counter, counters...)) + " DOCUMENTS "
}

// Target is a document as it was read.
type Target struct {
	ID   docid.ID
	JSON []byte
}

// Delete removes those documents that are still wholly as they were read. The
// ids must be of one kind.
func Delete(collection string, docs []Target) Statement {
	var a args
	list(&a, "ids", len(docs), func(i int) docid.ID { return docs[i].ID })
	list(&a, "o0", len(docs), func(i int) []byte { return docs[i].JSON })
	return Statement{deleteFrom(collection, "_id IN :ids", inBulk("o0")), a.done()}
}

// DeleteOne is Delete for one document, in plainer words.
func DeleteOne(collection string, doc Target) Statement {
	var a args
	a.one("id", doc.ID.JSON())
	a.one("o0", doc.JSON)
	return Statement{deleteFrom(collection, "_id = :id", ":o0"), a.done()}
}

func deleteFrom(collection, ids, old string) string {
	c := Quote(collection)
	return "DELETE FROM " + c + " WHERE " + ids + " AND serialize_json(" + c + ") = serialize_json(" + old + ")"
}
