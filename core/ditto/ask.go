package ditto

import (
	"slices"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// ask is what a draft wants to know of its document.
type ask struct {
	job   *job
	paths []value.Path // sorted
}

func askIDs(asks []ask) []docid.ID {
	out := make([]docid.ID, len(asks))
	for i, a := range asks {
		out[i] = a.job.id
	}
	return out
}

// group is a number of asks that one request can answer.
type group struct {
	paths []value.Path
	asks  []ask
	lists [][]value.Path // the different lists of its asks
}

// gather joins asks whose paths do not clash.
func gather(asks []ask, clash func(a, b []value.Path) bool) []*group {
	var groups []*group
next:
	for _, a := range asks {
		for _, g := range groups {
			known := slices.ContainsFunc(g.lists, func(l []value.Path) bool { return slices.Equal(l, a.paths) })
			if known || !slices.ContainsFunc(g.lists, func(l []value.Path) bool { return clash(l, a.paths) }) {
				g.add(a, known)
				continue next
			}
		}
		g := &group{}
		g.add(a, false)
		groups = append(groups, g)
	}
	return groups
}

func (g *group) add(a ask, known bool) {
	g.asks = append(g.asks, a)
	if known {
		return
	}
	g.lists = append(g.lists, a.paths)
	g.paths = append(g.paths, a.paths...)
	slices.Sort(g.paths)
	g.paths = slices.Compact(g.paths)
}

// mapsClash reports whether declaring both lists as maps would tell one of
// them less: where one declares a path below an object that the other wants to
// see as it is.
func mapsClash(a, b []value.Path) bool {
	return below(a, b) || below(b, a)
}

// below reports whether b has a path below one of a's that a has not.
func below(a, b []value.Path) bool {
	for _, q := range b {
		if slices.Contains(a, q) {
			continue
		}
		for _, p := range a {
			if p.Contains(q) {
				return true
			}
		}
	}
	return false
}

// columnsClash reports whether a path of one list lies below one of the other.
func columnsClash(a, b []value.Path) bool {
	for _, p := range a {
		for _, q := range b {
			if p != q && (p.Contains(q) || q.Contains(p)) {
				return true
			}
		}
	}
	return false
}
