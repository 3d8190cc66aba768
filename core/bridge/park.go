package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/reconcile"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/core/value"
)

// problem says why a document cannot be synced until something changes.
type problem = reconcile.Problem

// parking is a pair that is about to be parked.
type parking struct {
	p   *pair
	why problem
}

// park ends a pair that cannot be synced. parkAll stores it.
func (t *batch) park(ctx context.Context, p *pair, why problem) {
	p.find(Unsynced)
	p.finding.State, p.finding.Reason = Unsynced, why.Code
	t.logParked(ctx, p.failure(Cause{Park, why.Code, why.Mend}, t.tries(p), nil))
	p.end(nil)
	t.parkings = append(t.parkings, parking{p, why})
}

// logParked says that a document waits for a person. The problem's message is
// for the record alone: it may quote the document (invariant 10).
func (t *batch) logParked(ctx context.Context, f *Failure) {
	t.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "document parked", f.Attrs()...)
}

// parkAll records the pairs that cannot be synced, and then marks their
// entries. The next change of either document, or one command, tries them
// again.
func (t *batch) parkAll(ctx context.Context) {
	parkings := t.parkings
	t.parkings = nil
	if len(parkings) == 0 {
		return
	}
	t.report.Parked += len(parkings)
	records := make([]ledger.Unsynced, len(parkings))
	pairs := make([]*pair, len(parkings))
	for i, k := range parkings {
		pairs[i], records[i] = k.p, ledger.Unsynced{
			ID:         k.p.key.String(),
			Collection: k.p.key.Collection,
			MongoID:    k.p.mongoID(),
			DittoID:    k.p.key.ID,
			Reason:     k.why.Code,
			Message:    k.why.Message,
			Mend:       k.why.Mend,
		}
	}
	if err := t.records.PutUnsynced(ctx, records); err != nil {
		t.abandon(ctx, pairs, fmt.Errorf("record unsynced documents: %w", err))
		return
	}
	puts := make([]ledger.Put, len(pairs))
	for i, p := range pairs {
		puts[i] = ledger.Put{Prev: p.entry.Rev, Next: t.parkedEntry(p)}
	}
	won, err := t.put(ctx, puts)
	if err != nil {
		endAll(pairs, fmt.Errorf("park: %w", err))
		return
	}
	for i, p := range pairs {
		if !won[i] {
			p.parked = true // there is a record now, whatever the entry says
			p.restart()
		}
	}
}

// parkedEntry is the entry of a pair that is parked. It keeps the announcements
// of writes that may have happened. It is stored even if it says nothing new:
// whoever found the document gone, and would remove its record, loses that race.
func (t *batch) parkedEntry(p *pair) ledger.Entry {
	next := p.entry
	next.Claim = nil
	if len(p.carried) > 0 {
		next.Claim = &ledger.Claim{Owner: t.owner, Announced: p.carried}
	}
	next.Txn = max(next.Txn, p.txn)
	next.MongoID = p.mongoID()
	switch next.State {
	case ledger.None, ledger.Live, ledger.Deleted:
		next.State = ledger.Parked
	}
	return next
}

func (p *pair) mongoID() bson.RawValue {
	if p.mongo != nil {
		return p.mongo.Lookup("_id")
	}
	return p.entry.MongoID
}

// unpark removes the records of documents that may have been parked and are
// synced now. An entry that keeps another state does not tell that it was.
func (t *batch) unpark(ctx context.Context, pairs []*pair) {
	var ids []string
	for _, p := range pairs {
		if p.parked || p.entry.State == ledger.Baseline || p.entry.State == ledger.Detached {
			ids = append(ids, p.key.String())
		}
		if id := p.plan.Next.MongoID; p.newcomer && id.Type != 0 {
			ids = append(ids, ledger.MongoUnsyncedID(p.key.Collection, id))
		}
	}
	if len(ids) == 0 {
		return
	}
	if err := t.records.DeleteUnsynced(ctx, ids); err != nil {
		t.cfg.Log.WarnContext(ctx, "records of unsynced documents that have synced were left behind", telemetry.KeyKeys, len(ids), telemetry.KeyError, err)
	}
}

// parkMongo notes a MongoDB document that has no pair: no Ditto id can be made
// of it, or its id is taken. recordOrphans stores what was noted.
func (t *batch) parkMongo(ctx context.Context, collection string, id bson.RawValue, hash value.Hash, why problem) {
	t.looseFinding(collection, id, why)
	if t.mode == Verify {
		return
	}
	t.logParked(ctx, &Failure{Collection: collection, MongoID: id, Mongo: hash, Cause: Cause{Park, why.Code, why.Mend}})
	t.orphans = append(t.orphans, ledger.Unsynced{
		ID:         ledger.MongoUnsyncedID(collection, id),
		Collection: collection,
		MongoID:    id,
		Reason:     why.Code,
		Message:    why.Message,
		Mend:       why.Mend,
	})
}

// forget removes the records of MongoDB documents that had no pair and are
// gone.
func (t *batch) forget(ctx context.Context) {
	if err := t.records.DeleteUnsynced(ctx, t.gone); err != nil {
		t.cfg.Log.WarnContext(ctx, "records of unsynced documents that are gone were left behind", telemetry.KeyKeys, len(t.gone), telemetry.KeyError, err)
	}
}

func (t *batch) recordOrphans(ctx context.Context) error {
	orphans := t.orphans
	t.orphans = nil
	t.report.Parked += len(orphans)
	if err := t.records.PutUnsynced(ctx, orphans); err != nil {
		return fmt.Errorf("record unsynced documents: %w", err)
	}
	return nil
}

func mappedFieldChanged(c *manifest.Collection) *problem {
	return &problem{
		Code:    "mapped-field-changed",
		Message: fmt.Sprintf("a field that makes the Ditto id (%v) was changed in MongoDB; it must stay as it was", c.Fields),
		Mend:    "set the field back, or delete the document and insert it anew",
	}
}

func rejectedBy(side string, err error) problem {
	why := problem{Code: "rejected", Message: fmt.Sprintf("%s refuses the document: %v", side, err), Mend: "change the document so that " + side + " accepts it"}
	var refused *ditto.Error
	if errors.As(err, &refused) && refused.Description != "" {
		// Ditto's own words may quote the document: a record may, a log may not.
		why.Message = fmt.Sprintf("%s refuses the document: %s", side, refused.Description)
	}
	if refused != nil && refused.Status == http.StatusRequestEntityTooLarge {
		why.Code, why.Mend = "too-large", "split the document, or move its large fields elsewhere: Ditto takes 5 MiB at most"
	}
	return why
}
