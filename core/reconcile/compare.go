package reconcile

import (
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// Differences are the units in which two documents differ in meaning, whatever
// the ledger says of them; the problem is that of a value that is never synced.
// What only the target of a one-way collection has is left alone, and no
// difference.
func Differences(in Input) ([]value.Path, *Problem) {
	in.Entry.Units = nil
	x := &decision{in: in}
	if p := x.split(); p != nil {
		return nil, p
	}
	x.group()
	var out []value.Path
	for i := range x.groups {
		g := &x.groups[i]
		if p := x.checkCounter(g); p != nil {
			return nil, p
		}
		switch {
		case x.equal(g):
		case in.Rules.Direction == manifest.MongoToDitto && g.m.Type == 0:
		case in.Rules.Direction == manifest.DittoToMongo && g.d == nil:
		default:
			out = append(out, g.path)
		}
	}
	return out, nil
}
