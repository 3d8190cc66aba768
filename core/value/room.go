package value

import "sync"

// room is working memory. None of it points anywhere, so that keeping it keeps
// no document alive, and the collector does not look into it.
type room struct {
	nodes   []node
	members []member
	elems   []elem
	keys    []byte // keys of members that had escapes
	a, b    []byte
}

// rooms saves the conversions their allocations; it holds nothing else.
var rooms = sync.Pool{New: func() any { return new(room) }}

func borrow() *room { return rooms.Get().(*room) }

// free gives r back, unless a large document blew it up.
func (r *room) free() {
	const most = 1 << 16
	if cap(r.nodes) <= most && cap(r.members) <= most && cap(r.elems) <= most &&
		cap(r.keys) <= most && cap(r.a) <= 1<<20 && cap(r.b) <= 1<<20 {
		rooms.Put(r)
	}
}
