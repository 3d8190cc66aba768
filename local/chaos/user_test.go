package chaos_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	coreditto "github.com/causeway-sync/causeway/core/ditto"
)

// stormCollections are for 50 documents in all. Those that are counted are
// created on one side only and never deleted, and their counter is never
// reset: what two counters are worth that meet for the first time is a matter
// of the conflict rule. Those of `merged` have a counter that is reset.
const stormCollections = `
strict:
  fields: [_id]
  conflicts: ditto
merged:
  fields: [_id]
  dqlStrictMode: false
  dittoTypes: {settableCounters: [n]}
  conflicts: {default: mongo, fields: {o.x: ditto}}
counted:
  fields: [_id]
  mode: ejson
  dqlStrictMode: false
  dittoTypes: {settableCounters: [q]}
duel:
  fields: [_id]
  dqlStrictMode: false
  dittoTypes: {settableCounters: [q]}
  conflicts: {default: mongo, fields: {y: ditto}}`

// place is a collection that users write to.
type place struct {
	name  string
	docs  int
	paths []string
	apart bool // documents are not deleted
}

var stormPlaces = []place{
	{"strict", 15, []string{"a", "b", "o.x"}, false},
	{"merged", 20, []string{"a", "o.x", "o.y", "o.p.z"}, false},
	{"counted", 15, []string{"a", "o.x"}, true},
}

// keys are all documents.
func (s *storm) keys() (all []string) {
	for _, p := range s.places {
		for i := range p.docs {
			all = append(all, fmt.Sprintf("%s/doc-%d", p.name, i))
		}
	}
	return all
}

func odd(id string) bool { return (id[len(id)-1]-'0')%2 == 1 }

// populate creates every document, on either side.
func (s *storm) populate(rnd *rand.Rand) error {
	for _, p := range stormPlaces {
		for i := range p.docs {
			create := s.insertMongo
			if i%2 == 1 {
				create = s.insertDitto
			}
			if err := create(p, fmt.Sprintf("doc-%d", i), p.paths[rnd.IntN(len(p.paths))]); err != nil {
				return err
			}
		}
	}
	return nil
}

// token is a value that no other write has.
func (s *storm) token(side string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens++
	return fmt.Sprint(side, s.tokens)
}

// users write on one side until enough is done, with the time that a person
// takes between two writes.
func (s *storm) users(rnd *rand.Rand, act func(*rand.Rand, place, string) error, enough func() bool) error {
	for !enough() {
		p := stormPlaces[rnd.IntN(len(stormPlaces))]
		if err := act(rnd, p, fmt.Sprintf("doc-%d", rnd.IntN(p.docs))); err != nil {
			return err
		}
		time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
	}
	return nil
}

// mongoUser is one write of a user in MongoDB. It is never under way while the
// server is killed, so that it is known whether it happened.
func (s *storm) mongoUser(rnd *rand.Rand, p place, id string) error {
	s.outage.RLock()
	defer s.outage.RUnlock()
	ctx, coll, byID := s.t.Context(), s.db.Collection(p.name), bson.D{{Key: "_id", Value: id}}
	path := p.paths[rnd.IntN(len(p.paths))]
	switch n := rnd.IntN(100); {
	case n < 15:
		return s.insertMongo(p, id, path)
	case n < 25 && !p.apart:
		return s.deleteMongo(p, id)
	case n < 33:
		update := bson.D{{Key: "$unset", Value: bson.D{{Key: path, Value: 1}}}, {Key: "$set", Value: bson.D{s.signed()}}}
		_, err := coll.UpdateOne(ctx, byID, update)
		return err
	case n < 36 && p.name == "merged":
		_, err := coll.UpdateOne(ctx, byID, bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: rnd.IntN(1000)}, s.signed()}}})
		return err
	}
	_, err := coll.UpdateOne(ctx, byID, bson.D{{Key: "$set", Value: bson.D{{Key: path, Value: s.token("m")}, s.signed()}}})
	return err
}

// signed is the field that marks a write in MongoDB as a user's.
func (s *storm) signed() bson.E { return bson.E{Key: "by", Value: s.token("m")} }

// deleteMongo deletes the document that it has signed, and no other. (What the
// server returns of a document that it deletes may be an older one.)
func (s *storm) deleteMongo(p place, id string) error {
	coll, sign := s.db.Collection(p.name), s.signed()
	byID := bson.D{{Key: "_id", Value: id}}
	if _, err := coll.UpdateOne(s.t.Context(), byID, bson.D{{Key: "$set", Value: bson.D{sign}}}); err != nil {
		return err
	}
	res, err := coll.DeleteOne(s.t.Context(), append(byID, sign))
	if err != nil || res.DeletedCount == 0 {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deletes[sign.Value.(string)] = true
	s.deleted["mongodb "+p.name+"/"+id]++
	return nil
}

func (s *storm) insertMongo(p place, id, path string) error {
	if p.apart && odd(id) {
		return nil
	}
	doc := bson.D{{Key: "_id", Value: id}, nested(path, s.token("m")), s.signed()}
	if p.name == "counted" {
		doc = append(doc, bson.E{Key: "q", Value: int64(0)})
	}
	_, err := s.db.Collection(p.name).InsertOne(s.t.Context(), doc)
	if mongo.IsDuplicateKeyError(err) {
		return nil
	}
	return err
}

func (s *storm) insertDitto(p place, id, path string) error {
	if p.apart && !odd(id) {
		return nil
	}
	doc, into := bson.D{{Key: "_id", Value: id}, nested(path, s.token("d"))}, p.name
	if p.name == "counted" {
		doc, into = append(doc, bson.E{Key: "q", Value: 0}), "COLLECTION counted (q COUNTER)"
	}
	js, err := bson.MarshalExtJSON(doc, false, false)
	if err != nil {
		return err
	}
	_, err = s.dql(p.name, "INSERT INTO "+into+" DOCUMENTS (:u_doc) ON ID CONFLICT DO NOTHING", map[string]any{"u_doc": json.RawMessage(js)})
	return err
}

// nested is a field with a value at a dotted path.
func nested(path string, v any) bson.E {
	name, rest, below := cutPath(path)
	if below {
		return bson.E{Key: name, Value: bson.D{nested(rest, v)}}
	}
	return bson.E{Key: name, Value: v}
}

// dittoUser is one write of a user in Ditto.
func (s *storm) dittoUser(rnd *rand.Rand, p place, id string) error {
	full := p.paths[rnd.IntN(len(p.paths))]
	path := full
	if p.name == "strict" { // objects are whole
		path, _, _ = cutPath(full)
	}
	args := map[string]any{"u_id": id}
	where := " WHERE _id = :u_id"
	switch n := rnd.IntN(100); {
	case n < 15:
		return s.insertDitto(p, id, full)
	case n < 25 && !p.apart:
		n, err := s.dql(p.name, "DELETE FROM "+p.name+where, args)
		if n > 0 {
			s.mu.Lock()
			s.deleted["ditto "+p.name+"/"+id]++
			s.mu.Unlock()
		}
		return err
	case n < 33:
		_, err := s.dql(p.name, "UPDATE "+p.name+" UNSET "+path+where+" AND "+p.name+"."+path+" IS NOT MISSING", args)
		return err
	case n < 60 && p.name != "strict":
		return s.increments(p, id, 1+rnd.IntN(5))
	}
	args["u_v"] = s.token("d")
	if p.name == "strict" {
		args["u_v"] = nested(full, args["u_v"]).Value
	}
	_, err := s.dql(p.name, "UPDATE "+p.name+" SET "+path+" = :u_v"+where, args)
	return err
}

// increments counts what a user adds to a counter of a document that there is.
func (s *storm) increments(p place, id string, by int) error {
	counter := map[string]string{"merged": "n", "counted": "q", "duel": "q"}[p.name]
	// What has no counter yet is left to the functions.
	statement := fmt.Sprintf("UPDATE %s APPLY %s INCREMENT BY %d WHERE _id = :u_id AND %s.%s IS NOT MISSING", p.name, counter, by, p.name, counter)
	n, err := s.dql(p.name, statement, map[string]any{"u_id": id})
	if n > 0 {
		s.mu.Lock()
		s.added[p.name+"/"+id] += by
		s.mu.Unlock()
	}
	return err
}

// dql runs a user's statement, and returns how many documents it changed. The
// arguments begin with "u_", by which faults spare them.
func (s *storm) dql(collection, statement string, args map[string]any) (int, error) {
	js, err := json.Marshal(args)
	if err != nil {
		return 0, err
	}
	api := coreditto.V5
	if collection == "strict" {
		api = coreditto.V4
	}
	s.writing.Lock() // until the transaction is known to be a user's
	defer s.writing.Unlock()
	r, err := s.exec.Execute(s.t.Context(), coreditto.Request{API: api, Statement: statement, Args: js, Write: true})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", statement, err)
	}
	if len(r.Mutated) > 0 {
		s.txns[r.Txn] = true
	}
	return len(r.Mutated), nil
}
