package bridge

import (
	"context"
	"fmt"

	"github.com/causeway-sync/causeway/core/docid"
)

// shadowed parks the pairs of strict collections of which a non-strict reading
// shows more: a peer wrote objects as maps, which the strict API does not show.
// Nothing is removed or overwritten because of what is only hidden.
func (t *batch) shadowed(ctx context.Context, pairs []*pair) []*pair {
	for _, name := range collections(pairs) {
		var suspects []*pair
		var ids []docid.ID
		for _, p := range inCollection(pairs, name) {
			if p.rules.Strict && p.maybeShadowed() {
				suspects, ids = append(suspects, p), append(ids, p.key.ID)
			}
		}
		if len(suspects) == 0 {
			continue
		}
		hidden, err := t.ditto.Shadow(ctx, dittoCollection(suspects[0].rules), ids)
		if err != nil {
			t.abandon(ctx, suspects, fmt.Errorf("look for fields that the strict API hides: %w", err))
			continue
		}
		for _, p := range suspects {
			if hidden[p.key.ID] {
				t.park(ctx, p, problem{
					Code:    "strict-mode",
					Message: "a peer that is not in strict mode wrote objects which the strict API does not show",
					Mend:    "set dqlStrictMode: false",
				})
			}
		}
	}
	return undone(pairs)
}

// maybeShadowed reports whether the plan rests on Ditto not showing a field.
func (p *pair) maybeShadowed() bool {
	if p.ditto == nil {
		return false
	}
	if p.plan.ToMongo.Insert != nil {
		return true
	}
	for _, o := range p.plan.ToMongo.Ops {
		if o.New.Type == 0 {
			return true
		}
	}
	for _, o := range p.plan.ToDitto.Ops {
		if o.Old == nil {
			return true
		}
	}
	return false
}
