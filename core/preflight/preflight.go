package preflight

import (
	"context"
	"fmt"
	"net/http"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
)

// Bounds on the look at each side, so that one that hangs leaves time for the
// other.
const (
	mongoTimeout = 20 * time.Second
	dittoTimeout = 30 * time.Second
	noteTimeout  = 30 * time.Second
)

// Checker is what to look at. Only Manifest is required.
type Checker struct {
	Manifest *manifest.Manifest

	// ConnectionString reads MongoDB's; nil leaves MongoDB out.
	ConnectionString mongodb.Secret
	// Endpoint is Ditto's, Keys the source of its API key; an empty one leaves
	// Ditto out.
	Endpoint string
	Keys     ditto.KeySource
	// Webhook reads the webhook's secret and parses it. Nil: the secrets are
	// not kept in a store that could be looked at.
	Webhook func(context.Context) error

	// Note lets the preflight write: it makes Causeway's own collections with
	// their indexes, and notes which Ditto database the ledger is made with.
	// Without it, all it does is ask for writes that match no document.
	Note bool
	// Deployed tells that this runs where the functions do, so that what cannot
	// be reached from here cannot be reached by them.
	Deployed bool

	Transport http.RoundTripper // to Ditto; ditto.NewTransport() if nil
	Now       func() time.Time  // time.Now if nil
	// Wait waits between looks at a Ditto node that may be behind; a timer's if
	// nil.
	Wait func(ctx context.Context, d time.Duration) error
}

// Run looks at everything, and tells in the order of what depends on what. It
// takes no longer than about a minute, and less if ctx says so.
func (c Checker) Run(ctx context.Context) []Finding {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Wait == nil {
		c.Wait = smithytime.SleepWithContext
	}
	r := &run{Checker: c}
	defer r.close(ctx)
	r.readSecrets(ctx)
	r.within(ctx, mongoTimeout, r.lookAtMongoDB)
	r.within(ctx, dittoTimeout, r.lookAtDitto)
	r.within(ctx, noteTimeout, r.lookAtIdentity)
	r.findings = append(r.findings, r.clocks...)
	return r.findings
}

// run is one Run.
type run struct {
	Checker
	findings []Finding
	clocks   []Finding

	noMongo, noDitto bool            // nothing to look at, or no use in it
	client           *mongodb.Client // nil until MongoDB has answered
	connection       *mongodb.Reconnecting
	ditto            *ditto.Client // nil until Ditto has answered
	txn              int64         // highest transaction of Ditto's answers
}

func (r *run) within(ctx context.Context, d time.Duration, look func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	look(ctx)
}

func (r *run) close(ctx context.Context) {
	if r.connection != nil {
		_ = r.connection.Close(context.WithoutCancel(ctx))
	}
}

func (r *run) add(side Side, status Status, code Code, what, mend string) {
	r.findings = append(r.findings, Finding{Side: side, Status: status, Code: code, What: what, Mend: mend})
}

func (r *run) ok(side Side, format string, args ...any) {
	r.add(side, OK, "", fmt.Sprintf(format, args...), "")
}
