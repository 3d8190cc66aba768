package events_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/local/outage"
	"github.com/causeway-sync/causeway/local/sqs"
)

var quiet = slog.New(slog.DiscardHandler)

// blackout is one way in which a database fails.
type blackout struct {
	name    string
	timeout time.Duration  // of an invocation; 20 s if 0
	fail    func(*failing) // nil: from the start, by dittoURL or mongoURI
	mend    func(*failing) // nil: it ends
	reason  string         // class and reason in the log; "" if the function gets over it by itself
	also    []string       // other classes and reasons that it may meet
	dead    bool           // a person has to mend it: the keys end in the dead letters, and are redriven
	// dittoURL is the endpoint while it fails.
	dittoURL string
	mongoURI string // likewise
}

// answer fails every statement with a status and a body.
func answer(status int, header, body string) func(*failing) {
	return func(f *failing) {
		f.web.Fail(func(res http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			if name, value, ok := strings.Cut(header, ": "); ok {
				res.Header().Set(name, value)
			}
			res.WriteHeader(status)
			_, _ = io.WriteString(res, body)
		})
	}
}

// status is an answer of Ditto's with an error.
func status(code int) func(*failing) {
	return answer(code, "", fmt.Sprintf(`{"queryType":"unknown","items":[],"mutatedDocumentIds":[],"error":{"description":"no %d"}}`, code))
}

// hang answers nothing for the first n statements.
func hang(n int) func(*failing) {
	return func(f *failing) {
		f.web.Fail(func(res http.ResponseWriter, req *http.Request) {
			if n--; n >= 0 {
				_, _ = io.Copy(io.Discard, req.Body)
				<-req.Context().Done()
				return
			}
			f.web.Pass(res, req)
		})
	}
}

// needs lets Ditto take no key but that one.
func needs(key string) func(*failing) {
	return func(f *failing) {
		f.web.Fail(func(res http.ResponseWriter, req *http.Request) {
			if req.Header.Get("Authorization") != "Bearer "+key {
				_, _ = io.Copy(io.Discard, req.Body)
				res.WriteHeader(http.StatusUnauthorized)
				_, _ = io.WriteString(res, `{"error":{"description":"unauthorized"}}`)
				return
			}
			req.Header.Set("Authorization", "Bearer "+f.ditto.APIKey)
			f.web.Pass(res, req)
		})
	}
}

func onMongo(f outage.Fault) func(*failing) { return func(x *failing) { x.proxy.Fail(f) } }

var writes = []string{"insert", "update", "delete"}

const (
	dittoAway = "retry ditto-unavailable"
	mongoAway = "retry mongodb-unavailable"
	html      = "<!doctype html><html><body>Bad gateway: hush</body></html>"
)

var blackouts = []blackout{
	{name: "DittoRefusesConnections", fail: func(f *failing) { _ = f.web.Refuse() }, reason: dittoAway},
	{name: "DittoHangsPastTheDeadline", fail: hang(1 << 30), timeout: 9 * time.Second, reason: dittoAway, also: []string{mongoAway}},
	{name: "DittoHangsOnce", fail: hang(1), timeout: 60 * time.Second},
	{name: "DittoIsSlow", fail: func(f *failing) {
		f.web.Fail(func(res http.ResponseWriter, req *http.Request) {
			time.Sleep(300 * time.Millisecond)
			f.web.Pass(res, req)
		})
	}},
	{name: "DittoRotatesTheKey", fail: func(f *failing) { needs("rotated")(f); f.storeKey("rotated") }, mend: func(*failing) {}, reason: "stop ditto-unauthorized"},
	{name: "DittoRefusesTheKey", fail: status(401), reason: "stop ditto-unauthorized", dead: true},
	{name: "DittoForbids", fail: status(403), reason: "stop ditto-forbidden", dead: true},
	{name: "DittoTimesOut", fail: status(408), reason: dittoAway},
	{name: "DittoThrottles", fail: answer(429, "Retry-After: 1", `{"error":{"description":"slow down"}}`), reason: dittoAway},
	{name: "DittoFails", fail: status(500), reason: dittoAway},
	{name: "DittoIsUnavailable", fail: status(503), reason: dittoAway},
	{name: "DittoAnswersHTML", fail: answer(200, "Content-Type: text/html", html), reason: dittoAway},
	{name: "DittoAnswersHalf", fail: answer(200, "", `{"transactionId":5,"items":[{"_id":"hu`), reason: dittoAway},
	{name: "DittoAnswersOtherShapes", fail: answer(200, "", `{"transactionId":5,"items":{"_id":"a"},"mutatedDocumentIds":"b"}`), reason: dittoAway},
	{name: "DittoAnswersSomebodyElses", fail: answer(200, "", `{"status":"ok"}`), reason: dittoAway},
	{name: "DittoAnswersNull", fail: answer(200, "", `null`), reason: dittoAway},
	{name: "DittoAnswersNothing", fail: answer(200, "", ""), reason: dittoAway},
	{name: "DittoAnswersTooMuch", fail: func(f *failing) {
		f.web.Fail(func(res http.ResponseWriter, _ *http.Request) {
			spaces := []byte(strings.Repeat(" ", 1<<20))
			for range 66 {
				_, _ = res.Write(spaces)
			}
		})
	}, reason: dittoAway},
	{name: "DittoHasNoAddress", dittoURL: "http://ditto.invalid", reason: dittoAway},

	{name: "MongoDBRefusesConnections", fail: onMongo(outage.Fault{Refuse: true}), reason: mongoAway},
	{name: "MongoDBHangs", fail: onMongo(outage.Fault{Hang: true}), timeout: 9 * time.Second, reason: mongoAway},
	{name: "MongoDBIsSlow", fail: onMongo(outage.Fault{Delay: 100 * time.Millisecond})},
	{name: "MongoDBAnswersGarbage", fail: onMongo(outage.Fault{Garbage: true}), reason: mongoAway},
	{name: "MongoDBAnswersHalf", fail: onMongo(outage.Fault{Cut: true}), reason: mongoAway},
	{name: "MongoDBStepsDown", timeout: 8 * time.Second, fail: onMongo(outage.Fault{Code: 10107, Message: "not primary", Commands: writes}), reason: mongoAway},
	{name: "MongoDBHasNoPrimary", timeout: 8 * time.Second, fail: onMongo(outage.Fault{Code: 13435, Message: "not primary and secondaryOk=false"}), reason: mongoAway},
	{name: "MongoDBShutsDown", timeout: 8 * time.Second, fail: onMongo(outage.Fault{Code: 91, Message: "The server is in quiesce mode and will shut down"}), reason: mongoAway},
	{name: "MongoDBIsFull", fail: onMongo(outage.Fault{Code: 14031, Message: "Cannot perform write: out of disk space", Commands: writes}), reason: mongoAway},
	{name: "MongoDBBlocksWrites", fail: onMongo(outage.Fault{Code: 371, Message: "User writes blocked", Commands: writes}), reason: mongoAway},
	{name: "MongoDBRefusesTheUser", fail: onMongo(outage.Fault{Code: 18, Message: "Authentication failed."}), reason: "stop mongodb-unauthorized", dead: true},
	{name: "MongoDBForbids", fail: onMongo(outage.Fault{Code: 13, Message: "not authorized"}), reason: "stop mongodb-unauthorized", dead: true},
	{name: "MongoDBRotatesTheUser", fail: func(f *failing) {
		f.proxy.Fail(outage.Fault{Code: 18, Message: "Authentication failed."})
		f.storeURI(f.mongo.URI)
	}, mend: func(*failing) {}, reason: "stop mongodb-unauthorized"},
	{name: "MongoDBHasNoAddress", mongoURI: "mongodb://mongodb.invalid/?directConnection=true", mend: func(f *failing) { f.storeURI(f.mongo.URI) }, reason: mongoAway},
}

// testFailing: however a database fails, events wait and nothing is lost; once
// it is over, the same messages settle their pairs. Only what a person has to
// mend ends in the dead letters, and comes back from there.
func testFailing(w *world) {
	w.clean()
	for _, c := range blackouts {
		w.t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFailing(w.in(t), &c)
			if c.fail != nil {
				m, d := f.insert("before")
				f.send(m, d)
				f.settled("before", m, d)
				c.fail(f)
			}
			m, d := f.insert("meanwhile")
			failed := f.mapping.Failed()
			f.send(m, d)
			if c.reason == "" { // it does not even fail
				f.settled("meanwhile", m, d)
				if n := f.mapping.Failed() - failed; n != 0 {
					t.Errorf("%d messages failed", n)
				}
				f.reasons()
				return
			}
			if c.dead {
				patient(t, "dead letters", "2", func() string { _, dead := f.depth(); return fmt.Sprint(dead) })
			} else if c.mend == nil {
				patient(t, "messages that fail", "true", func() string { return fmt.Sprint(f.mapping.Failed() > failed) })
				if waiting, dead := f.depth(); waiting != 2 || dead != 0 {
					t.Errorf("%d messages wait, %d are dead letters, want all to wait", waiting, dead)
				}
			}
			patient(t, "the reason in the log", "true", func() string { return fmt.Sprint(f.reasons()[c.reason]) })
			switch {
			case c.mend != nil:
				c.mend(f)
			case c.fail == nil:
				f.stop() // its configuration is mended
				f.start("", c.timeout)
			default:
				if err := f.web.End(); err != nil {
					t.Fatal(err)
				}
				if err := f.proxy.End(); err != nil {
					t.Fatal(err)
				}
			}
			if c.dead {
				n, err := sqs.Redrive(t.Context(), f.sqs.Client(), f.sqs.URL(sqs.DeadLetters(f.name)), f.sqs.URL(f.name))
				if err != nil || n != 2 {
					t.Fatalf("%d redriven, error %v", n, err)
				}
			}
			f.settled("afterwards", m, d)
			got := f.reasons()
			if !got[c.reason] {
				t.Errorf("reasons %v, want %s", got, c.reason)
			}
			for reason := range got {
				if !slices.Contains(append(c.also, c.reason, "retry claimed", "retry ditto-unanswered", "retry time-over"), reason) {
					t.Errorf("reasons %v, want no %s", got, reason)
				}
			}
		})
	}
}
