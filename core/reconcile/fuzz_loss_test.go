package reconcile_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/reconcile"
	"github.com/causeway-sync/causeway/core/value"
)

// own is what the half of a plan that happened before a crash wrote.
type own struct {
	m, writtenM bson.Raw
	d, writtenD []byte
}

// nothingLost: a value that a user changed since base, and that stood in m or d
// before the last plan, stands there still or is in the losers. Without units
// in base nothing was agreed on, and every value is a change. Where a device
// had deleted the document and MongoDB kept it, what is there later meets for
// the first time.
func (p *pair) nothingLost(base ledger.Entry, by own, m bson.Raw, d []byte) {
	if base.State == ledger.Detached {
		base.Units = nil
	}
	mu, err := value.BSONUnits(m, p.c.Strict, p.c.Counters)
	if m != nil && err != nil {
		p.fatalf("%v", err)
	}
	for _, path := range paths(base, value.MongoDB, mu) {
		was, is := value.LookupBSON(m, path), value.LookupBSON(p.m, path)
		if was.Type == 0 && p.announcedRemoval(path, value.MongoDB) {
			continue
		}
		if h := hash(p, path, was); h != hash(p, path, is) && h != agreed(base, path).M && !wrote(by.m, by.writtenM, m, path) && !filledM(was, is, agreed(base, path).M) {
			p.recorded(path, value.MongoDB)
		}
	}
	du, err := value.JSONUnits(d, p.c.Strict, p.c.Counters)
	if d != nil && err != nil {
		p.fatalf("%v", err)
	}
	for _, path := range paths(base, value.Ditto, du) {
		was, is := value.Lookup(d, path), value.Lookup(p.d, path)
		if slices.Contains(p.c.Counters, path) && numberJSON(was) != "" && numberJSON(was) == numberJSON(is) {
			continue // a register became a counter
		}
		if was == nil && p.announcedRemoval(path, value.Ditto) {
			continue
		}
		if h := value.HashJSON(was); h != value.HashJSON(is) && h != agreed(base, path).D && !wroteD(by, d, path) && !filledD(was, is, agreed(base, path).D) {
			p.recorded(path, value.Ditto)
		}
	}
}

// announcedRemoval: a removal that a claim announced is Causeway's own, though a
// user may have been faster; it holds nothing that could be recorded.
func (p *pair) announcedRemoval(path value.Path, side value.Side) bool {
	return slices.ContainsFunc(p.carried, func(a ledger.Announcement) bool {
		return a.Side == side && a.Hash.IsAbsent() && a.Path.Contains(path)
	})
}

// paths are those of a side's units, as agreed on and as they stand. Where one
// has become an object with units of its own, these are looked at.
func paths(base ledger.Entry, side value.Side, now []value.Leaf) (out []value.Path) {
	for _, u := range base.Units {
		split := slices.ContainsFunc(now, func(l value.Leaf) bool { return l.Path != u.Path && u.Path.Contains(l.Path) })
		if !split && (side == value.MongoDB && !u.M.IsAbsent() || side == value.Ditto && !u.D.IsAbsent()) {
			out = append(out, u.Path)
		}
	}
	for _, u := range now {
		out = append(out, u.Path)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// recorded: there is a loser of the side at the path, above or below it. A
// mapped field that a device removed is put back from the id, which still has
// its value.
func (p *pair) recorded(path value.Path, side value.Side) {
	if !p.c.OneToOne() && path == value.PathOf("k") && side == value.Ditto {
		return
	}
	if !slices.ContainsFunc(p.losers, func(l reconcile.Loser) bool {
		return l.Side == side && (l.Path.Contains(path) || path.Contains(l.Path))
	}) {
		p.fatalf("%s lost %s without a record\nnow %s | %s", side, path, p.m, p.d)
	}
}

func agreed(base ledger.Entry, path value.Path) ledger.Unit {
	for _, u := range base.Units {
		if u.Path == path {
			return u
		}
	}
	return ledger.Unit{}
}

// hash is the ledger's: that of a counter is its number's.
func hash(p *pair, path value.Path, v bson.RawValue) value.Hash {
	if slices.Contains(p.c.Counters, path) {
		if n, err := strconv.ParseInt(number(v), 10, 64); err == nil {
			return value.HashBSON(bson.RawValue{Type: bson.TypeInt64, Value: binary.LittleEndian.AppendUint64(nil, uint64(n))})
		}
	}
	return value.HashBSON(v)
}

// wrote reports whether what stands at path is Causeway's own.
func wrote(before, after, now bson.Raw, path value.Path) bool {
	a, b := value.LookupBSON(before, path), value.LookupBSON(after, path)
	return !a.Equal(b) && b.Equal(value.LookupBSON(now, path))
}

func wroteD(by own, now []byte, path value.Path) bool {
	a, b := value.Lookup(by.d, path), value.Lookup(by.writtenD, path)
	return !bytes.Equal(a, b) && bytes.Equal(b, value.Lookup(now, path))
}

// filledM reports whether an empty object, or what was one when the sides
// agreed, got fields: beside the other side's it stands for their absence, and
// nothing is lost.
func filledM(was, is bson.RawValue, then value.Hash) bool {
	empty := bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: []byte{5, 0, 0, 0, 0}}
	return is.Type == bson.TypeEmbeddedDocument && (was.Equal(empty) || was.Type == 0 && then == value.HashBSON(empty))
}

func filledD(was, is []byte, then value.Hash) bool {
	return len(is) > 0 && is[0] == '{' && !value.IsWrapper(is) && (string(was) == "{}" || was == nil && then == value.HashJSON([]byte("{}")))
}

// withoutCounter compares the counter as a number, and takes it out.
func (p *pair) withoutCounter(m bson.RawValue, d []byte) (bson.RawValue, []byte) {
	rel := counterPath[len(counterPath.Top()):]
	if m.Type != bson.TypeEmbeddedDocument || len(d) == 0 || d[0] != '{' {
		return m, d
	}
	n, js := value.LookupBSON(m.Document(), rel), value.Lookup(d, rel)
	if n.Type == 0 && js == nil {
		return m, d
	}
	if number(n) != string(js) && !p.leftAlone {
		p.fatalf("counter: %s | %s", n, js)
	}
	doc, err := value.ReplaceBSON(m.Document(), rel, bson.RawValue{})
	if err == nil {
		d, err = value.ReplaceJSON(d, rel, nil)
	}
	if err != nil {
		p.fatalf("%v", err)
	}
	return bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}, d
}

// number is the text of a whole number, empty for anything else.
func number(v bson.RawValue) string {
	switch v.Type {
	case bson.TypeDecimal128:
		return strings.TrimSuffix(v.Decimal128().String(), ".0")
	case bson.TypeInt32, bson.TypeInt64, bson.TypeDouble:
		return strconv.FormatInt(v.AsInt64(), 10)
	}
	return ""
}

// numberJSON is number of what Ditto shows, plain or as Extended JSON.
func numberJSON(js []byte) string {
	v, err := value.Decode(js, bson.RawValue{}, value.EJSON)
	if err != nil {
		return ""
	}
	return number(v)
}
