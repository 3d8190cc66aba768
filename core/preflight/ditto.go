package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/manifest"
)

const endpointMend = "set the Ditto endpoint to the Cloud URL Endpoint of Ditto's portal, with the path that it shows"

// lookAtDitto runs a query on each collection, and a delete of nothing, as the
// functions will.
func (r *run) lookAtDitto(ctx context.Context) {
	switch {
	case r.Endpoint == "" || r.Keys == nil:
		r.add(Ditto, Skipped, NotLooked, "not looked at", "")
		return
	case r.noDitto:
		return
	}
	clock := &dated{RoundTripper: r.Transport, now: r.Now}
	if clock.RoundTripper == nil {
		t := ditto.NewTransport()
		defer t.CloseIdleConnections()
		clock.RoundTripper = t
	}
	client, err := ditto.NewClient(ditto.ClientConfig{
		Endpoint: r.Endpoint, Keys: r.Keys, Transport: clock, Attempts: 2, AttemptTimeout: 10 * time.Second,
	})
	if err != nil {
		r.add(Ditto, Problem, DittoEndpoint, err.Error(), endpointMend)
		return
	}
	bad := 0
	for i := range r.Manifest.Collections {
		f, ok := r.tryCollection(ctx, client, &r.Manifest.Collections[i])
		if ok {
			continue
		}
		bad++
		r.findings = append(r.findings, f)
		if f.Code != DittoForbidden && f.Code != DittoRefused {
			break // it is the same for every collection
		}
	}
	if bad == 0 {
		r.ditto = client
		r.ok(Ditto, "%s answers for %d collections", r.Endpoint, len(r.Manifest.Collections))
	}
	if clock.heard {
		// The header has whole seconds.
		r.compareClocks("Ditto", clock.date, clock.date.Add(time.Second), clock.at, clock.until)
	}
}

func (r *run) tryCollection(ctx context.Context, client *ditto.Client, c *manifest.Collection) (Finding, bool) {
	req := ditto.Request{API: ditto.V5, Statement: "SELECT * FROM " + dql.Quote(c.DittoName) + " LIMIT 1"}
	if c.Strict {
		req.API = ditto.V4
	}
	res, err := client.Execute(ctx, req)
	r.txn = max(r.txn, res.Txn)
	if err != nil {
		return r.dittoFailure("read", c, err), false
	}
	if c.Direction == manifest.DittoToMongo {
		return Finding{}, true
	}
	req.Statement = "DELETE FROM " + dql.Quote(c.DittoName) + " WHERE _id = :id"
	req.Args = json.RawMessage(`{"id":"` + nobody + `"}`)
	if _, err = client.Execute(ctx, req); err != nil {
		return r.dittoFailure("write", c, err), false
	}
	return Finding{}, true
}

func (r *run) dittoFailure(what string, c *manifest.Collection, err error) Finding {
	f := Finding{Side: Ditto, Status: Problem}
	because := func(text string) string { return text + ": " + err.Error() }
	var e *ditto.Error
	errors.As(err, &e)
	var dns *net.DNSError
	switch {
	case ditto.IsForbidden(err):
		f.Code, f.What = DittoForbidden, because("the API key may not "+what+" the Ditto collection "+c.DittoName)
		f.Mend = "give the API key the right to read and write the collection, in Ditto's portal"
	case ditto.IsUnauthorized(err):
		f.Code, f.What = DittoUnauthorized, because("Ditto refuses the API key")
		f.Mend = "use a valid API key of this app, from Ditto's portal"
	case ditto.IsMisconfigured(err), e != nil && e.Status == http.StatusOK && e.Err != nil && !ditto.IsTooLarge(err):
		f.Code, f.What, f.Mend = DittoEndpoint, because(r.Endpoint+" is not the endpoint of a Ditto Server"), endpointMend
	case errors.As(err, &dns) && dns.IsNotFound:
		f.Code, f.What, f.Mend = DittoUnavailable, because("Ditto cannot be reached: there is no host of that name"), endpointMend
	case ditto.IsUnavailable(err):
		f.Code, f.What = DittoUnavailable, because(r.Endpoint+" does not answer")
		f.Mend = "check the Ditto endpoint, that its host can be reached from here, and Ditto's status page"
	default:
		f.Code, f.What = DittoRefused, because("Ditto refuses to "+what+" the collection "+c.DittoName)
		f.Mend = "see that the endpoint is a Ditto Server with API v4 and v5; if it is, report this"
	}
	return f
}

// dated hears the date of the first answer.
type dated struct {
	http.RoundTripper
	now func() time.Time

	heard     bool
	date      time.Time
	at, until time.Time // by the clock here: before the request and after it
}

func (d *dated) RoundTrip(req *http.Request) (*http.Response, error) {
	at := d.now()
	res, err := d.RoundTripper.RoundTrip(req)
	if err != nil || d.heard {
		return res, err
	}
	if date, bad := http.ParseTime(res.Header.Get("Date")); bad == nil {
		d.heard, d.date, d.at, d.until = true, date, at, d.now()
	}
	return res, nil
}
