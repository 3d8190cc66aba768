package dittosim_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/value"
)

// settleMove lets Causeway read the documents, and make them what the seed
// says; devices may write in between.
func settleMove(seed uint64) move {
	return func(ctx context.Context, l *lane) {
		d := &draws{Rand: rand.New(rand.NewPCG(seed, 3))}
		var docs map[docid.ID]ditto.Document
		var err error
		l.own(func() { docs, _, err = l.store.Read(ctx, l.collection, l.ids, 0) })
		if err != nil {
			l.diff += fmt.Sprintf("read: %v\n", err)
			return
		}
		known, plan := l.maps, d.plan(l)
		switch d.IntN(4) {
		case 0:
			deviceMove(d.Uint64(), false)(ctx, l)
		case 1:
			meetMove(d.Uint64(), plan[0].path)(ctx, l)
		}
		l.own(func() { d.settle(ctx, l, docs, known, plan) })
	}
}

func (d *draws) settle(ctx context.Context, l *lane, docs map[docid.ID]ditto.Document, known map[docid.ID][]value.Path, plan []change) {
	var insert, remove []ditto.Document
	var update []ditto.Change
	clear := d.IntN(8) == 0
	for _, id := range l.ids {
		doc, exists := docs[id]
		switch {
		case !exists || d.IntN(12) == 0: // one that exists is left alone
			if d.IntN(3) > 0 {
				insert = append(insert, ditto.Document{ID: id, JSON: []byte(d.whole(l, string(id)))})
			}
		case d.IntN(12) == 0, clear && d.IntN(4) > 0:
			remove = append(remove, doc)
		default:
			update = append(update, ditto.Change{ID: id, Doc: doc.JSON, Ops: d.ops(l, doc.JSON, plan), Maps: known[id]})
			l.tally.ops(&update[len(update)-1])
		}
	}
	if len(insert) > 0 {
		_, _ = l.store.Insert(ctx, l.collection, insert)
	}
	if len(update) > 0 {
		r, _ := l.store.Update(ctx, l.collection, update)
		l.maps = r.Maps
	}
	if len(remove) > 0 {
		_, _ = l.store.Delete(ctx, l.collection, remove)
	}
}

// change is what a plan does: the value at a path goes, or gets another.
type change struct {
	path   value.Path
	remove bool
	whole  bool // the top-level field is written, not what differs in it
	pool   []string
}

// pools are values for the documents of one plan: of any shape, or of one.
var pools = [][]string{
	values, values,
	{"1", "2", "1.0", `"s"`, "null"},
	{"[1,null]", "[null]", "[]", `[{"a":null}]`},
	{`{"x":1}`, `{"x":"s"}`, `{"x":[null]}`},
	{`{"$numberInt":"5"}`, `{"$numberInt":"6"}`},
	{"-0.0", "0", "9007199254740993", "1e300"},
}

// plan says what changes in all documents, so that they share statements.
func (d *draws) plan(l *lane) []change {
	var out []change
	whole := d.IntN(3) == 0
	names := fieldNames(l.step.collection)
	for _, i := range d.Perm(len(names))[:d.some(1, 3)] {
		p := value.PathOf(names[i])
		if d.IntN(2) == 0 {
			p = p.Child(d.of("x", "q", "a", "$z"))
			if d.IntN(3) == 0 {
				p = p.Child(d.of("x", "a"))
			}
		}
		out = append(out, change{p, d.IntN(5) == 0, whole, pools[d.IntN(len(pools))]})
	}
	return out
}

// ops are the operations that carry out a plan in doc.
func (d *draws) ops(l *lane, doc []byte, plan []change) []ditto.Op {
	target := doc
	for _, c := range plan {
		var v []byte
		if !c.remove {
			v = []byte(d.fit(l, c))
		}
		if next, err := value.ReplaceJSON(target, c.path, v); err == nil {
			target = next
		}
	}
	canon, err := value.Canonical(nil, target)
	if err != nil {
		panic(err)
	}
	return differences(nil, "", doc, canon, l.collection, plan[0].whole)
}

// fit is a value for a path: most often a whole number for a counter.
func (d *draws) fit(l *lane, c change) string {
	if slices.Contains(l.collection.Counters, c.path) && d.IntN(8) > 0 {
		return strconv.Itoa(d.IntN(5))
	}
	return d.of(c.pool...)
}

// whole is a new document, in which no fraction stands at a counter's path.
func (d *draws) whole(l *lane, id string) string {
	doc := []byte(d.fieldsOf(l, id))
	for _, c := range l.collection.Counters {
		if value.Lookup(doc, c) != nil && d.IntN(10) > 0 {
			if next, err := value.ReplaceJSON(doc, c, []byte(strconv.Itoa(d.IntN(5)))); err == nil {
				doc = next
			}
		}
	}
	return string(doc)
}

// differences lists the operations from one document to another: by units or,
// with whole and in a strict collection, by top-level fields.
func differences(out []ditto.Op, p value.Path, old, new []byte, c ditto.Collection, whole bool) []ditto.Op {
	names := map[string]bool{}
	for _, js := range [][]byte{old, new} {
		for name := range value.Fields(js) {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		q := p.Child(name)
		a, b := value.Lookup(old, value.PathOf(name)), value.Lookup(new, value.PathOf(name))
		switch {
		case q == value.PathOf("_id") || string(a) == string(b):
		case !whole && !c.Strict && (a == nil || isParent(a)) && (b == nil || isParent(b)):
			out = differences(out, q, a, b, c, whole)
		default:
			out = append(out, ditto.Op{Path: q, Old: a, New: b, Counter: slices.Contains(c.Counters, q) && b != nil})
		}
	}
	return out
}

// isParent reports whether a value is no unit of its own.
func isParent(js []byte) bool { return len(js) > 2 && js[0] == '{' && !value.IsWrapper(js) }

// shadowMove looks for what non-strict peers wrote.
func shadowMove(ctx context.Context, l *lane) {
	l.own(func() { _, _ = l.store.Shadow(ctx, l.collection, l.ids) })
}

// mixMove sends lists of ids of several kinds, which core/ditto never does: up
// to five match nothing, and that is why.
func mixMove(seed uint64) move {
	return func(ctx context.Context, l *lane) {
		d := &draws{Rand: rand.New(rand.NewPCG(seed, 4))}
		ids := slices.Clone(l.ids)
		d.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		if objects := slices.DeleteFunc(slices.Clone(ids), func(id docid.ID) bool { return id.Kind() != docid.Object }); len(objects) > 1 && d.IntN(2) == 0 {
			ids = objects
		}
		ids = ids[:d.some(2, len(ids))]
		p := value.PathOf(d.of(fieldNames(l.step.collection)...))
		targets, rows := make([]dql.Target, len(ids)), make([]dql.Row, len(ids))
		for i, id := range ids {
			targets[i] = dql.Target{ID: id, JSON: []byte(d.fieldsOf(l, string(id)))}
			rows[i] = dql.Row{ID: id, Set: []dql.Assign{{Path: p, Value: []byte(d.value())}}}
		}
		name := l.collection.Name
		st := []dql.Statement{
			dql.Select(name, ids), dql.SelectTyped(name, dql.TypesOf(dql.Map, p), ids),
			dql.SelectPaths(name, dql.Counter, []value.Path{p}, ids), dql.Probe(name, ids),
			dql.Update(name, rows), dql.Update(name, rows), dql.Delete(name, targets),
		}[d.IntN(7)]
		l.own(func() {
			l.tally.mixed(ids)
			_, _ = l.Execute(ctx, ditto.Request{API: d.someAPI(), Statement: st.Text, Args: st.Args})
		})
	}
}
