package page

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	smithytime "github.com/aws/smithy-go/time"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/value"
)

// Pauses between looks.
const (
	feedPause  = 150 * time.Millisecond // at Ditto's writes
	retryPause = 500 * time.Millisecond // after a database was away
	lookPause  = 3 * time.Second        // at all of a Ditto that does not tell its writes
)

// answerTime is how long a database may take to say that there is nothing new:
// then it does not answer.
const answerTime = 5 * time.Second

// Write is a document that was written in Ditto, as its server tells.
type Write struct {
	Txn        int64
	Collection string
	ID         json.RawMessage
	Remove     bool
}

// Feed tells of the writes in Ditto.
type Feed interface {
	// Txn is the transaction up to which everything has happened.
	Txn(ctx context.Context) (int64, error)
	// Since lists the writes after a transaction, oldest first; an error if not
	// all of them are known any more.
	Since(ctx context.Context, txn int64) ([]Write, error)
}

// changed tells the pages of a document that changed on a side.
type changed struct {
	Collection string     `json:"collection"`
	Side       value.Side `json:"side"`
	Keys       []string   `json:"keys"`
}

// side tells the pages whether a database answers.
type sideState struct {
	Side  value.Side `json:"side"`
	Up    bool       `json:"up"`
	Error string     `json:"error,omitempty"`
}

// setSide notes whether a side answers. When it comes back, all keys are read
// anew: what happened meanwhile was not announced.
func (p *Page) setSide(side value.Side, err error) {
	next := sideState{Side: side, Up: err == nil}
	if err != nil {
		next.Error = err.Error()
	}
	p.mu.Lock()
	old := p.sides[side]
	p.sides[side] = next
	p.mu.Unlock()
	if old.Up == next.Up && old.Side != "" {
		return
	}
	if next.Up && old.Side != "" {
		for _, x := range p.indexes {
			x.forget()
		}
	}
	p.hub.state("side", string(side), next)
}

// watchMongo follows MongoDB's change stream until ctx is done. While the server
// is away it tries again.
func (p *Page) watchMongo(ctx context.Context) {
	for ctx.Err() == nil {
		err := p.streamMongo(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("the change stream has ended")
		}
		p.setSide(value.MongoDB, p.cfg.Mongo.Redact("watch", err))
		_ = smithytime.SleepWithContext(ctx, retryPause)
	}
}

func (p *Page) streamMongo(ctx context.Context) error {
	names := []string{ledger.Collection, ledger.UnsyncedCollection, ledger.ConflictCollection}
	for _, c := range p.cfg.Manifest.Collections {
		names = append(names, c.Name)
	}
	open, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	stream, err := p.cfg.Mongo.Driver().Watch(open, mongo.Pipeline{
		{{Key: "$match", Value: bson.D{{Key: "ns.coll", Value: bson.D{{Key: "$in", Value: names}}}}}},
		{{Key: "$project", Value: bson.D{{Key: "operationType", Value: 1}, {Key: "ns", Value: 1}, {Key: "documentKey", Value: 1}}}},
	}, options.ChangeStream().SetMaxAwaitTime(time.Second))
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = stream.Close(ctx) // the server may not answer
	}()
	p.setSide(value.MongoDB, nil)
	var batch []bson.Raw
	for ctx.Err() == nil {
		if tryNext(ctx, stream) {
			batch = append(batch, slices.Clone(stream.Current))
		} else if err := stream.Err(); err != nil {
			return err
		} else if stream.ID() == 0 {
			return nil
		}
		if len(batch) == 0 || len(batch) < 500 && stream.RemainingBatchLength() > 0 {
			continue
		}
		if err := p.mongoChanged(ctx, batch); err != nil {
			return err
		}
		batch = batch[:0]
	}
	return nil
}

func tryNext(ctx context.Context, stream *mongo.ChangeStream) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return stream.TryNext(ctx)
}

// mongoChanged takes a batch of change events in.
func (p *Page) mongoChanged(ctx context.Context, batch []bson.Raw) error {
	ids := map[string][]bson.RawValue{}
	seen := map[string]bool{}
	trouble := false
	for _, ev := range batch {
		name, _ := ev.Lookup("ns", "coll").StringValueOK()
		op, _ := ev.Lookup("operationType").StringValueOK()
		id := ev.Lookup("documentKey", "_id")
		switch name {
		case ledger.Collection:
			if text, ok := id.StringValueOK(); ok {
				p.ledgerChanged(ctx, text)
			}
			continue
		case ledger.UnsyncedCollection, ledger.ConflictCollection:
			trouble = true
			continue
		}
		x := p.indexes[name]
		if x == nil {
			continue
		}
		if id.IsZero() { // dropped, renamed
			x.forget()
			p.hub.send("changed", changed{Collection: name, Side: value.MongoDB})
			continue
		}
		p.health.count(value.MongoDB)
		if key := name + "/" + ledger.IDText(id); !seen[key] {
			seen[key] = true
			ids[name] = append(ids[name], id)
		}
		p.flow.event(name, x.keyOfMongo(id), ledger.IDText(id), value.MongoDB, op)
	}
	for name, list := range ids {
		keys, err := p.indexes[name].changedMongo(ctx, list)
		if err != nil {
			return err
		}
		p.hub.send("changed", changed{Collection: name, Side: value.MongoDB, Keys: keys})
	}
	if trouble {
		p.hub.send("trouble", struct{}{})
	}
	return nil
}

// ledgerChanged tells that a pair's state may have changed: a claim, its end, a
// park.
func (p *Page) ledgerChanged(ctx context.Context, id string) {
	key, ok := ledger.ParseKey(id)
	if !ok || p.indexes[key.Collection] == nil {
		return
	}
	p.hub.send("changed", changed{Collection: key.Collection, Keys: []string{string(key.ID)}})
	if p.lab != nil {
		p.lab.ledgerChanged(ctx, key)
	}
}

// keyOfMongo is the row of a MongoDB document, as far as it is known.
func (x *index) keyOfMongo(id bson.RawValue) string {
	text := ledger.IDText(id)
	x.mu.Lock()
	defer x.mu.Unlock()
	if key, ok := x.byMongo[text]; ok {
		return key
	}
	if x.mapper.OneToOne() {
		if key, err := x.mapper.FromMongoID(id); err == nil {
			return string(key)
		}
	}
	return "mongo:" + text
}

// watchDitto follows Ditto's writes until ctx is done.
func (p *Page) watchDitto(ctx context.Context) {
	if p.cfg.Feed == nil {
		p.lookAtDitto(ctx)
		return
	}
	at := int64(-1)
	for ctx.Err() == nil {
		next, err := p.pollDitto(ctx, at)
		if ctx.Err() != nil {
			return
		}
		p.setSide(value.Ditto, err)
		if err != nil {
			at = -1
			_ = smithytime.SleepWithContext(ctx, retryPause)
			continue
		}
		at = next
		_ = smithytime.SleepWithContext(ctx, feedPause)
	}
}

// lookAtDitto asks a Ditto that does not tell its writes whether it answers, and
// reads all keys anew for the pages that are open, until ctx is done. Large
// collections are looked at less often.
func (p *Page) lookAtDitto(ctx context.Context) {
	var next time.Time // look
	for ctx.Err() == nil {
		var err error
		for _, x := range p.indexes {
			if err = x.askDitto(ctx); err != nil {
				break
			}
		}
		if ctx.Err() != nil {
			return
		}
		p.setSide(value.Ditto, err)
		if begun := time.Now(); err == nil && p.hub.watched() && !begun.Before(next) {
			for _, x := range p.indexes {
				x.forget()
				if x.ensure(ctx) == nil { // else the side that does not answer says so
					p.hub.send("changed", changed{Collection: x.c.Name, Side: value.Ditto})
				}
			}
			next = time.Now().Add(20 * time.Since(begun))
		}
		_ = smithytime.SleepWithContext(ctx, lookPause)
	}
}

// pollDitto takes the writes after a transaction in; a negative one is now.
func (p *Page) pollDitto(ctx context.Context, at int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	now, err := p.cfg.Feed.Txn(ctx)
	if err != nil || at < 0 || now == at {
		return now, err
	}
	writes, err := p.cfg.Feed.Since(ctx, at)
	if err != nil {
		return at, err
	}
	keys := map[string][]string{}
	for _, w := range writes {
		at = max(at, w.Txn)
		x := p.byDitto[w.Collection]
		if x == nil {
			continue
		}
		p.health.count(value.Ditto)
		key := x.seeDitto(w.ID, !w.Remove, true)
		keys[x.c.Name] = append(keys[x.c.Name], key)
		op := "upsert"
		if w.Remove {
			op = "remove"
		}
		p.flow.event(x.c.Name, key, "", value.Ditto, op)
	}
	for name, list := range keys {
		slices.Sort(list)
		p.hub.send("changed", changed{Collection: name, Side: value.Ditto, Keys: slices.Compact(list)})
	}
	return max(at, now), nil
}
