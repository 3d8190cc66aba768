package chaos_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Users write values that no other write has: "m17" in MongoDB, "d18" in Ditto.
// So whose a value is shows wherever it comes by.
var isToken = regexp.MustCompile(`^[md]\d+$`).MatchString

// state is a document's tokens, by path.
type state map[string]string

// event is one write of one document on one side.
type event struct {
	id     string // "<collection>/<id>"
	doc    state  // as it is from now on; nil: gone
	byUser bool   // known at once in Ditto; see attribute
}

// history is every write on one side, in its order.
type history struct {
	mu     sync.Mutex
	events []event
	marks  int   // of markCollection
	err    error // it is not complete
}

func (h *history) add(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

func (h *history) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = errors.Join(h.err, err)
}

func (h *history) all() ([]event, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.events), h.err
}

// flatten finds the tokens in a document.
func flatten(into state, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			flatten(into, path+"."+name, inner)
		}
	case string:
		if isToken(v) {
			into[path] = v
		}
	}
}

func tokensOf(js []byte) (state, error) {
	var doc map[string]any
	if err := json.Unmarshal(js, &doc); err != nil {
		return nil, err
	}
	delete(doc, "_id")
	s := state{}
	flatten(s, "", doc)
	return s, nil
}

// followMongoDB takes in a change stream until ctx is done, over restarts of
// the server.
func (h *history) followMongoDB(ctx context.Context, db *mongo.Database, stream *mongo.ChangeStream) {
	docs := map[string]bson.M{}
	for {
		for stream.Next(ctx) {
			if err := h.takeMongoDB(docs, stream.Current); err != nil {
				h.fail(err)
			}
		}
		token := stream.ResumeToken()
		for {
			if ctx.Err() != nil {
				return
			}
			var err error
			if stream, err = db.Watch(ctx, mongo.Pipeline{}, options.ChangeStream().SetStartAfter(token)); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond) // the server is away
		}
	}
}

// takeMongoDB applies a change event to the document that it is of.
func (h *history) takeMongoDB(docs map[string]bson.M, raw bson.Raw) error {
	var e struct {
		Op  string `bson:"operationType"`
		NS  struct{ Coll string }
		Key struct {
			ID any `bson:"_id"`
		} `bson:"documentKey"`
		Full    bson.M `bson:"fullDocument"`
		Updates struct {
			Set   bson.D   `bson:"updatedFields"`
			Unset []string `bson:"removedFields"`
		} `bson:"updateDescription"`
	}
	if err := bson.Unmarshal(raw, &e); err != nil {
		return err
	}
	if e.NS.Coll == markCollection {
		h.mu.Lock()
		h.marks++
		h.mu.Unlock()
		return nil
	}
	if e.NS.Coll == "" || e.NS.Coll[0] == '_' || e.Key.ID == nil { // Causeway's own, or no document
		return nil
	}
	id := fmt.Sprint(e.NS.Coll, "/", e.Key.ID)
	switch e.Op {
	case "delete":
		delete(docs, id)
		h.add(event{id: id})
		return nil
	case "insert", "replace":
		docs[id] = e.Full
	case "update":
		if docs[id] == nil {
			return fmt.Errorf("update of %s, which is not there", id)
		}
		for _, f := range e.Updates.Set {
			setField(docs[id], f.Key, f.Value)
		}
		for _, path := range e.Updates.Unset {
			setField(docs[id], path, nil)
		}
	default:
		return fmt.Errorf("change event %s", e.Op)
	}
	js, err := json.Marshal(docs[id])
	if err != nil {
		return err
	}
	s, err := tokensOf(js)
	if err != nil {
		return err
	}
	h.add(event{id: id, doc: s})
	return nil
}

// setField sets a dotted path, or removes it.
func setField(doc bson.M, path string, v any) {
	name, rest, below := cutPath(path)
	if !below {
		if v == nil {
			delete(doc, name)
			return
		}
		doc[name] = plain(v)
		return
	}
	inner, _ := plain(doc[name]).(bson.M)
	if inner == nil {
		inner = bson.M{}
	}
	setField(inner, rest, v)
	doc[name] = inner
}

// plain is a document as a map, on all levels.
func plain(v any) any {
	d, ok := v.(bson.D)
	if !ok {
		return v
	}
	m := bson.M{}
	for _, f := range d {
		m[f.Key] = plain(f.Value)
	}
	return m
}

func cutPath(path string) (name, rest string, below bool) {
	for i := range path {
		if path[i] == '.' {
			return path[:i], path[i+1:], true
		}
	}
	return path, "", false
}

// followDitto takes in the Ditto server's outbox, in which every write stands
// whether or not its event is ever sent, until ctx is done. ours reports
// whether a transaction was a user's.
func (h *history) followDitto(ctx context.Context, dir string, ours func(txn int64) bool) {
	next := 1
	for ctx.Err() == nil {
		f, err := os.Open(filepath.Join(dir, fmt.Sprintf("%016d.events", next)))
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		next = h.followSegment(ctx, f, dir, next, ours)
		f.Close()
	}
}

// followSegment reads one file of the outbox to its end, which it has when
// there is one that begins with the next event.
func (h *history) followSegment(ctx context.Context, f io.Reader, dir string, next int, ours func(int64) bool) int {
	r, line, ended, first := bufio.NewReaderSize(f, 1<<20), []byte(nil), false, next
	for ctx.Err() == nil {
		part, err := r.ReadBytes('\n')
		line = append(line, part...)
		if err == nil {
			if err := h.takeDitto(line, ours); err != nil {
				h.fail(err)
			}
			line, next = nil, next+1
			continue
		}
		if ended {
			return next
		}
		_, err = os.Stat(filepath.Join(dir, fmt.Sprintf("%016d.events", next)))
		if ended = err == nil && next > first; !ended {
			time.Sleep(5 * time.Millisecond)
		}
	}
	return next
}

func (h *history) takeDitto(line []byte, ours func(int64) bool) error {
	seq, js, _ := bytesCut(line, ' ')
	var e struct {
		Txn        int64 `json:"txnId"`
		Type       string
		Collection string
		Change     struct {
			Method          string
			Value, NewValue json.RawMessage
		}
	}
	if err := json.Unmarshal(js, &e); err != nil {
		return fmt.Errorf("outbox %s: %w", seq, err)
	}
	if e.Type != "documentChanged" {
		return fmt.Errorf("outbox %s: %s: the history is not complete", seq, e.Type)
	}
	doc := e.Change.NewValue
	if e.Change.Method == "remove" {
		doc = e.Change.Value
	}
	var key struct {
		ID any `json:"_id"`
	}
	if err := json.Unmarshal(doc, &key); err != nil {
		return fmt.Errorf("outbox %s: %w", seq, err)
	}
	ev := event{id: fmt.Sprint(e.Collection, "/", key.ID), byUser: ours(e.Txn)}
	if e.Change.Method != "remove" {
		var err error
		if ev.doc, err = tokensOf(doc); err != nil {
			return fmt.Errorf("outbox %s: %w", seq, err)
		}
	}
	h.add(ev)
	return nil
}

func bytesCut(line []byte, at byte) (head string, tail []byte, ok bool) {
	i := slices.Index(line, at)
	if i < 0 {
		return "", line, false
	}
	if _, err := strconv.Atoi(string(line[:i])); err != nil {
		return "", line, false
	}
	return string(line[:i]), line[i+1:], true
}
