package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"github.com/causeway-sync/causeway/core/value"
)

// remembered is how many steps the timeline holds.
const remembered = 2000

// own is how long after a handler's write its echo may be heard, and before the
// handler tells of the write.
const own = 15 * time.Second

// step is a line of the timeline: an event on a side, or what a handler did
// with a pair. It holds keys, never contents (invariant 10).
type step struct {
	N          int64      `json:"n"`
	At         time.Time  `json:"at"`
	Kind       string     `json:"kind"` // event, handled, batch, retry, lost, fault, note
	Collection string     `json:"collection,omitempty"`
	Key        string     `json:"key,omitempty"`
	Side       value.Side `json:"side,omitempty"`
	Op         string     `json:"op,omitempty"`
	Own        bool       `json:"own,omitempty"`  // the event is Causeway's own write
	Echo       bool       `json:"echo,omitempty"` // handled, and nothing was to do
	Text       string     `json:"text,omitempty"`
	Function   string     `json:"function,omitempty"`
	Parts      []part     `json:"parts,omitempty"` // how long each step took
	mongoID    string
}

// part is one step of a handler and how long it took, in milliseconds.
type part struct {
	Name string  `json:"name"`
	MS   float64 `json:"ms"`
	Text string  `json:"text,omitempty"`
}

// flow is the timeline.
type flow struct {
	hub *hub
	now func() time.Time

	mu    sync.Mutex
	n     int64
	steps []step
	owed  map[string][]time.Time // writes by Causeway whose events are yet to be seen, by pair and side
}

func (f *flow) add(s step) {
	f.mu.Lock()
	f.n++
	s.N = f.n
	if s.At.IsZero() {
		s.At = f.now().UTC()
	}
	f.steps = append(f.steps, s)
	if len(f.steps) > remembered {
		f.steps = slices.Delete(f.steps, 0, len(f.steps)-remembered)
	}
	f.mu.Unlock()
	f.hub.send("step", s)
}

// event notes a change on a side: a user's, unless a handler tells of a write
// of its own.
func (f *flow) event(collection, key, mongoID string, side value.Side, op string) {
	s := step{Kind: "event", Collection: collection, Key: key, Side: side, Op: op, mongoID: mongoID}
	f.mu.Lock()
	k := collection + "\x00" + key + "\x00" + string(side)
	now := f.now()
	owed := slices.DeleteFunc(f.owed[k], func(t time.Time) bool { return now.Sub(t) > own })
	if s.Own = len(owed) > 0; s.Own {
		owed = owed[1:]
	}
	f.owe(k, owed)
	f.mu.Unlock()
	f.add(s)
}

func (f *flow) owe(k string, list []time.Time) {
	if f.owed == nil {
		f.owed = map[string][]time.Time{}
	}
	if len(list) == 0 {
		delete(f.owed, k)
		return
	}
	f.owed[k] = list
}

// wrote notes that a handler wrote a pair on a side: the event of it, seen
// already or yet to be, is its own.
func (f *flow) wrote(collection, key string, side value.Side) {
	f.mu.Lock()
	now := f.now()
	for i := len(f.steps) - 1; i >= 0; i-- {
		s := &f.steps[i]
		if now.Sub(s.At) > own {
			break
		}
		if s.Kind == "handled" && s.Key == key && s.Collection == collection {
			break // what came before it was someone else's
		}
		if s.Kind == "event" && !s.Own && s.Side == side && s.Key == key && s.Collection == collection {
			s.Own = true
			again := *s
			f.mu.Unlock()
			f.hub.send("step", again)
			return
		}
	}
	k := collection + "\x00" + key + "\x00" + string(side)
	f.owe(k, append(f.owed[k], now))
	f.mu.Unlock()
}

// last lists the newest steps, newest first; of one pair if key is not empty.
func (f *flow) last(collection, key string, n int) []step {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []step{}
	for i := len(f.steps) - 1; i >= 0 && len(out) < n; i-- {
		if s := f.steps[i]; key == "" || s.Key == key && s.Collection == collection {
			out = append(out, s)
		}
	}
	return out
}

// logLine is what the timeline takes from a function's log line.
type logLine struct {
	Time       time.Time `json:"time"`
	Level      string    `json:"level"`
	Msg        string    `json:"msg"`
	Message    string    `json:"message"`
	Collection string    `json:"collection"`
	DittoID    string    `json:"dittoId"`
	MongoID    string    `json:"mongoId"`
	Row        string    `json:"row"`
	Rounds     int       `json:"rounds"`
	Error      string    `json:"error"`
	Reason     string    `json:"reason"`
	Mend       string    `json:"mend"`
	Path       string    `json:"path"`
	Side       string    `json:"side"`
	Rule       string    `json:"rule"`
	Lag        *float64  `json:"Lag"` // a metric
	Read       *reading  `json:"read"`
	Took       []took    `json:"took"`
	ToDitto    *writing  `json:"toDitto"`
	ToMongo    *writing  `json:"toMongo"`
	WaitMS     float64   `json:"waitMs"`
	Source     string    `json:"source"`
	Tries      int       `json:"tries"`
	Keys       int       `json:"keys"`
	Counts     *counted  `json:"counts"`
	LagMS      float64   `json:"lagMs"`
	MS         float64   `json:"ms"`
}

// counted is what a batch came to.
type counted struct {
	Messages  int `json:"messages"`
	Pairs     int `json:"pairs"`
	Equal     int `json:"equal"`
	ToDitto   int `json:"toDitto"`
	ToMongo   int `json:"toMongoDB"`
	Conflicts int `json:"conflicts"`
	Parked    int `json:"parked"`
	Later     int `json:"later"`
	Failed    int `json:"failed"`
}

// words are the counts that are not zero.
func (c *counted) words() string {
	var list []string
	for _, of := range []struct {
		n    int
		what string
	}{
		{c.ToDitto, "written to Ditto"},
		{c.ToMongo, "written to MongoDB"},
		{c.Equal, "with nothing to do"},
		{c.Conflicts, "values lost"},
		{c.Parked, "cannot be synced"},
		{c.Later, "come again later"},
		{c.Failed, "failed"},
	} {
		if of.n > 0 {
			list = append(list, fmt.Sprintf("%d %s", of.n, of.what))
		}
	}
	return strings.Join(list, ", ")
}

type reading struct {
	MongoDB bool   `json:"mongodb"`
	Ditto   bool   `json:"ditto"`
	State   string `json:"state"`
}

type took struct {
	Step string  `json:"step"`
	MS   float64 `json:"ms"`
}

type writing struct {
	What  string   `json:"what"` // insert, update, delete
	Paths []string `json:"paths"`
	More  int      `json:"more"`
}

func (w *writing) words(target, other string) string {
	if w == nil {
		return ""
	}
	switch w.What {
	case "insert":
		return target + " gets the document of " + other
	case "delete":
		return "deleted in " + target + ", as in " + other
	}
	if len(w.Paths) == 0 {
		return target + " was written, and then they agreed"
	}
	text := target + " takes " + other + "’s " + strings.Join(w.Paths, ", ")
	if w.More > 0 {
		text += " and more"
	}
	return text
}

// settling is how long a line waits, so that the event that it answers, of which
// the page may hear later, stands before it.
const settling = 300 * time.Millisecond

// logged is a line that waits.
type logged struct {
	function string
	line     []byte
	at       time.Time
}

// Log takes a line that a function has logged. It does not block: lines beyond
// what the timeline can hold are left out.
func (p *Page) Log(function string, line []byte) {
	select {
	case p.lines <- logged{function, bytes.Clone(line), time.Now()}:
	default:
	}
}

// readLog enters lines into the timeline, in their order.
func (p *Page) readLog(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-p.lines:
			_ = smithytime.SleepWithContext(ctx, time.Until(l.at.Add(settling)))
			p.enter(l.function, l.line)
		}
	}
}

func (p *Page) enter(function string, line []byte) {
	var l logLine
	if len(line) > 64<<10 || json.Unmarshal(line, &l) != nil {
		return
	}
	if l.Msg == "" {
		l.Msg = l.Message
	}
	if l.Lag != nil {
		p.health.lag(*l.Lag)
	}
	if l.Level == "ERROR" {
		p.health.failed()
	}
	key := l.DittoID
	if key == "" && l.MongoID != "" {
		key = "mongo:" + l.MongoID
	}
	s := step{Collection: l.Collection, Key: key, Function: function}
	switch l.Msg {
	case "pair":
		p.handled(s, &l)
	case "handled":
		p.batch(s, &l)
	case "value lost":
		s.Kind, s.Side = "lost", value.Side(l.Side)
		s.Text = sideName(l.Side) + "’s " + orDocument(l.Path) + " lost (rule: " + l.Rule + "); the value is kept under “Needs you”"
		p.flow.add(s)
	case "key sent again", "request sent again":
		s.Kind, s.Text = "retry", "looked at again soon: "+l.Error
		p.flow.add(s)
	case "document parked":
		s.Kind, s.Text = "note", "cannot be synced ("+l.Reason+"): "+l.Mend+"; see “Needs you”"
		p.flow.add(s)
	default:
		if l.Level == "ERROR" || l.Level == "WARN" {
			s.Kind, s.Text = "note", strings.TrimSuffix(l.Msg+": "+l.Error, ": ")
			p.flow.add(s)
		}
	}
}

// batch tells of an invocation that had several pairs in its hands, or failed
// with one: else the pair's own line says it all.
func (p *Page) batch(s step, l *logLine) {
	c := l.Counts
	if c == nil || c.Pairs < 2 && c.Failed == 0 {
		return
	}
	s.Kind = "batch"
	s.Text = fmt.Sprintf("a batch, %s from %s: %s", many(c.Pairs, "pair"), many(c.Messages, "message"), c.words())
	s.Parts = []part{{Name: "all of it", MS: l.MS}, {Name: "since its oldest change", MS: l.LagMS}}
	p.flow.add(s)
}

func (p *Page) handled(s step, l *logLine) {
	s.Kind = "handled"
	words := []string{}
	for _, w := range []string{l.ToDitto.words("Ditto", "MongoDB"), l.ToMongo.words("MongoDB", "Ditto")} {
		if w != "" {
			words = append(words, w)
		}
	}
	switch {
	case l.Error != "":
		words = append(words, "not done: "+l.Error)
	case len(words) == 0:
		s.Echo = l.Row == "" || l.Row == "echo" || l.Row == "both" || l.Row == "tombstone" || l.Row == "gone from both"
		words = append(words, rowWords(l.Row))
	default:
		words[len(words)-1] += ": " + l.why()
	}
	if l.Rounds > 1 && l.Error == "" {
		words = append(words, "after going round again, as somebody wrote meanwhile")
	}
	s.Text = strings.Join(words, "; ")
	if l.WaitMS > 0 {
		s.Parts = append(s.Parts, part{Name: "queue", MS: l.WaitMS, Text: "since the change"})
	}
	for _, t := range l.Took {
		pt := part{Name: t.Step, MS: t.MS}
		if t.Step == "read" && l.Read != nil && l.Error == "" { // else it may not have come to that
			pt.Text = l.Read.words()
		}
		s.Parts = append(s.Parts, pt)
	}
	if l.Error == "" && s.Key != "" {
		if l.ToDitto != nil {
			p.flow.wrote(s.Collection, s.Key, value.Ditto)
		}
		if l.ToMongo != nil {
			p.flow.wrote(s.Collection, s.Key, value.MongoDB)
		}
	}
	p.flow.add(s)
}

// why is the row of the table that decided, in words.
func (l *logLine) why() string {
	if l.Row != "" && l.Row != "both" {
		return l.Row
	}
	if l.Read != nil && l.Read.State == "" {
		return "the two had never agreed on this document"
	}
	switch {
	case l.ToDitto != nil && l.ToMongo != nil:
		return "each side has changed, since they last agreed, what the other has not"
	case l.ToDitto != nil:
		return "MongoDB has changed it since they last agreed"
	}
	return "Ditto has changed it since they last agreed"
}

func (r *reading) words() string {
	side := func(there bool, name string) string {
		if there {
			return "in " + name
		}
		return "not in " + name
	}
	text := side(r.MongoDB, "MongoDB") + ", " + side(r.Ditto, "Ditto")
	if r.State != "" {
		text += "; ledger: " + r.State
	}
	return text
}

// rowWords is a row of the table of decisions of which nothing was written.
func rowWords(row string) string {
	switch row {
	case "", "both":
		return "the sides agree: nothing to do"
	case "echo":
		return "the event tells what both sides agreed on: nothing to do"
	case "tombstone":
		return "deleted on both sides already: nothing to do"
	case "gone from both":
		return "gone from both sides: nothing to do"
	case "never synced":
		return "on neither side, and never synced: nothing to do"
	case "parked":
		return "cannot be synced as it is: see “Needs you”"
	case "left alone":
		return "left alone, as configured, until it changes"
	}
	return row
}

func sideName(side string) string {
	if side == string(value.MongoDB) {
		return "MongoDB"
	}
	return "Ditto"
}

func orDocument(path string) string {
	if path == "" {
		return "document"
	}
	return path
}

func many(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
