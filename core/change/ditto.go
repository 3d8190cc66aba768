package change

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// Ditto reads Ditto's change events, one or an array of them, and nothing
// else: it is what the internet may say.
func (d Decoder) Ditto(body []byte) Batch {
	body, err := valid(body)
	if err != nil {
		return fail(err)
	}
	if !array(body) {
		return d.ditto(body)
	}
	var b Batch
	for e := range elements(body) {
		b.add(d.ditto(e))
	}
	return b
}

// ditto reads one event. Spellings vary between versions and documents, so
// names are compared without case and underscores.
func (d Decoder) ditto(body []byte) Batch {
	var typ, coll, method string
	var change, txn []byte
	for k, v := range members(body) {
		switch spell(k) {
		case "type":
			typ = spell(unquote(v))
		case "collection", "collectionname":
			coll = unquote(v)
		case "change":
			change = unwrap(v)
		case "txnid", "transactionid":
			txn = v
		}
	}
	var n int64
	if !absent(txn) {
		var ok bool
		if n, ok = integer(txn); !ok {
			return fail(errorf("ditto event: txnId is not an integer"))
		}
	}
	switch {
	case typ == "requeryrequired":
		return d.requery(coll, n)
	case typ == "heartbeat":
		return Batch{Ignored: []Ignored{{coll, ReasonHeartbeat}}}
	case typ == "documentchanged", typ == "" && object(change):
	default:
		return fail(errorf("ditto event: type is neither documentChanged nor requeryRequired"))
	}
	if coll == "" {
		return fail(errorf("ditto event: collection is missing"))
	}
	c := d.Manifest.DittoCollection(coll)
	if c == nil {
		return Batch{Ignored: []Ignored{{coll, ReasonCollection}}}
	}
	if !object(change) {
		return fail(errorf("ditto event of %s: change is missing", coll))
	}
	var docs [3][]byte // where the id is looked for, in this order
	for k, v := range members(change) {
		switch spell(k) {
		case "method":
			method = spell(unquote(v))
		case "newvalue":
			docs[0] = unwrap(v)
		case "value":
			docs[1] = unwrap(v)
		case "oldvalue":
			docs[2] = unwrap(v)
		}
	}
	h := Hint{Collection: c.Name, Side: value.Ditto, Txn: n}
	switch method {
	case "upsert", "insert", "update":
		h.Op = Upsert
	case "remove", "delete":
		h.Op = Remove
	default:
		return fail(errorf("ditto event of %s: change.method is neither upsert nor remove", coll))
	}
	for _, doc := range docs {
		id := member(doc, "_id")
		if absent(id) {
			continue
		}
		var err error
		if h.DittoID, err = docid.Parse(id); err != nil {
			return fail(errorf("ditto event of %s: _id: %v", coll, err))
		}
		if h.Op == Upsert {
			h.Digest = Digest(c, docs[0])
		}
		return Batch{Hints: []Hint{h}}
	}
	return fail(errorf("ditto event of %s: the document has no _id", coll))
}

// Digest stands for a document that an event of Ditto shows; Absent for none, and
// where there are counters: an event does not tell whether a number is one.
func Digest(c *manifest.Collection, doc []byte) value.Hash {
	if !object(doc) || len(c.Counters) > 0 {
		return value.Absent
	}
	h, err := value.DigestJSON(doc, c.Strict, nil)
	if err != nil { // the worker reads it, and says what is wrong
		return value.Absent
	}
	return h
}

// requery is Ditto's request to read everything again: of one collection if
// the event names one.
func (d Decoder) requery(coll string, txn int64) Batch {
	n := Notice{Side: value.Ditto, Reason: "requeryRequired", Txn: txn}
	if coll != "" {
		c := d.Manifest.DittoCollection(coll)
		if c == nil {
			return Batch{Ignored: []Ignored{{coll, ReasonCollection}}}
		}
		n.Collection = c.Name
	}
	return Batch{Notices: []Notice{n}}
}

// separators is made once: making one allocates 5 kB.
var separators = strings.NewReplacer("_", "", "-", "")

// spell is a name without what its spellings differ in.
func spell(s string) string { return strings.ToLower(separators.Replace(s)) }

// unwrap is the object that a value stands for where an event carries it as
// text or in base64 (isBase64Encoded); v itself otherwise.
func unwrap(v []byte) []byte {
	if !text(v) {
		return v
	}
	s := []byte(strings.TrimSpace(unquote(v)))
	if b, err := base64.StdEncoding.DecodeString(string(s)); err == nil {
		s = b
	}
	if object(s) && json.Valid(s) {
		return s
	}
	return v
}
