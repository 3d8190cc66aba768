package value

import "sync"

// room is working memory. Kept, it points to no document, so that it keeps none
// alive.
type room struct {
	tape    tape
	members []member
	elems   []elem
	ends    []int
	nodes   []int
	order   []int
	leaves  []Leaf
	a, b, c []byte
}

// rooms saves the conversions their allocations; it holds nothing else.
var rooms = sync.Pool{New: func() any { return new(room) }}

func borrow() *room { return rooms.Get().(*room) }

// free gives r back, unless a large document blew it up.
func (r *room) free() {
	const most = 1 << 16
	if cap(r.tape.nodes) <= most && cap(r.members) <= most && cap(r.elems) <= most && cap(r.ends) <= most && cap(r.nodes) <= most && cap(r.order) <= most &&
		cap(r.leaves) <= 2*MaxUnits && cap(r.tape.keys) <= most && cap(r.a) <= 1<<20 && cap(r.b) <= 1<<20 && cap(r.c) <= 1<<20 {
		r.tape.src = nil
		rooms.Put(r)
	}
}
