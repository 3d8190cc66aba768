package bridge

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/reconcile"
)

// problem says why a document cannot be synced until something changes.
type problem = reconcile.Problem

// park records a pair that cannot be synced, and marks its entry. The next
// change of either document, or one command, tries it again.
func (t *batch) park(ctx context.Context, p *pair, why problem) {
	t.report.Parked++
	err := t.records.PutUnsynced(ctx, []ledger.Unsynced{{
		ID:         p.key.String(),
		Collection: p.key.Collection,
		MongoID:    p.mongoID(),
		DittoID:    p.key.ID,
		Reason:     why.Code,
		Message:    why.Message,
		Mend:       why.Mend,
	}})
	if err != nil {
		t.abandon(ctx, []*pair{p}, fmt.Errorf("record an unsynced document: %w", err))
		return
	}
	t.cfg.Log.WarnContext(ctx, "document parked", "collection", p.key.Collection, "id", string(p.key.ID), "reason", why.Code, "mend", why.Mend)
	next := p.entry
	next.Claim = nil
	next.Txn = max(next.Txn, p.txn)
	next.MongoID = p.mongoID()
	switch next.State {
	case ledger.None, ledger.Live, ledger.Deleted:
		next.State = ledger.Parked
	}
	if p.entry.State == ledger.Parked && p.entry.Claim == nil && !p.mine && next.Txn == p.entry.Txn {
		p.end(nil)
		return
	}
	won, err := t.put(ctx, []ledger.Put{{Prev: p.entry.Rev, Next: next}})
	switch {
	case err != nil:
		p.end(fmt.Errorf("park: %w", err))
	case !won[0]:
		p.restart()
	default:
		p.end(nil)
	}
}

func (p *pair) mongoID() bson.RawValue {
	if p.mongo != nil {
		return p.mongo.Lookup("_id")
	}
	return p.entry.MongoID
}

// unpark removes the records of documents that were parked and now synced.
func (t *batch) unpark(ctx context.Context, pairs []*pair) {
	var ids []string
	for _, p := range pairs {
		if p.parked {
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
		t.cfg.Log.WarnContext(ctx, "records of unsynced documents that have synced were left behind", "documents", len(ids), "error", err)
	}
}

// parkMongo records a MongoDB document that has no pair: no Ditto id can be
// made of it, or its id is taken.
func (t *batch) parkMongo(ctx context.Context, collection string, id bson.RawValue, why problem) error {
	t.report.Parked++
	err := t.records.PutUnsynced(ctx, []ledger.Unsynced{{
		ID:         ledger.MongoUnsyncedID(collection, id),
		Collection: collection,
		MongoID:    id,
		Reason:     why.Code,
		Message:    why.Message,
		Mend:       why.Mend,
	}})
	if err != nil {
		return fmt.Errorf("record an unsynced document: %w", err)
	}
	t.cfg.Log.WarnContext(ctx, "document parked", "collection", collection, "reason", why.Code, "mend", why.Mend)
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
	return problem{Code: "rejected", Message: fmt.Sprintf("%s refuses the document: %v", side, err), Mend: "change the document so that " + side + " accepts it"}
}
