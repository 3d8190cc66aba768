package reconcile

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// group is a set of units that are decided together, because the path of one
// contains the others', on either side, in the ledger or in an announcement.
// Almost always it is one unit.
type group struct {
	path value.Path    // the shortest
	m    bson.RawValue // values at path
	d    []byte
	mu   []leaf // units below path, as they stand
	du   []leaf
	base []ledger.Unit         // as last agreed
	ann  []ledger.Announcement // carried

	counter, register bool

	target value.Side // the side to be written, if any
	agree  bool       // equal in meaning
	alone  bool       // of a baseline, and not changed since
	new    *converted // what the target takes
}

// converted is a value in the form of the side that takes it: most groups have
// none, so that it is kept apart.
type converted struct {
	m bson.RawValue
	d []byte
}

// groups pairs up everything that is known of the document's units.
func groups(c *manifest.Collection, mu, du []leaf, base []ledger.Unit, ann []ledger.Announcement, registers []value.Path) []group {
	mu, du, base, empty := setEmptyAside(mu, du, base)
	out := make([]group, 0, max(len(mu), len(du), len(base)))
	for len(mu) > 0 || len(du) > 0 || len(base) > 0 || len(ann) > 0 {
		var root value.Path
		first := true
		least := func(p value.Path) {
			if first || p < root {
				root, first = p, false
			}
		}
		if len(mu) > 0 {
			least(mu[0].Path)
		}
		if len(du) > 0 {
			least(du[0].Path)
		}
		if len(base) > 0 {
			least(base[0].Path)
		}
		if len(ann) > 0 {
			least(ann[0].Path)
		}
		g := group{path: root, counter: isCounter(c, root), register: slices.Contains(registers, root)}
		g.mu, mu = cut(mu, func(l *leaf) bool { return root.Contains(l.Path) })
		g.du, du = cut(du, func(l *leaf) bool { return root.Contains(l.Path) })
		g.base, base = cut(base, func(u *ledger.Unit) bool { return root.Contains(u.Path) })
		g.ann, ann = cut(ann, func(a *ledger.Announcement) bool { return root.Contains(a.Path) })
		g.restore(empty)
		out = append(out, g)
	}
	return out
}

func cut[T any](s []T, in func(*T) bool) (head, tail []T) {
	n := 0
	for n < len(s) && in(&s[n]) {
		n++
	}
	return s[:n], s[n:]
}

var (
	emptyMongo = value.HashBSON(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: []byte{5, 0, 0, 0, 0}})
	emptyDitto = value.HashJSON([]byte("{}"))
)

// emptied is what setEmptyAside took out.
type emptied struct {
	mu, du []leaf
	base   []ledger.Unit
}

// setEmptyAside takes out an empty object beside which the other side has
// fields: there it stands for those fields' absence.
func setEmptyAside(mu, du []leaf, base []ledger.Unit) ([]leaf, []leaf, []ledger.Unit, emptied) {
	var out emptied
	m, d := mu, du
	mu, out.mu = split(mu, func(l *leaf) bool { return l.Hash == emptyMongo && below(d, l.Path) })
	du, out.du = split(du, func(l *leaf) bool { return l.Hash == emptyDitto && below(m, l.Path) })
	base, out.base = split(base, func(u *ledger.Unit) bool {
		return (u.M == emptyMongo || u.M.IsAbsent()) && (u.D == emptyDitto || u.D.IsAbsent()) &&
			(below(m, u.Path) || below(d, u.Path))
	})
	return mu, du, base, out
}

// split divides s by a condition; s itself is kept when nothing fulfils it.
func split[T any](s []T, out func(*T) bool) (kept, taken []T) {
	head, _ := cut(s, func(v *T) bool { return !out(v) })
	if len(head) == len(s) {
		return s, nil
	}
	for i := range s {
		if out(&s[i]) {
			taken = append(taken, s[i])
		} else {
			kept = append(kept, s[i])
		}
	}
	return kept, taken
}

// restore puts back what belongs to a group that is decided as a whole.
func (g *group) restore(e emptied) {
	g.mu = putBack(g.mu, e.mu, func(l leaf) value.Path { return l.Path }, g.path)
	g.du = putBack(g.du, e.du, func(l leaf) value.Path { return l.Path }, g.path)
	g.base = putBack(g.base, e.base, func(u ledger.Unit) value.Path { return u.Path }, g.path)
}

func putBack[T any](s, taken []T, path func(T) value.Path, root value.Path) []T {
	for _, v := range taken {
		if root.Contains(path(v)) {
			i, _ := slices.BinarySearchFunc(s, path(v), func(a T, p value.Path) int { return strings.Compare(string(path(a)), string(p)) })
			s = slices.Insert(slices.Clone(s), i, v)
		}
	}
	return s
}

// below reports whether a unit of side lies strictly below p.
func below(side []leaf, p value.Path) bool {
	i, _ := slices.BinarySearchFunc(side, p, func(l leaf, p value.Path) int { return strings.Compare(string(l.Path), string(p)) })
	for ; i < len(side) && p.Contains(side[i].Path); i++ {
		if side[i].Path != p {
			return true
		}
	}
	return false
}

// values fills in what stands at the group's path on both sides.
func (g *group) values(m bson.Raw, d []byte) {
	switch {
	case len(g.mu) == 1 && g.mu[0].Path == g.path:
		g.m = g.mu[0].M
	case len(g.mu) > 0:
		g.m = value.LookupBSON(m, g.path)
	}
	switch {
	case len(g.du) == 1 && g.du[0].Path == g.path:
		g.d = g.du[0].D
	case len(g.du) > 0:
		g.d = value.Lookup(d, g.path)
	}
}

// announced reports whether Causeway said it would write this value here.
func (g *group) announced(side value.Side, p value.Path, h value.Hash) bool {
	return slices.Contains(g.ann, ledger.Announcement{Path: p, Side: side, Hash: h})
}

func (g *group) anyAnnounced(side value.Side) bool {
	return slices.ContainsFunc(g.ann, func(a ledger.Announcement) bool { return a.Side == side })
}

// changed reports whether a user changed the group on that side since both
// sides last agreed: it differs from the agreed hashes, and Causeway did not
// announce that it would write what stands there.
func (g *group) changed(c *manifest.Collection, side value.Side) bool {
	if !g.differs(side) {
		return false
	}
	if len(g.ann) == 0 {
		return true
	}
	if g.announced(side, g.path, g.hash(c, side)) {
		return false
	}
	return g.each(side, func(p value.Path, now, then value.Hash) bool {
		return now != then && !g.announced(side, p, now)
	})
}

// differs reports whether the side's hashes are not those last agreed on. Each
// side is compared with its own, so no conversion echoes (invariant 4).
func (g *group) differs(side value.Side) bool {
	return g.each(side, func(_ value.Path, now, then value.Hash) bool { return now != then })
}

// each calls f with every unit's hash now and when last agreed, until f
// returns true, which it reports.
func (g *group) each(side value.Side, f func(p value.Path, now, then value.Hash) bool) bool {
	now := g.mu
	if side == value.Ditto {
		now = g.du
	}
	base := g.base
	for len(now) > 0 || len(base) > 0 {
		var p value.Path
		var n, t value.Hash
		switch {
		case len(base) == 0 || len(now) > 0 && now[0].Path < base[0].Path:
			p, n, now = now[0].Path, now[0].Hash, now[1:]
		case len(now) == 0 || base[0].Path < now[0].Path:
			p, t, base = base[0].Path, sideHash(base[0], side), base[1:]
		default:
			p, n, t = now[0].Path, now[0].Hash, sideHash(base[0], side)
			now, base = now[1:], base[1:]
		}
		if f(p, n, t) {
			return true
		}
	}
	return false
}

func sideHash(u ledger.Unit, side value.Side) value.Hash {
	if side == value.Ditto {
		return u.D
	}
	return u.M
}

// hash is that of the whole value at the group's path.
func (g *group) hash(c *manifest.Collection, side value.Side) value.Hash {
	if side == value.Ditto {
		return value.HashJSON(g.d)
	}
	return hashMongo(c, g.path, g.m)
}

// knewDitto reports whether Ditto had any of the group when both last agreed.
func (g *group) knewDitto() bool {
	return slices.ContainsFunc(g.base, func(u ledger.Unit) bool { return !u.D.IsAbsent() })
}
