package sweep

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
)

func (p *Pager) mongoPage(ctx context.Context, r Range, pos position, n int) (page Page, err error) {
	types, err := r.types(brackets)
	if err != nil {
		return Page{}, err
	}
	if types, err = remaining(types, pos); err != nil {
		return Page{}, err
	}
	from, to, err := r.bounds()
	if err != nil {
		return Page{}, err
	}
	last, err := pos.key()
	if err != nil {
		return Page{}, err
	}
	page.at = func(i int) (json.RawMessage, error) {
		v := page.MongoIDs[i]
		return behind(bracketOf(v), v)
	}
	for i, t := range types {
		k := keys{from: from, to: to, last: last, filter: func(from, to bson.RawValue) bson.D { return filter(t, from, to) }}
		docs, more, err := k.read(ctx, p.Mongo, r.Collection, n-page.Len())
		if err != nil {
			return Page{}, err
		}
		for _, d := range docs {
			page.MongoIDs = append(page.MongoIDs, d.Lookup("_id"))
		}
		last = bson.RawValue{}
		switch {
		case more:
			page.Next, err = behind(t, page.MongoIDs[page.Len()-1])
			return page, err
		case page.Len() == n && i+1 < len(types):
			page.Next, err = position{Type: types[i+1]}.json()
			return page, err
		}
	}
	return page, nil
}

// bounds are the range's, zero where it is open.
func (r *Range) bounds() (from, to bson.RawValue, err error) {
	if from, err = parseExtJSON(r.From); err != nil {
		return from, to, fmt.Errorf("%w: from", errRange)
	}
	if to, err = parseExtJSON(r.To); err != nil {
		return from, to, fmt.Errorf("%w: to", errRange)
	}
	return from, to, nil
}

// ledgerPage reads the entries of a collection by the prefix of their `_id`s.
// Those of a collection "a/b" have the prefix of "a" as well.
func (p *Pager) ledgerPage(ctx context.Context, r Range, pos position, n int) (page Page, err error) {
	from, to, err := r.bounds()
	if err != nil {
		return Page{}, err
	}
	if from.IsZero() {
		from = rawString(r.Collection + "/")
	}
	if to.IsZero() {
		to = rawString(r.Collection + "0") // what comes after '/'
	}
	last, err := pos.key()
	if err != nil {
		return Page{}, err
	}
	page.at = func(i int) (json.RawMessage, error) { return behind("", rawString(page.Ledger[i].String())) }
	k := keys{from: from, to: to, last: last, filter: func(from, to bson.RawValue) bson.D { return filter(text, from, to) }}
	docs, more, err := k.read(ctx, p.Mongo, ledger.Collection, n, ledger.KeyFields()...)
	if err != nil {
		return Page{}, err
	}
	for _, d := range docs {
		e, err := ledger.Decode(d)
		if err != nil {
			return Page{}, fmt.Errorf("read ledger: %w", err)
		}
		if e.Key.Collection == r.Collection && e.State != ledger.Deleted {
			page.Ledger = append(page.Ledger, e.Key)
		}
	}
	if more {
		page.Next, err = behind("", docs[len(docs)-1].Lookup("_id"))
	}
	return page, err
}

func rawString(s string) bson.RawValue {
	t, v, _ := bson.MarshalValue(s)
	return bson.RawValue{Type: t, Value: v}
}

// keys are the documents of one bracket between two bounds, behind the one
// that was read last.
type keys struct {
	from, to, last bson.RawValue
	filter         func(from, to bson.RawValue) bson.D
}

// read returns the next n of them, and whether there are more.
//
// It begins with the last one once more, and takes what comes behind it: where
// a server takes two `_id`s for equal (SecantusDB does, for some objects), the
// second is not lost.
func (k *keys) read(ctx context.Context, db Mongo, collection string, n int, fields ...string) (docs []bson.Raw, more bool, err error) {
	from := k.from
	if !k.last.IsZero() {
		from = k.last
	}
	for limit := n + 2; ; limit *= 2 {
		docs, err := db.Page(ctx, collection, k.filter(from, k.to), limit, fields...)
		if err != nil {
			return nil, false, err
		}
		rest := docs[k.behindLast(docs):]
		if len(rest) > n {
			return rest[:n], true, nil
		}
		if len(docs) < limit {
			return rest, false, nil
		}
	}
}

func (k *keys) behindLast(docs []bson.Raw) int {
	if k.last.IsZero() {
		return 0
	}
	for i, d := range docs {
		if id := d.Lookup("_id"); id.Type == k.last.Type && bytes.Equal(id.Value, k.last.Value) {
			return i + 1
		}
	}
	return 0
}
