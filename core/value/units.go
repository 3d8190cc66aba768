package value

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// MaxUnits is how many units a document may have before it is handled by its
// top-level fields.
const MaxUnits = 2000

// Leaf is one unit of a document. M is set by BSONUnits, D by JSONUnits; a
// JSON null is a present value. Hash is HashBSON(M) or HashJSON(D).
type Leaf struct {
	Path Path
	M    bson.RawValue
	D    []byte
	Hash Hash
}

// BSONUnits splits a document into its units, sorted by path: its top-level
// fields when strict, else the leaves reached through documents. Scalars,
// arrays, empty documents, documents that look like an Extended JSON object or
// a Ditto attachment, and whatever stands at a counter path are leaves. The
// top-level `_id` and `_mdb` belong to no unit. Values share memory with doc.
func BSONUnits(doc bson.Raw, strict bool, counters []Path) ([]Leaf, error) {
	if strict {
		counters = nil
	}
	r := borrow()
	defer r.free()
	s := split(r, strict, counters)
	defer s.end()
	err := s.bson(doc, 1)
	if err == nil && len(s.leaves) > MaxUnits && !strict {
		s.restart()
		err = s.bson(doc, 1)
	}
	if err != nil {
		return nil, err
	}
	for i := range s.leaves {
		l := &s.leaves[i]
		r.c = append(append(r.c[:0], byte(l.M.Type)), l.M.Value...)
		l.Hash = sum(r.c)
	}
	return s.sorted(), nil
}

// JSONUnits is BSONUnits for a Ditto document.
func JSONUnits(js []byte, strict bool, counters []Path) ([]Leaf, error) {
	r := borrow()
	defer r.free()
	t, err := scan(js, r)
	if err != nil {
		return nil, err
	}
	if t.nodes[0].kind != objectKind {
		return nil, fail(ErrSyntax, "want an object")
	}
	s := split(r, strict, counters)
	defer s.end()
	err = s.json(t, 0)
	if err == nil && len(s.leaves) > MaxUnits && !strict {
		s.restart()
		err = s.json(t, 0)
	}
	if err != nil {
		return nil, err
	}
	for i := range s.leaves {
		l := &s.leaves[i]
		l.Hash = t.hash(s.nodes[i], r)
	}
	return s.sorted(), nil
}

// splitter collects leaves in r's memory. Their paths stand one after another in
// one text, which becomes a string once.
type splitter struct {
	r        *room
	counters []Path
	whole    bool // by top-level fields
	prefix   []byte
	paths    []byte
	ends     []int
	nodes    []int // of JSON: where on the tape the leaves are
	order    []int
	leaves   []Leaf
}

func split(r *room, whole bool, counters []Path) *splitter {
	return &splitter{
		r: r, whole: whole, counters: counters,
		prefix: r.a[:0], paths: r.b[:0], ends: r.ends[:0], nodes: r.nodes[:0], order: r.order[:0], leaves: r.leaves[:0],
	}
}

// restart begins again, by top-level fields.
func (s *splitter) restart() {
	clear(s.leaves)
	s.whole, s.counters = true, nil
	s.prefix, s.paths, s.ends, s.nodes, s.leaves = s.prefix[:0], s.paths[:0], s.ends[:0], s.nodes[:0], s.leaves[:0]
}

// end gives r its memory back, which points to no document any more.
func (s *splitter) end() {
	clear(s.leaves)
	r := s.r
	r.a, r.b, r.ends, r.nodes, r.order, r.leaves = s.prefix, s.paths, s.ends, s.nodes, s.order, s.leaves
}

// enter appends a name to the path; false for the fields that no unit holds.
func (s *splitter) enter(name []byte) bool {
	if len(s.prefix) == 0 && (string(name) == "_id" || string(name) == "_mdb") {
		return false
	}
	s.prefix = append(s.prefix, 0)
	s.prefix = append(s.prefix, name...)
	return true
}

func (s *splitter) leaf(l Leaf) {
	s.paths = append(s.paths, s.prefix...)
	s.ends = append(s.ends, len(s.paths))
	s.leaves = append(s.leaves, l)
}

func (s *splitter) isCounter() bool {
	for _, c := range s.counters {
		if string(c) == string(s.prefix) {
			return true
		}
	}
	return false
}

// sorted are the leaves in order, in memory of their own; of a name that a document
// repeats, the last. It is their numbers that are sorted: they are large.
func (s *splitter) sorted() []Leaf {
	all := string(s.paths)
	path := func(i int) string {
		if i == 0 {
			return all[:s.ends[0]]
		}
		return all[s.ends[i-1]:s.ends[i]]
	}
	s.order = s.order[:0]
	for i := range s.leaves {
		s.order = append(s.order, i)
	}
	byPath := func(i, j int) int { return strings.Compare(path(i), path(j)) }
	if !slices.IsSortedFunc(s.order, byPath) {
		slices.SortStableFunc(s.order, byPath)
	}
	out := make([]Leaf, 0, len(s.leaves))
	for at, i := range s.order {
		if at+1 < len(s.order) && path(s.order[at+1]) == path(i) {
			continue
		}
		l := s.leaves[i]
		l.Path = Path(path(i))
		out = append(out, l)
	}
	return out
}

func (s *splitter) bson(doc []byte, depth int) error {
	if depth > MaxDepth {
		return fail(ErrDepth, "")
	}
	r, err := elements(doc)
	if err != nil {
		return err
	}
	for {
		el, ok, err := r.next()
		if err != nil || !ok {
			return err
		}
		if len(s.leaves) > MaxUnits && !s.whole {
			return nil
		}
		at := len(s.prefix)
		if !s.enter(el.key) {
			continue
		}
		if s.whole || el.typ != bson.TypeEmbeddedDocument || s.isCounter() || isLeafDocument(el.val) {
			s.leaf(Leaf{M: bson.RawValue{Type: el.typ, Value: el.val}})
		} else if err := s.bson(el.val, depth+1); err != nil {
			return under(el.key, err)
		}
		s.prefix = s.prefix[:at]
	}
}

// isLeafDocument reports whether an embedded document is one unit: it is
// empty, would be taken for an Extended JSON object in Ditto, or is what an
// attachment looks like. (A malformed one is taken apart, which reports it.)
func isLeafDocument(doc []byte) bool {
	r, err := elements(doc)
	if err != nil {
		return false
	}
	n, parts := 0, 0
	for ; ; n++ {
		el, ok, err := r.next()
		if err != nil {
			return false
		}
		if !ok {
			break
		}
		if isTypeKey(el.key) {
			return true
		}
		switch {
		case string(el.key) == "id" && el.typ == bson.TypeString:
			parts |= 1
		case string(el.key) == "len" && (el.typ == bson.TypeInt32 || el.typ == bson.TypeInt64):
			parts |= 2
		case string(el.key) == "metadata" && el.typ == bson.TypeEmbeddedDocument:
			parts |= 4
		}
	}
	return n == 0 || n == 3 && parts == 7
}

func (s *splitter) json(t *tape, n int) error {
	for i := n + 1; i < int(t.nodes[n].next); i = int(t.nodes[i+1].next) {
		if len(s.leaves) > MaxUnits && !s.whole {
			return nil
		}
		key := t.str(i)
		if t.nodes[i].escaped && strings.IndexByte(string(key), 0) >= 0 {
			return fail(ErrNulKey, "")
		}
		at := len(s.prefix)
		if !s.enter(key) {
			continue
		}
		if s.whole || t.isLeaf(i+1) || s.isCounter() {
			s.leaf(Leaf{D: t.raw(i + 1)})
			s.nodes = append(s.nodes, i+1)
		} else if err := s.json(t, i+1); err != nil {
			return under(key, err)
		}
		s.prefix = s.prefix[:at]
	}
	return nil
}

// isLeaf reports whether node n is one unit.
func (t *tape) isLeaf(n int) bool {
	return t.nodes[n].kind != objectKind || t.nodes[n].size == 0 || t.typeKey(n) >= 0 || t.isAttachment(n, true)
}

// IsAttachment reports whether js is what a Ditto attachment looks like: an
// object of exactly `id`, a string, `len`, an integer, and `metadata`, an
// object. It is opaque: never rewritten towards Ditto.
func IsAttachment(js []byte) bool {
	if !startsObject(js) {
		return false
	}
	r := borrow()
	defer r.free()
	t, err := scan(js, r)
	return err == nil && t.isAttachment(0, false)
}

// isAttachment is IsAttachment for node n. With wrapped, `len` may also be an
// Extended JSON integer: no attachment, but a MongoDB document that looks like
// one, and that has to be one unit on both sides.
func (t *tape) isAttachment(n int, wrapped bool) bool {
	if t.nodes[n].kind != objectKind || t.nodes[n].size != 3 {
		return false
	}
	id, size, meta := t.member(n, "id"), t.member(n, "len"), t.member(n, "metadata")
	if id < 0 || size < 0 || meta < 0 || t.nodes[id].kind != stringKind || t.nodes[meta].kind != objectKind || t.typeKey(meta) >= 0 {
		return false
	}
	if t.nodes[size].kind == intKind {
		return true
	}
	key := t.typeKey(size)
	return wrapped && key >= 0 && (string(t.str(key)) == "$numberInt" || string(t.str(key)) == "$numberLong")
}
