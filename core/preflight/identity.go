package preflight

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
)

// dittoID is the `_id`, in ledger.RunsCollection, of what is noted of Ditto.
const dittoID = "ditto"

// A node of Ditto may be behind another: so often, and so far apart, it is
// asked before it counts as having gone back.
const (
	looks      = 5
	betweenTwo = 2 * time.Second
)

const startOver = "; or, to sync with this database from the start, drop " + ledger.Collection + " and " + ledger.RunsCollection +
	" and run `causeway sync`"

// DittoIdentity names the database at an endpoint: the last segment of its
// path, which is the app's id, else its host. A server on this machine is the
// same one on whatever port it listens. Empty for what is no endpoint.
func DittoIdentity(endpoint string) string {
	base, err := ditto.BaseURL(endpoint)
	if err != nil {
		return ""
	}
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	if last := path.Base(u.Path); last != "." && last != "/" {
		return strings.ToLower(last)
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	switch ip := net.ParseIP(host); {
	case host == "localhost" || ip != nil && ip.IsLoopback():
		return "localhost"
	case port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80":
		return host
	}
	return net.JoinHostPort(host, port)
}

// noted is what a preflight has noted of Ditto.
type noted struct {
	database string // its DittoIdentity
	txn      int64  // the highest transaction seen
	at       time.Time
}

// lookAtIdentity finds out whether Ditto is the database that the ledger was
// made with: another one, or an older state of it, would make what it lacks
// look like somebody's doing.
func (r *run) lookAtIdentity(ctx context.Context) {
	if r.client == nil || r.ditto == nil || len(r.Manifest.Collections) == 0 || hasCode(r.findings, CannotCreate) {
		return
	}
	failed := func(err error) {
		r.add(MongoDB, Problem, MongoForbidden, "which Ditto database the ledger was made with cannot be told: "+err.Error(), readWrite)
	}
	found := DittoIdentity(r.Endpoint)
	known, ok, err := readNote(ctx, r.client)
	if err == nil && !ok && r.Note {
		// Whoever is first decides.
		if err = writeNote(ctx, r.client, found, r.txn); err == nil {
			known, ok, err = readNote(ctx, r.client)
		}
	}
	switch {
	case err != nil:
		failed(err)
	case !ok: // nothing has been synced yet
	case known.database != found:
		r.add(Ditto, Problem, OtherDitto, fmt.Sprintf("the endpoint is that of the Ditto database %q, and the ledger was made with %q", found, known.database),
			"point the endpoint back"+startOver)
	case r.isBehind(ctx, known.txn):
		r.add(Ditto, Problem, DittoWentBack, fmt.Sprintf(
			"Ditto has gone back in time: it was restored or replaced (it is at transaction %d; %d was seen by %s)",
			r.txn, known.txn, known.at.UTC().Format(time.RFC3339)), "point the endpoint to the database that was synced"+startOver)
	case r.Note:
		if err := writeNote(ctx, r.client, found, r.txn); err != nil {
			failed(err)
		}
	}
}

// isBehind reports whether Ditto has not reached a transaction, and does not
// within a few looks.
func (r *run) isBehind(ctx context.Context, txn int64) bool {
	c := &r.Manifest.Collections[0]
	req := ditto.Request{API: ditto.V5, Statement: "SELECT * FROM " + dql.Quote(c.DittoName) + " LIMIT 1"}
	if c.Strict {
		req.API = ditto.V4
	}
	for look := 1; r.txn != 0 && r.txn < txn && look < looks; look++ {
		if r.Wait(ctx, betweenTwo) != nil {
			break
		}
		if res, err := r.ditto.Execute(ctx, req); err == nil {
			r.txn = max(r.txn, res.Txn)
		}
	}
	return r.txn != 0 && r.txn < txn // 0: this server does not tell
}

func readNote(ctx context.Context, db mongodb.Database) (n noted, ok bool, _ error) {
	docs, err := db.Find(ctx, ledger.RunsCollection, bson.D{{Key: "_id", Value: dittoID}}, nil)
	if err != nil || len(docs) == 0 {
		return n, false, err
	}
	n.database, _ = docs[0].Lookup("database").StringValueOK()
	n.txn, _ = docs[0].Lookup("txn").AsInt64OK()
	n.at, _ = docs[0].Lookup("at").TimeOK()
	return n, true, nil
}

// writeNote notes the database unless one is noted, and the transaction unless
// a higher one is.
func writeNote(ctx context.Context, db mongodb.Database, database string, txn int64) error {
	result, err := db.Write(ctx, ledger.RunsCollection, []mongodb.Model{{
		Filter: bson.D{{Key: "_id", Value: dittoID}},
		Upsert: true,
		Update: bson.A{bson.D{{Key: "$set", Value: bson.D{
			{Key: "database", Value: bson.D{{Key: "$ifNull", Value: bson.A{"$database", bson.D{{Key: "$literal", Value: database}}}}}},
			{Key: "txn", Value: bson.D{{Key: "$max", Value: bson.A{"$txn", txn}}}},
			{Key: "at", Value: "$$NOW"},
		}}}},
	}})
	switch {
	case err != nil:
		return err
	case len(result.Errors) == 0 || mongodb.IsDuplicateID(result.Errors[0]): // somebody else was first
		return nil
	}
	return fmt.Errorf("write %s: %w", ledger.RunsCollection, result.Errors[0])
}

func hasCode(findings []Finding, code Code) bool {
	for _, f := range findings {
		if f.Code == code {
			return true
		}
	}
	return false
}
