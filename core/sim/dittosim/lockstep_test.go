package dittosim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/value"
)

// lockstep lets lanes take turns: each runs one statement on both engines, then
// all wait while every document of the collection is looked at in all ways. The
// lanes' documents are disjoint, so a document is looked at after each statement
// that may have changed it, and one look serves all lanes.
type lockstep struct {
	real, sim  ditto.Executor
	collection string
	looks      [2][]look // by turns
	all        bool      // or all each time

	mu              sync.Mutex
	turn            sync.Cond
	active, waiting int
	round           int
	strays          string // differences in documents that belong to no lane
	lanes           []*lane
}

// look is one way of reading a whole collection.
type look struct {
	name string // "MAP": all fields declared so, "n.MAP": what lies in maps, every other time
	api  ditto.API
	text string
}

func newLockstep(real, sim ditto.Executor, collection string, strict bool) *lockstep {
	l := &lockstep{real: real, sim: sim, collection: collection}
	l.turn.L = &l.mu
	add := func(turn int, name string, api ditto.API, types dql.Types) {
		text := dql.SelectTyped(collection, types, nil).Text
		l.looks[turn] = append(l.looks[turn], look{name, api, strings.TrimSuffix(text, " WHERE _id IN :ids")})
	}
	for turn := range l.looks {
		add(turn, "", ditto.V5, nil)
		if strict {
			add(turn, "", ditto.V4, nil)
		}
	}
	var tops, inner []value.Path
	for _, f := range fieldNames(collection) {
		tops = append(tops, value.PathOf(f))
		for _, in := range innerNames {
			inner = append(inner, value.PathOf(f, in))
		}
	}
	for _, t := range []dql.Type{dql.Map, dql.Counter} {
		add(0, string(t), ditto.V5, dql.TypesOf(t, tops...))
		add(1, "n."+string(t), ditto.V5, dql.TypesOf(t, inner...))
	}
	return l
}

// wait ends a lane's turn.
func (l *lockstep) wait(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting++
	if l.waiting == l.active {
		l.next(ctx)
		return
	}
	for round := l.round; round == l.round; {
		l.turn.Wait()
	}
}

// leave takes out a lane that has no more statements.
func (l *lockstep) leave(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active--
	if l.active > 0 && l.waiting == l.active {
		l.next(ctx)
	}
}

func (l *lockstep) next(ctx context.Context) {
	l.compare(ctx)
	l.waiting = 0
	l.round++
	l.turn.Broadcast()
}

// compare looks at everything on both engines and tells the lanes what differs.
func (l *lockstep) compare(ctx context.Context) {
	looks := l.looks[l.round%len(l.looks)]
	if l.all {
		looks = slices.Concat(l.looks[:]...)
	}
	answers := make([]struct {
		items []json.RawMessage
		err   error
	}, len(looks))
	var all sync.WaitGroup
	for i, k := range looks {
		all.Go(func() {
			r, err := l.real.Execute(ctx, ditto.Request{API: k.api, Statement: k.text})
			answers[i].items, answers[i].err = r.Items, err
		})
	}
	all.Wait()
	seen := map[string]map[string][]byte{} // by id and look
	for i, k := range looks {
		got, err := l.sim.Execute(ctx, ditto.Request{API: k.api, Statement: k.text})
		if err != nil || answers[i].err != nil {
			l.strays += fmt.Sprintf("%s: real %v, sim %v\n", k.text, describe(answers[i].err), describe(err))
			continue
		}
		want, have := byID(answers[i].items), byID(got.Items)
		for id, doc := range want {
			if string(have[id]) != string(doc) {
				l.differ(id, k, doc, have[id])
			}
			if seen[id] == nil {
				seen[id] = map[string][]byte{}
			}
			if k.api == ditto.V5 {
				seen[id][k.name] = doc
			}
		}
		for id, doc := range have {
			if want[id] == nil {
				l.differ(id, k, nil, doc)
			}
		}
	}
	for _, a := range l.lanes {
		a.saw(seen)
	}
}

func (l *lockstep) differ(id string, k look, real, sim []byte) {
	text := fmt.Sprintf("after it, by %s %s (-real +sim):\n%s", k.api, k.text, cmp.Diff(string(real), string(sim)))
	for _, a := range l.lanes {
		if slices.Contains(a.texts, id) {
			a.diff += text
			return
		}
	}
	l.strays += text
}

func byID(items []json.RawMessage) map[string][]byte {
	out := make(map[string][]byte, len(items))
	for _, item := range items {
		out[string(value.Lookup(item, value.PathOf("_id")))] = item
	}
	return out
}
