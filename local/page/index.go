package page

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
)

// index knows the keys of one collection's pairs, on both sides, and so what
// there is to page through and how much of it. Contents are not kept.
type index struct {
	c      *manifest.Collection
	mapper docid.Mapper
	db     *mongodb.Client
	exec   ditto.Executor
	store  *ditto.Store

	load sync.Mutex // one load at a time

	mu      sync.Mutex
	loaded  bool
	rows    map[string]*row
	byMongo map[string]string // MongoDB `_id` to row
	sorted  []string          // nil: to be sorted again
	n       int64             // changes seen so far
}

// row is a pair, or a document that has no Ditto id.
type row struct {
	key     string        // canonical Ditto id, or mongo:<_id> without one
	id      docid.ID      // zero without one
	mongoID bson.RawValue // zero if MongoDB has no such document
	inDitto bool
	changed int64 // the index's count when it last changed
}

func (r *row) inMongo() bool { return !r.mongoID.IsZero() }

func newIndex(c *manifest.Collection, db *mongodb.Client, exec ditto.Executor) *index {
	return &index{c: c, mapper: docid.New(c.Fields, c.Mode), db: db, exec: exec, store: &ditto.Store{Exec: exec}}
}

// forget makes the next look read all keys anew.
func (x *index) forget() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.loaded = false
}

// ensure reads all keys, once.
func (x *index) ensure(ctx context.Context) error {
	x.load.Lock()
	defer x.load.Unlock()
	x.mu.Lock()
	loaded := x.loaded
	if !loaded { // what is announced from now on is kept
		x.rows, x.byMongo, x.sorted, x.loaded = map[string]*row{}, map[string]string{}, nil, true
	}
	x.mu.Unlock()
	if loaded {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	err := x.loadMongo(ctx)
	if err == nil {
		err = x.loadDitto(ctx)
	}
	if err != nil {
		x.forget()
	}
	return err
}

func (x *index) loadMongo(ctx context.Context) error {
	paired, err := x.allPaired(ctx)
	if err != nil {
		return err
	}
	cur, err := x.db.Driver().Collection(x.c.Name).Find(ctx, bson.D{}, options.Find().SetProjection(x.projection()))
	if err != nil {
		return x.db.Redact("read the keys of "+x.c.Name, err)
	}
	defer cur.Close(context.WithoutCancel(ctx))
	for cur.Next(ctx) {
		x.seeMongo(slices.Clone(cur.Current), paired, false)
	}
	if err := cur.Err(); err != nil {
		return x.db.Redact("read the keys of "+x.c.Name, err)
	}
	return nil
}

func (x *index) projection() bson.D {
	p := bson.D{{Key: "_id", Value: 1}}
	for _, f := range x.c.Fields {
		if f != "_id" {
			p = append(p, bson.E{Key: f, Value: 1})
		}
	}
	return p
}

// paired are the Ditto ids that the ledger has for these MongoDB documents: a
// live entry's id wins over the computed one.
func (x *index) paired(ctx context.Context, ids []bson.RawValue) (map[string]docid.ID, error) {
	refs := make([]ledger.MongoRef, len(ids))
	for i, id := range ids {
		refs[i] = ledger.MongoRef{Collection: x.c.Name, ID: id}
	}
	entries, err := ledger.Store{DB: x.db}.Read(ctx, nil, refs)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	out := map[string]docid.ID{}
	for i := range entries {
		if e := &entries[i]; e.State != ledger.Deleted {
			out[ledger.IDText(e.MongoID)] = e.Key.ID
		}
	}
	return out, nil
}

// allPaired is paired for all documents.
func (x *index) allPaired(ctx context.Context) (map[string]docid.ID, error) {
	entries, err := x.db.Find(ctx, ledger.Collection, bson.D{{Key: "collection", Value: x.c.Name}}, bson.D{{Key: "mongoId", Value: 1}, {Key: "state", Value: 1}})
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	out := map[string]docid.ID{}
	for _, e := range entries {
		id, _ := e.Lookup("_id").StringValueOK()
		state, _ := e.Lookup("state").StringValueOK()
		if key, ok := ledger.ParseKey(id); ok && state != string(ledger.Deleted) && !e.Lookup("mongoId").IsZero() {
			out[ledger.IDText(e.Lookup("mongoId"))] = key.ID
		}
	}
	return out, nil
}

func (x *index) loadDitto(ctx context.Context) error {
	res, err := x.exec.Execute(ctx, ditto.Request{API: api(x.c), Statement: "SELECT _id FROM " + dql.Quote(x.c.DittoName)})
	if err != nil {
		return fmt.Errorf("read the keys of %s in Ditto: %w", x.c.DittoName, err)
	}
	for _, item := range res.Items {
		var doc struct {
			ID json.RawMessage `json:"_id"`
		}
		if json.Unmarshal(item, &doc) == nil {
			x.seeDitto(doc.ID, true, false)
		}
	}
	return nil
}

// askDitto finds out whether Ditto answers.
func (x *index) askDitto(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	_, err := x.exec.Execute(ctx, ditto.Request{API: api(x.c), Statement: "SELECT _id FROM " + dql.Quote(x.c.DittoName) + " LIMIT 1"})
	return err
}

// seeMongo notes a document that MongoDB has.
func (x *index) seeMongo(doc bson.Raw, paired map[string]docid.ID, changed bool) string {
	mongoID := doc.Lookup("_id")
	text := ledger.IDText(mongoID)
	id, ok := paired[text]
	if !ok {
		id, _ = x.mapper.FromMongo(doc) // without one the document stands alone
	}
	key := string(id)
	if key == "" {
		key = "mongo:" + text
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if old, ok := x.byMongo[text]; ok && old != key {
		if r := x.rows[old]; r != nil {
			r.mongoID = bson.RawValue{}
			x.drop(r)
		}
	}
	r := x.row(key, id)
	if r.inMongo() && ledger.IDText(r.mongoID) != text {
		// Two documents with one Ditto id: the second stands alone.
		r = x.row("mongo:"+text, "")
	}
	r.mongoID = mongoID
	x.byMongo[text] = r.key
	x.touch(r, changed)
	return r.key
}

// goneMongo notes that MongoDB has no such document any more.
func (x *index) goneMongo(mongoID bson.RawValue) string {
	text := ledger.IDText(mongoID)
	x.mu.Lock()
	defer x.mu.Unlock()
	r := x.rows[x.byMongo[text]]
	delete(x.byMongo, text)
	if r == nil {
		return ""
	}
	r.mongoID = bson.RawValue{}
	x.touch(r, true)
	x.drop(r)
	return r.key
}

// seeDitto notes a document that Ditto has, or has no more.
func (x *index) seeDitto(raw json.RawMessage, there, changed bool) string {
	id, err := docid.Parse(raw)
	if err != nil {
		return ""
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	r := x.row(string(id), id)
	r.inDitto = there
	x.touch(r, changed)
	x.drop(r)
	return r.key
}

// row is the row of a key, made if there is none.
func (x *index) row(key string, id docid.ID) *row {
	if x.rows == nil { // a change before the first look
		x.rows, x.byMongo = map[string]*row{}, map[string]string{}
	}
	r := x.rows[key]
	if r == nil {
		r = &row{key: key, id: id}
		x.rows[key], x.sorted = r, nil
	}
	return r
}

func (x *index) touch(r *row, changed bool) {
	if changed {
		x.n++
		r.changed = x.n
	}
}

// drop forgets a row that is on neither side.
func (x *index) drop(r *row) {
	if !r.inMongo() && !r.inDitto {
		delete(x.rows, r.key)
		x.sorted = nil
	}
}

// changedMongo looks again at MongoDB documents that changed.
func (x *index) changedMongo(ctx context.Context, ids []bson.RawValue) (keys []string, err error) {
	paired, err := x.paired(ctx, ids)
	if err != nil {
		return nil, err
	}
	docs, err := mongodb.Store{DB: x.db}.FindIDs(ctx, x.c.Name, ids, x.c.Fields...)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, d := range docs {
		there[ledger.IDText(d.Lookup("_id"))] = true
		keys = append(keys, x.seeMongo(d, paired, true))
	}
	for _, id := range ids {
		if !there[ledger.IDText(id)] {
			if key := x.goneMongo(id); key != "" {
				keys = append(keys, key)
			}
		}
	}
	return keys, nil
}

// counts of a collection, and of the rows that a look is for.
type counts struct {
	Both    int `json:"both"`
	MongoDB int `json:"mongodb"` // only there
	Ditto   int `json:"ditto"`   // only there
	Found   int `json:"found"`   // of the search
}

// look is which rows are wanted.
type look struct {
	Search string // in the id
	Show   string // all, one: on one side only
	Order  string // id, changed: the newest change first
	Offset int
	Limit  int
}

// window returns the rows of a look, copied, and counts of all.
func (x *index) window(l look) ([]row, counts) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.sorted == nil {
		x.sorted = make([]string, 0, len(x.rows))
		for k := range x.rows {
			x.sorted = append(x.sorted, k)
		}
		slices.Sort(x.sorted)
	}
	keys := x.sorted
	if l.Order == "changed" {
		keys = slices.Clone(keys)
		slices.SortStableFunc(keys, func(a, b string) int { return int(x.rows[b].changed - x.rows[a].changed) })
	}
	var n counts
	var out []row
	search := strings.ToLower(l.Search)
	for _, k := range keys {
		r := x.rows[k]
		switch {
		case r.inMongo() && r.inDitto:
			n.Both++
		case r.inMongo():
			n.MongoDB++
		default:
			n.Ditto++
		}
		if l.Show == "one" && r.inMongo() == r.inDitto {
			continue
		}
		if search != "" && !strings.Contains(strings.ToLower(k), search) &&
			(!r.inMongo() || !strings.Contains(strings.ToLower(ledger.IDText(r.mongoID)), search)) {
			continue
		}
		if n.Found++; n.Found > l.Offset && len(out) < l.Limit {
			out = append(out, *r)
		}
	}
	return out, n
}

// at is the row of a key.
func (x *index) at(key string) (row, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	r, ok := x.rows[key]
	if !ok {
		return row{}, false
	}
	return *r, true
}

func api(c *manifest.Collection) ditto.API {
	if c.Strict {
		return ditto.V4
	}
	return ditto.V5
}

func dittoCollection(c *manifest.Collection) ditto.Collection {
	return ditto.Collection{Name: c.DittoName, Strict: c.Strict, Counters: c.Counters}
}
