package mongosim_test

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

func (b *books) key() ledger.Key {
	return ledger.Key{Collection: []string{"c", "d"}[b.IntN(2)], ID: docid.ID([]string{`"a"`, `"b"`, `1`, `{"k":1}`, `["a/b"]`}[b.IntN(5)])}
}

func (b *books) keys() (out []ledger.Key) {
	for range b.IntN(4) {
		out = append(out, b.key())
	}
	return out
}

func (b *books) refs() (out []ledger.MongoRef) {
	for range 1 + b.IntN(3) {
		if id := b.mongoID(); id.Type != 0 {
			out = append(out, ledger.MongoRef{Collection: []string{"c", "d"}[b.IntN(2)], ID: id})
		}
	}
	return out
}

// mongoID is one of few, some of them the same as MongoDB compares them.
func (b *books) mongoID() bson.RawValue {
	id := ids()[b.IntN(len(ids()))]
	switch b.IntN(8) {
	case 0:
		return bson.RawValue{}
	case 1, 2, 3:
		id = ids()[b.IntN(5)]
	}
	if b.IntN(4) == 0 {
		id = twin(id)
	}
	return idOf(id)
}

func (b *books) path() value.Path {
	return value.PathOf([]string{"a", "x.y", "$d", "", "0"}[:1+b.IntN(5)]...)
}

func (b *books) hash() (h value.Hash) {
	h[0] = byte(b.IntN(4))
	return h
}

func (b *books) puts(ctx context.Context) (out []ledger.Put) {
	seen := map[ledger.Key]bool{}
	for range 1 + b.IntN(5) {
		k := b.key()
		if seen[k] {
			continue
		}
		seen[k] = true
		var rev int64
		if now, _ := (ledger.Store{DB: b.sim}).Read(ctx, []ledger.Key{k}, nil); len(now) > 0 {
			rev = now[0].Rev
		}
		if b.IntN(5) == 0 {
			rev = int64(b.IntN(4))
		}
		p := ledger.Put{Prev: rev, Next: b.entry(k)}
		if b.IntN(2) == 0 {
			p.Next.Claim = &ledger.Claim{Owner: "me"}
			for range b.IntN(3) {
				p.Next.Claim.Announced = append(p.Next.Claim.Announced, ledger.Announcement{Path: b.path(), Side: []value.Side{value.MongoDB, value.Ditto}[b.IntN(2)], Hash: b.hash()})
			}
			p.ClaimFor = []time.Duration{0, 90 * time.Second, time.Hour}[b.IntN(3)]
		}
		out = append(out, p)
	}
	return out
}

func (b *books) entry(k ledger.Key) ledger.Entry {
	e := ledger.Entry{Key: k, MongoID: b.mongoID(), State: []ledger.State{ledger.Live, ledger.Live, ledger.Live, ledger.Deleted, ledger.Detached, ledger.Parked, ledger.Baseline}[b.IntN(7)]}
	if e.State == ledger.Deleted {
		e.By = value.Ditto
	}
	for range b.IntN(4) {
		e.Units = append(e.Units, ledger.Unit{Path: b.path(), M: b.hash(), D: b.hash()})
	}
	for range b.IntN(3) {
		if e.Counters == nil {
			e.Counters = map[value.Path]int64{}
		}
		e.Counters[b.path()] = b.Int64()
		e.Maps = append(e.Maps, b.path())
	}
	e.Txn, e.Size = int64(b.IntN(3)), b.IntN(3)
	return e
}

func (b *books) conflicts(ctx context.Context) (string, func(mongodb.Database) (any, error)) {
	if b.IntN(3) == 0 {
		from := []string{"c", "d"}[:b.IntN(3)]
		return "ListConflicts", func(db mongodb.Database) (any, error) {
			all, err := ledger.Records{DB: db}.ListConflicts(ctx, from...)
			return len(all), err
		}
	}
	var records []ledger.Conflict
	for range 1 + b.IntN(3) {
		c := ledger.Conflict{Key: b.key(), MongoID: b.mongoID(), Rev: int64(b.IntN(2)), Path: b.path(), Side: value.MongoDB, Rule: "ditto"}
		if b.IntN(2) == 0 {
			c.Value = idOf(b.plain())
		} else {
			c.Side, c.JSON = value.Ditto, `{"a":[1,null]}`
		}
		records = append(records, c)
	}
	return fmt.Sprintf("PutConflicts %+v", records), func(db mongodb.Database) (any, error) {
		return nil, ledger.Records{DB: db, ConflictTTL: time.Minute}.PutConflicts(ctx, records)
	}
}

func (b *books) unsynced(ctx context.Context) (string, func(mongodb.Database) (any, error)) {
	switch b.IntN(4) {
	case 0:
		return "ListUnsynced", func(db mongodb.Database) (any, error) {
			all, err := ledger.Records{DB: db}.ListUnsynced(ctx)
			return len(all), err
		}
	case 1:
		keys := []string{b.key().String(), b.key().String(), ledger.MongoUnsyncedID("c", b.mongoID())}
		return fmt.Sprintf("DeleteUnsynced %q", keys), func(db mongodb.Database) (any, error) {
			return nil, ledger.Records{DB: db}.DeleteUnsynced(ctx, keys)
		}
	}
	var records []ledger.Unsynced
	for range 1 + b.IntN(3) {
		u := ledger.Unsynced{Collection: "c", MongoID: b.mongoID(), Reason: "rejected", Message: "$a", Mend: fmt.Sprint(b.IntN(3))}
		if k := b.key(); b.IntN(2) == 0 {
			u.ID, u.DittoID = k.String(), k.ID
		} else {
			u.ID = ledger.MongoUnsyncedID("c", u.MongoID)
		}
		records = append(records, u)
	}
	return fmt.Sprintf("PutUnsynced %+v", records), func(db mongodb.Database) (any, error) {
		return nil, ledger.Records{DB: db}.PutUnsynced(ctx, records)
	}
}

// plain is a value of a type that is not deprecated.
func (b *books) plain() any {
	for {
		if v := b.value(2); !anyIn(idOf(v), isDeprecated) {
			return v
		}
	}
}
