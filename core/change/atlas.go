package change

import (
	"slices"
	"strings"
	"time"

	"github.com/causeway-sync/causeway/core/value"
)

// event is a trigger event in the parts that matter, whichever shape it came
// in.
type event struct {
	db, coll, op     string
	toDB, toColl     string // of a rename
	id, clusterTime  []byte // raw JSON
	at               time.Time
	detailType, from string // of the envelope
}

// mongoOps says what each operation of a change stream means here.
var mongoOps = map[string]Op{
	"insert": Upsert, "update": Upsert, "replace": Upsert, "delete": Remove,
}

// sweepOps are the operations after which only a sweep helps; quietOps change
// no document (triggers on whole databases and clusters see them).
var (
	sweepOps = []string{"drop", "rename", "invalidate", "dropDatabase"}
	quietOps = []string{"create", "createIndexes", "dropIndexes", "modify", "shardCollection", "reshardCollection", "refineCollectionShardKey"}
)

// envelope reads a trigger event as EventBridge delivers it.
func (d Decoder) envelope(body, detail []byte) Batch {
	var e event
	for k, v := range members(body) {
		switch k {
		case "detail-type":
			e.detailType = unquote(v)
		case "source":
			e.from = unquote(v)
		case "time":
			e.at = instant(v)
		}
	}
	if !object(detail) || member(detail, "operationType") == nil {
		return fail(errorf("event of source %q is not an Atlas trigger event: detail.operationType is missing", brief(e.from)))
	}
	return d.atlas(detail, e)
}

// atlas reads a change event; e holds what the envelope said.
func (d Decoder) atlas(detail []byte, e event) Batch {
	var wall []byte
	for k, v := range members(detail) {
		switch k {
		case "operationType":
			e.op = unquote(v)
		case "ns":
			e.db, e.coll = namespace(v)
		case "to":
			e.toDB, e.toColl = namespace(v)
		case "documentKey", "fullDocument":
			if id := member(v, "_id"); id != nil && (k == "documentKey" || e.id == nil) {
				e.id = id
			}
		case "clusterTime":
			e.clusterTime = v
		case "wallTime":
			wall = v
		}
	}
	if t := instant(wall); !t.IsZero() {
		e.at = t
	} else if t := clock(e.clusterTime); !t.IsZero() {
		e.at = t
	}
	return d.mongo(e)
}

func namespace(ns []byte) (db, coll string) {
	return unquote(member(ns, "db")), unquote(member(ns, "coll"))
}

// mongo decides what a trigger event is to this deployment.
func (d Decoder) mongo(e event) Batch {
	if e.db == "" {
		// A project expression may have dropped ns. A database's name cannot
		// hold a dot, a collection's can.
		name, ok := strings.CutPrefix(e.detailType, "MongoDB Database Trigger for ")
		if ok {
			e.db, e.coll, _ = strings.Cut(name, ".")
		}
	}
	op, document := mongoOps[e.op]
	sweep := slices.Contains(sweepOps, e.op)
	switch {
	case e.op == "invalidate" && e.db == "":
		return Batch{Notices: []Notice{d.notice(e, "")}}
	case e.db == "":
		return fail(errorf("trigger event has no namespace: keep `ns` in the trigger's project expression"))
	case e.db != d.Manifest.Database && (e.toDB == "" || e.toDB != d.Manifest.Database):
		return Batch{Ignored: []Ignored{{e.coll, ReasonDatabase}}}
	case slices.Contains(quietOps, e.op):
		return Batch{Ignored: []Ignored{{e.coll, ReasonNoDocument}}}
	case !document && !sweep:
		return fail(errorf("trigger event has the unknown operation %q", brief(e.op)))
	case sweep:
		return d.sweep(e)
	}
	if reason := d.ignore(e.coll); reason != "" {
		b := Batch{Ignored: []Ignored{{e.coll, reason}}}
		if n, ok := beat(e.id); ok && reason == ReasonCanary && op == Upsert {
			b.Beats = []int64{n}
		}
		return b
	}
	if e.id == nil {
		return fail(errorf("trigger event of %s has no documentKey._id: keep `documentKey` in the trigger's project expression", e.coll))
	}
	ids, err := candidates(e.id, formOf(e.clusterTime))
	if err != nil {
		return fail(errorf("trigger event of %s: documentKey._id: %v", e.coll, err))
	}
	return Batch{Hints: []Hint{{
		Collection: e.coll, MongoIDs: ids, Side: value.MongoDB, Op: op, At: e.at,
	}}}
}

// beat is the number of a heartbeat, from the `_id` of its document.
func beat(id []byte) (int64, bool) {
	if object(id) {
		for _, kind := range []string{"$numberLong", "$numberInt"} {
			if n := member(id, kind); n != nil {
				return integer(n)
			}
		}
		return 0, false
	}
	if id == nil || text(id) {
		return 0, false
	}
	return integer(id)
}

// sweep is the notice of every configured collection that the event touches.
func (d Decoder) sweep(e event) Batch {
	if e.coll == "" {
		return Batch{Notices: []Notice{d.notice(e, "")}}
	}
	var b Batch
	for _, ns := range [][2]string{{e.db, e.coll}, {e.toDB, e.toColl}} {
		if ns[0] == d.Manifest.Database && d.Manifest.Collection(ns[1]) != nil {
			b.Notices = append(b.Notices, d.notice(e, ns[1]))
		}
	}
	if len(b.Notices) == 0 {
		b.Ignored = []Ignored{{e.coll, d.ignore(e.coll)}}
	}
	return b
}

func (d Decoder) notice(e event, coll string) Notice {
	return Notice{Collection: coll, Side: value.MongoDB, Reason: e.op, At: e.at}
}

// ignore is the reason for which a MongoDB collection is not synced, empty if
// it is.
func (d Decoder) ignore(coll string) string {
	switch {
	case d.Manifest.Collection(coll) != nil:
		return ""
	case coll == Canary:
		return ReasonCanary
	case strings.HasPrefix(coll, "__causeway_"), strings.HasPrefix(coll, "__ditto_"):
		return ReasonOwn
	}
	return ReasonCollection
}

// clock is the time of a clusterTime, to the second: {"T","I"} in plain JSON,
// {"$timestamp": {"t","i"}} in Extended JSON, {"$timestamp": "<t<<32|i>"} as
// Node prints it.
func clock(ct []byte) time.Time {
	secs, ok := integer(member(ct, "T"))
	if ts := member(ct, "$timestamp"); ts != nil {
		if object(ts) {
			secs, ok = integer(member(ts, "t"))
		} else if secs, ok = integer(ts); ok {
			secs >>= 32
		}
	}
	if !ok {
		return time.Time{}
	}
	return time.Unix(secs, 0).UTC()
}
