package sweep

import (
	"context"
	"slices"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/value"
)

// calm looks again at what differs, until it has stayed the same for a while:
// only then it is a difference, and not a change on its way.
func (c *copier) calm(ctx context.Context) error {
	const looks = 6
	for len(c.pending) > 0 {
		d := c.Calm
		if d == 0 {
			d = defaultCalm
		}
		c.wait(ctx, d)
		if err := ctx.Err(); err != nil {
			return err
		}
		todo := c.pending
		c.pending = nil
		for part := range slices.Chunk(todo, firstBatch) {
			hints := make([]change.Hint, len(part))
			was := map[string]pending{}
			for i, p := range part {
				hints[i] = p.hint
				hints[i].Txn = c.txn
				was[pairKey(&p.found)] = p
			}
			_, findings, _ := c.Bridge.Sweep(ctx, hints, bridge.Verify)
			for i := range findings {
				f := &findings[i]
				p, ok := was[pairKey(f)]
				delete(was, pairKey(f))
				switch {
				case !ok: // of another document that has turned up meanwhile
				case f.Err != nil && !bridge.IsLater(f.Err):
					return f.Err
				case f.Err == nil && (!suspicious(f) || f.State != bridge.Busy && f.Sum == p.found.Sum):
					c.count(f)
				case p.looks >= looks:
					f.State = bridge.Busy
					c.count(f)
				default:
					if f.Err != nil {
						f = &p.found
						f.Sum = value.Hash{}
					}
					c.pending = append(c.pending, pending{p.hint, *f, p.looks + 1})
				}
			}
		}
	}
	return nil
}

func pairKey(f *bridge.Finding) string { return f.Key.String() + "\x00" + idKey(f.MongoID) }
