package bridge

import (
	"context"
	"log/slog"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/core/value"
)

// Failure is the error of a key that is not done with, and what a log line says
// of it: keys and hashes, never contents (invariant 10).
type Failure struct {
	Collection string
	DittoID    docid.ID
	MongoID    bson.RawValue // zero if unknown
	// The hashes of both documents as they were read last; absent, or not read.
	Mongo, Ditto value.Hash
	Tries        int // how often the key was sent again

	Cause
	Err error
}

// Fail is the failure of a key of which nothing is known but what its event
// says.
func Fail(h change.Hint, err error) *Failure {
	f := &Failure{Collection: h.Collection, DittoID: h.DittoID, Tries: h.Tries, Cause: Explain(err), Err: err}
	if len(h.MongoIDs) > 0 {
		f.MongoID = h.MongoIDs[0]
	}
	return f
}

func (f *Failure) Error() string { return f.Err.Error() }

func (f *Failure) Unwrap() error { return f.Err }

// Attrs are what a log line says of the failure.
func (f *Failure) Attrs() []slog.Attr {
	as := f.Cause.Attrs()
	if f.Collection != "" {
		as = append(as, slog.String(telemetry.KeyCollection, f.Collection))
	}
	if !f.DittoID.IsZero() {
		as = append(as, slog.String(telemetry.KeyDittoID, string(f.DittoID)))
	}
	if f.MongoID.Type != 0 {
		as = append(as, slog.String(telemetry.KeyMongoID, ledger.IDText(f.MongoID)))
	}
	if !f.Mongo.IsAbsent() {
		as = append(as, slog.String(telemetry.KeyMongoHash, f.Mongo.String()))
	}
	if !f.Ditto.IsAbsent() {
		as = append(as, slog.String(telemetry.KeyDittoHash, f.Ditto.String()))
	}
	if f.Tries > 0 {
		as = append(as, slog.Int(telemetry.KeyTries, f.Tries))
	}
	return as
}

// Attrs are what a log line says of the cause.
func (c Cause) Attrs() []slog.Attr {
	return []slog.Attr{
		slog.String(telemetry.KeyClass, string(c.Class)),
		slog.String(telemetry.KeyReason, c.Reason),
		slog.String(telemetry.KeyMend, c.Mend),
	}
}

// failure is the pair's, for cause.
func (p *pair) failure(c Cause, tries int, err error) *Failure {
	f := &Failure{Collection: p.key.Collection, DittoID: p.key.ID, MongoID: p.mongoID(), Tries: tries, Cause: c, Err: err}
	if f.MongoID.Type == 0 && len(p.mongoIDs) > 0 {
		f.MongoID = p.mongoIDs[0]
	}
	if p.mongo != nil {
		f.Mongo = hashOf(p.mongo)
	}
	if p.ditto != nil {
		f.Ditto = value.HashJSON(p.ditto.JSON)
	}
	return f
}

func hashOf(doc bson.Raw) value.Hash {
	return value.HashBSON(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc})
}

// logLost says whose value a conflict record holds now.
func (t *batch) logLost(ctx context.Context, c *ledger.Conflict) {
	as := []slog.Attr{
		slog.String(telemetry.KeyCollection, c.Key.Collection), slog.String(telemetry.KeyDittoID, string(c.Key.ID)),
		slog.String(telemetry.KeyPath, c.Path.String()), slog.String(telemetry.KeySide, string(c.Side)), slog.String(telemetry.KeyRule, c.Rule),
	}
	switch {
	case c.Value.Type != 0:
		as = append(as, slog.String(telemetry.KeyMongoHash, value.HashBSON(c.Value).String()))
	case c.JSON != "":
		as = append(as, slog.String(telemetry.KeyDittoHash, value.HashJSON([]byte(c.JSON)).String()))
	}
	t.cfg.Log.LogAttrs(ctx, slog.LevelDebug, "value lost", as...)
}
