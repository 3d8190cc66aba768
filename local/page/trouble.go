package page

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/reconcile"
	"github.com/causeway-sync/causeway/core/value"
)

// maxListed is how many records of a kind are shown, the newest.
const maxListed = 100

// trouble is what needs a person.
type trouble struct {
	Unsynced      []shownUnsynced `json:"unsynced"`
	UnsyncedTotal int             `json:"unsyncedTotal"`
	Conflicts     []shownConflict `json:"conflicts"` // those that nobody has settled first
	ConflictTotal int             `json:"conflictTotal"`
	SettledTotal  int             `json:"settledTotal"`
	Claims        []entryClaim    `json:"claims"`
}

type shownUnsynced struct {
	ID         string    `json:"id"`
	Collection string    `json:"collection"`
	Key        string    `json:"key"`
	MongoID    string    `json:"mongoId,omitempty"`
	Reason     string    `json:"reason"`
	Message    string    `json:"message"`
	Mend       string    `json:"mend,omitempty"`
	At         time.Time `json:"at"`
}

type shownConflict struct {
	ID         string      `json:"id"`
	Collection string      `json:"collection"`
	Key        string      `json:"key"`
	Path       string      `json:"path"`
	Lost       value.Side  `json:"lost"`
	Value      *shownValue `json:"value"` // nil: removed
	Now        *shownValue `json:"now"`   // what stands there; nil: nothing
	Rule       string      `json:"rule"`
	Reason     string      `json:"reason"`
	Mend       string      `json:"mend"`
	At         time.Time   `json:"at"`
	Settled    time.Time   `json:"settled,omitzero"`
}

func (p *Page) getTrouble(r *http.Request) (any, error) {
	ctx := r.Context()
	records := ledger.Records{DB: p.cfg.Mongo}
	out := trouble{Unsynced: []shownUnsynced{}, Conflicts: []shownConflict{}, Claims: []entryClaim{}}
	unsynced, err := records.ListUnsynced(ctx)
	if err != nil {
		return nil, refused{http.StatusServiceUnavailable, err}
	}
	out.UnsyncedTotal = len(unsynced)
	for i := len(unsynced) - 1; i >= 0 && len(out.Unsynced) < maxListed; i-- {
		u := &unsynced[i]
		s := shownUnsynced{
			ID: valid(u.ID), Collection: u.Collection, Key: string(u.DittoID), Reason: u.Reason,
			Message: valid(u.Message), Mend: valid(u.Mend), At: u.At,
		}
		if !u.MongoID.IsZero() {
			s.MongoID = extended(u.MongoID)
			if s.Key == "" {
				s.Key = "mongo:" + ledger.IDText(u.MongoID)
			}
		}
		out.Unsynced = append(out.Unsynced, s)
	}
	conflicts, err := records.ListConflicts(ctx)
	if err != nil {
		return nil, refused{http.StatusServiceUnavailable, err}
	}
	conflicts, out.ConflictTotal, out.SettledTotal = newestFirst(conflicts)
	for i := range conflicts {
		out.Conflicts = append(out.Conflicts, showConflict(&conflicts[i]))
	}
	p.showWinners(ctx, out.Conflicts, conflicts)
	if out.Claims, err = p.claims(ctx); err != nil {
		return nil, refused{http.StatusServiceUnavailable, err}
	}
	return out, nil
}

// newestFirst are the newest conflicts that nobody has settled, and then of those
// that are, as many as are listed; and how many there are of each.
func newestFirst(all []ledger.Conflict) (list []ledger.Conflict, open, settled int) {
	var done []ledger.Conflict
	for i := len(all) - 1; i >= 0; i-- {
		switch k := all[i]; {
		case k.Settled.IsZero():
			if open++; open <= maxListed {
				list = append(list, k)
			}
		default:
			if settled++; settled <= maxListed {
				done = append(done, k)
			}
		}
	}
	return append(list, done...), open, settled
}

func showConflict(k *ledger.Conflict) shownConflict {
	why, mend := reconcile.Rule(k.Rule).Explain()
	s := shownConflict{
		ID: k.ID(), Collection: k.Key.Collection, Key: string(k.Key.ID), Path: valid(k.Path.String()), Lost: k.Side,
		Rule: k.Rule, Reason: why, Mend: mend, At: k.At, Settled: k.Settled,
	}
	switch {
	case k.JSON != "":
		s.Value = shownDitto([]byte(k.JSON), false)
	case !k.Value.IsZero():
		s.Value = shownMongo(k.Value)
	}
	return s
}

// showWinners adds what stands now where a value lost.
func (p *Page) showWinners(ctx context.Context, shown []shownConflict, all []ledger.Conflict) {
	for name, x := range p.indexes {
		var rows []row
		var at []int
		for i := range shown {
			if shown[i].Collection != name {
				continue
			}
			if r, ok := x.at(shown[i].Key); ok {
				rows, at = append(rows, r), append(at, i)
			}
		}
		if len(rows) == 0 {
			continue
		}
		docs, err := x.read(ctx, rows)
		if err != nil {
			continue // the side's own state says so
		}
		for j, i := range at {
			k := &all[i]
			if k.Path == "" {
				continue
			}
			if k.Side == value.MongoDB && docs[j].mongo != nil {
				if v := value.LookupBSON(docs[j].mongo, k.Path); !v.IsZero() {
					shown[i].Now = shownMongo(v)
				}
			} else if k.Side == value.Ditto && docs[j].ditto != nil {
				if v := value.Lookup(docs[j].ditto.JSON, k.Path); v != nil {
					shown[i].Now = shownDitto(v, false)
				}
			}
		}
	}
}

// claims are those that are held now, by the database's clock.
func (p *Page) claims(ctx context.Context) ([]entryClaim, error) {
	docs, err := p.cfg.Mongo.Find(ctx, ledger.Collection, bson.D{{Key: "claim.until", Value: bson.D{{Key: "$exists", Value: true}}}}, nil)
	if err != nil {
		return nil, fmt.Errorf("read claims: %w", err)
	}
	now, err := p.cfg.Mongo.Now(ctx)
	if err != nil {
		return nil, fmt.Errorf("read claims: %w", err)
	}
	out := []entryClaim{}
	for _, d := range docs {
		e, err := ledger.Decode(d)
		if err != nil || e.Claim == nil {
			continue
		}
		until, ok := d.Lookup("claim", "until").TimeOK()
		if ok && until.After(now) && len(out) < maxListed {
			out = append(out, entryClaim{e.Key.Collection, string(e.Key.ID), e.Claim.Owner, until, len(e.Claim.Announced), writes(e.Claim)})
		}
	}
	return out, nil
}

// writes says which sides the holder of a claim has announced to write.
func writes(c *ledger.Claim) []value.Side {
	var sides []value.Side
	for _, a := range c.Announced {
		if !slices.Contains(sides, a.Side) {
			sides = append(sides, a.Side)
		}
	}
	slices.Sort(sides)
	return sides
}

func (p *Page) postRedrive(r *http.Request) (any, error) {
	var in struct {
		Function string `json:"function"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	n, err := p.cfg.Stack.Redrive(r.Context(), in.Function)
	if err != nil {
		return nil, err
	}
	p.flow.add(step{Kind: "fault", Function: in.Function, Text: fmt.Sprintf("%d dead letters are tried again by %s", n, in.Function)})
	_, err = p.tellQueues(r.Context())
	return map[string]int{"moved": n}, err
}

// postTake gives a value that lost to its side again, as its user's new change:
// it then goes to the other side like any change.
func (p *Page) postTake(r *http.Request) (any, error) {
	var in struct {
		ID string `json:"id"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	k, err := p.conflict(r.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	x, err := p.index(k.Key.Collection)
	if err != nil {
		return nil, err
	}
	if err := x.ensure(r.Context()); err != nil {
		return nil, err
	}
	if err := x.take(r.Context(), k); err != nil {
		return nil, err
	}
	return struct{}{}, p.settle(r.Context(), in.ID)
}

// conflict reads a record.
func (p *Page) conflict(ctx context.Context, id string) (*ledger.Conflict, error) {
	docs, err := p.cfg.Mongo.Find(ctx, ledger.ConflictCollection, bson.D{{Key: "_id", Value: id}}, nil)
	if err != nil {
		return nil, fmt.Errorf("read conflict: %w", err)
	}
	if len(docs) == 0 {
		return nil, refused{http.StatusNotFound, errGone}
	}
	k, err := ledger.DecodeConflict(docs[0])
	if err != nil {
		return nil, fmt.Errorf("read conflict: %w", err)
	}
	return &k, nil
}

func (p *Page) settle(ctx context.Context, id string) error {
	return ledger.Records{DB: p.cfg.Mongo}.SettleConflicts(ctx, id)
}

// postSettle leaves a pair as it is: the record of what lost is kept until it
// expires, and needs nobody any more.
func (p *Page) postSettle(r *http.Request) (any, error) {
	var in struct {
		ID string `json:"id"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if _, err := p.conflict(r.Context(), in.ID); err != nil {
		return nil, err
	}
	return struct{}{}, p.settle(r.Context(), in.ID)
}

var errSame = errors.New("that value stands there already")

func (x *index) take(ctx context.Context, k *ledger.Conflict) error {
	found, ok := x.at(string(k.Key.ID))
	if !ok {
		found = row{key: string(k.Key.ID), id: k.Key.ID}
	}
	docs, err := x.read(ctx, []row{found})
	if err != nil {
		return err
	}
	if k.Side == value.MongoDB {
		return x.takeMongo(ctx, k, docs[0].mongo)
	}
	return x.takeDitto(ctx, k, docs[0].ditto)
}

func (x *index) takeMongo(ctx context.Context, k *ledger.Conflict, doc bson.Raw) error {
	if k.Path == "" || doc == nil {
		whole, ok := k.Value.DocumentOK()
		if !ok || k.Path != "" || doc != nil {
			return errors.New("the document is not as it was then: put the value in by hand, where it belongs now")
		}
		return x.writeMongo(ctx, mongodb.Change{ID: whole.Lookup("_id"), Insert: whole})
	}
	old := value.LookupBSON(doc, k.Path)
	if old.Equal(k.Value) || old.IsZero() && k.Value.IsZero() {
		return errSame
	}
	return x.writeMongo(ctx, mongodb.Change{ID: doc.Lookup("_id"), Doc: doc, Ops: []mongodb.Op{{Path: k.Path, Old: old, New: k.Value}}})
}

func (x *index) takeDitto(ctx context.Context, k *ledger.Conflict, doc *ditto.Document) error {
	if k.Path == "" || doc == nil {
		if k.Path != "" || doc != nil || k.JSON == "" {
			return errors.New("the document is not as it was then: put the value in by hand, where it belongs now")
		}
		return x.insertDitto(ctx, k.JSON)
	}
	op := ditto.Op{Path: k.Path, Old: value.Lookup(doc.JSON, k.Path), Counter: isCounterPath(x, k.Path)}
	if k.JSON != "" {
		op.New = []byte(k.JSON)
	}
	if string(op.Old) == string(op.New) {
		return errSame
	}
	return x.updateDitto(ctx, doc, op)
}

func isCounterPath(x *index, path value.Path) bool {
	for _, c := range x.c.Counters {
		if c == path {
			return true
		}
	}
	return false
}

// idOf is a row's key as a run takes it.
func idOf(key string) (json.RawMessage, error) {
	if rest, ok := strings.CutPrefix(key, "mongo:"); ok {
		return json.RawMessage(rest), nil
	}
	return json.Marshal(map[string]json.RawMessage{"ditto": json.RawMessage(key)})
}
