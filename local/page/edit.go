package page

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

var (
	errGone = errors.New("that document, or field, is not there any more: look again")
	errRace = errors.New("somebody else changed it just now, and your change was not made: look at it and try again")
)

// Edits that a person can make on a side.
const (
	opInsert    = "insert"    // Value is a document
	opSet       = "set"       // Field takes Value
	opUnset     = "unset"     // Field goes
	opDelete    = "delete"    // the document goes
	opIncrement = "increment" // the counter at Field grows by Value
	opRestart   = "restart"   // the counter at Field begins at Value again
)

// edit is a change that a person makes on one side.
type edit struct {
	Collection string     `json:"collection"`
	Side       value.Side `json:"side"`
	Op         string     `json:"op"`
	Key        string     `json:"key"`
	Field      string     `json:"field"`
	Value      string     `json:"value"`
}

// apply makes the change as an app on that side would, on condition that the
// field is as it is now.
func (x *index) apply(ctx context.Context, e edit) error {
	if e.Side != value.MongoDB && e.Side != value.Ditto {
		return fmt.Errorf("side %q: want %s or %s", e.Side, value.MongoDB, value.Ditto)
	}
	if e.Op == opInsert {
		if e.Side == value.MongoDB {
			return x.insertMongo(ctx, e.Value)
		}
		return x.insertDitto(ctx, e.Value)
	}
	r, ok := x.at(e.Key)
	if !ok {
		return errGone
	}
	docs, err := x.read(ctx, []row{r})
	if err != nil {
		return err
	}
	if e.Side == value.MongoDB {
		if docs[0].mongo == nil {
			return errGone
		}
		return x.editMongo(ctx, docs[0].mongo, e)
	}
	if docs[0].ditto == nil {
		return errGone
	}
	return x.editDitto(ctx, docs[0].ditto, e)
}

func (x *index) insertMongo(ctx context.Context, text string) error {
	var doc bson.D
	if err := bson.UnmarshalExtJSON([]byte(text), false, &doc); err != nil {
		return fmt.Errorf("that is no document in Extended JSON: %w", err)
	}
	if _, err := x.db.Driver().Collection(x.c.Name).InsertOne(ctx, doc); err != nil {
		return x.mongoSays(err)
	}
	return nil
}

func (x *index) insertDitto(ctx context.Context, text string) error {
	js, err := jsonText(text)
	if err != nil {
		return err
	}
	args, err := json.Marshal(map[string]json.RawMessage{"doc": js})
	if err != nil {
		return err
	}
	into := dql.Quote(x.c.DittoName)
	if defs := counterDefs(x); defs != "" {
		into = "COLLECTION " + into + " (" + defs + ")"
	}
	_, err = x.exec.Execute(ctx, ditto.Request{API: api(x.c), Write: true, Args: args, Statement: "INSERT INTO " + into + " DOCUMENTS (:doc)"})
	return dittoSays(err)
}

// counterDefs declares the counters at the top of a document.
func counterDefs(x *index) string {
	var defs []string
	for _, p := range x.c.Counters {
		if s := p.Segments(); len(s) == 1 {
			defs = append(defs, dql.Quote(s[0])+" COUNTER")
		}
	}
	return strings.Join(defs, ", ")
}

func (x *index) editMongo(ctx context.Context, doc bson.Raw, e edit) error {
	change := mongodb.Change{ID: doc.Lookup("_id"), Doc: doc}
	path := value.PathOf(e.Field)
	old := value.LookupBSON(doc, path)
	switch e.Op {
	case opDelete:
		change.Delete, change.Doc = doc, nil
	case opUnset:
		if old.IsZero() {
			return errGone
		}
		change.Ops = []mongodb.Op{{Path: path, Old: old}}
	case opSet, opRestart:
		next, err := typed(e.Value, old)
		if err != nil {
			return err
		}
		change.Ops = []mongodb.Op{{Path: path, Old: old, New: next}}
	default:
		return fmt.Errorf("MongoDB has no such edit: %q", e.Op)
	}
	return x.writeMongo(ctx, change)
}

func (x *index) writeMongo(ctx context.Context, change mongodb.Change) error {
	outcomes, errs, err := mongodb.Store{DB: x.db}.Write(ctx, x.c.Name, []mongodb.Change{change})
	switch {
	case err != nil:
		return fmt.Errorf("MongoDB: %w", err)
	case errs[0] != nil:
		return fmt.Errorf("MongoDB: %w", errs[0])
	case outcomes[0] != mongodb.Won:
		return errRace
	}
	return nil
}

// typed is what a person typed, Extended JSON, in the type of the value that was
// there if it can have it.
func typed(text string, old bson.RawValue) (bson.RawValue, error) {
	js, err := jsonText(text)
	if err != nil {
		return bson.RawValue{}, fmt.Errorf("%w (a text stands in quotation marks)", err)
	}
	next, err := value.Decode(js, old, value.EJSON)
	if err != nil {
		return bson.RawValue{}, fmt.Errorf("that is no value in Extended JSON: %w", err)
	}
	return next, nil
}

func (x *index) editDitto(ctx context.Context, doc *ditto.Document, e edit) error {
	path := value.PathOf(e.Field)
	op := ditto.Op{Path: path, Old: value.Lookup(doc.JSON, path)}
	switch e.Op {
	case opDelete:
		return x.deleteDitto(ctx, doc)
	case opIncrement:
		return x.increment(ctx, doc.ID, e)
	case opUnset:
		if op.Old == nil {
			return errGone
		}
	case opSet, opRestart:
		js, err := jsonText(e.Value)
		if err != nil {
			return fmt.Errorf("%w (a text stands in quotation marks)", err)
		}
		op.New, op.Counter = js, isCounter(x.c, e.Field)
	default:
		return fmt.Errorf("Ditto has no such edit: %q", e.Op)
	}
	return x.updateDitto(ctx, doc, op)
}

func (x *index) updateDitto(ctx context.Context, doc *ditto.Document, op ditto.Op) error {
	res, err := x.store.Update(ctx, dittoCollection(x.c), []ditto.Change{{ID: doc.ID, Doc: doc.JSON, Ops: []ditto.Op{op}, Txn: doc.Txn}})
	return verdict(doc.ID, res, err)
}

func (x *index) deleteDitto(ctx context.Context, doc *ditto.Document) error {
	res, err := x.store.Delete(ctx, dittoCollection(x.c), []ditto.Document{*doc})
	return verdict(doc.ID, res, err)
}

// increment is what a device does to a counter: it commutes, and needs no
// condition.
func (x *index) increment(ctx context.Context, id docid.ID, e edit) error {
	n, err := strconv.ParseInt(strings.TrimSpace(e.Value), 10, 64)
	if err != nil {
		return errors.New("a counter grows by a whole number, such as 1 or -5")
	}
	args, err := json.Marshal(map[string]json.RawMessage{"id": id.JSON()})
	if err != nil {
		return err
	}
	_, err = x.exec.Execute(ctx, ditto.Request{
		API: api(x.c), Write: true, Args: args,
		Statement: fmt.Sprintf("UPDATE %s APPLY %s INCREMENT BY %d WHERE _id = :id", dql.Quote(x.c.DittoName), dql.Quote(e.Field), n),
	})
	return dittoSays(err)
}

func verdict(id docid.ID, res ditto.Result, err error) error {
	switch {
	case err != nil:
		return dittoSays(err)
	case res.Rejected[id] != nil:
		return dittoSays(res.Rejected[id])
	case !res.Won[id]:
		return errRace
	}
	return nil
}

// dittoSays is the server's own message, which the page may quote: the person
// who reads it typed the document.
func dittoSays(err error) error {
	if e := (*ditto.Error)(nil); errors.As(err, &e) && e.Description != "" {
		return fmt.Errorf("Ditto: %s", valid(e.Description))
	}
	if err != nil {
		return fmt.Errorf("Ditto: %w", err)
	}
	return nil
}

// mongoSays is the server's own message about a write; of anything else that
// failed, what may be told.
func (x *index) mongoSays(err error) error {
	if e := (mongo.WriteException{}); errors.As(err, &e) && len(e.WriteErrors) > 0 {
		return fmt.Errorf("MongoDB: %s", valid(e.WriteErrors[0].Message))
	}
	return fmt.Errorf("MongoDB: %w", x.db.Redact("insert", err))
}
