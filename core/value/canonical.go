package value

import "strconv"

// Canonical appends js with one spelling for each value: compact, keys sorted
// bytewise, of a repeated key the last, integral floats as integers, -0.0 as
// 0, every other number in Ditto's spelling. On an error dst comes back as it
// was.
func Canonical(dst, js []byte) ([]byte, error) {
	r := borrow()
	defer r.free()
	return canonical(dst, js, r)
}

func canonical(dst, js []byte, r *room) ([]byte, error) {
	t, err := scan(js, r)
	if err != nil {
		return dst, err
	}
	c := canonicalizer{tape: t, dst: dst, members: r.members[:0]}
	err = c.value(0)
	r.members = c.members
	if err != nil {
		return dst, err
	}
	return c.dst, nil
}

// HashJSON is the hash of a Ditto value: of its canonical form; Absent for an
// empty js. What is not JSON is hashed as it stands.
func HashJSON(js []byte) Hash {
	if len(js) == 0 {
		return Absent
	}
	r := borrow()
	defer r.free()
	var err error
	if r.a, err = canonical(r.a[:0], js, r); err != nil {
		return sum(js)
	}
	return sum(r.a)
}

// hash is HashJSON of node n, made in r.c.
func (t *tape) hash(n int, r *room) Hash {
	c := canonicalizer{tape: t, dst: r.c[:0], members: r.members[:0]}
	err := c.value(n)
	r.c, r.members = c.dst, c.members
	if err != nil {
		return sum(t.raw(n))
	}
	return sum(c.dst)
}

// Valid reports what is wrong with js as JSON, in MaxDepth and UTF-8 too.
func Valid(js []byte) error {
	r := borrow()
	defer r.free()
	_, err := scan(js, r)
	return err
}

type canonicalizer struct {
	*tape
	dst     []byte
	members []member // of the objects that are being written, the outermost first
}

func (c *canonicalizer) value(n int) (err error) {
	v := &c.nodes[n]
	switch v.kind {
	case intKind, floatKind:
		c.dst, err = appendCanonicalNumber(c.dst, c.raw(n), v.kind)
		return err
	case stringKind:
		c.string(n)
	case arrayKind:
		return c.array(n)
	case objectKind:
		return c.object(n)
	default:
		c.dst = append(c.dst, c.raw(n)...)
	}
	return nil
}

func (c *canonicalizer) string(n int) {
	if c.nodes[n].escaped {
		c.dst, _ = appendString(c.dst, c.str(n))
		return
	}
	c.dst = append(c.dst, c.raw(n)...)
}

func (c *canonicalizer) array(n int) error {
	c.dst = append(c.dst, '[')
	at := 0
	for i := n + 1; i < int(c.nodes[n].next); i = int(c.nodes[i].next) {
		if at > 0 {
			c.dst = append(c.dst, ',')
		}
		if err := c.value(i); err != nil {
			return under(strconv.AppendInt(nil, int64(at), 10), err)
		}
		at++
	}
	c.dst = append(c.dst, ']')
	return nil
}

func (c *canonicalizer) object(n int) error {
	base := len(c.members)
	c.members = c.tape.members(c.members, n)
	c.dst = append(c.dst, '{')
	for i, end := base, len(c.members); i < end; i++ {
		if i > base {
			c.dst = append(c.dst, ',')
		}
		m := c.members[i]
		c.string(int(m.node) - 1)
		c.dst = append(c.dst, ':')
		if err := c.value(int(m.node)); err != nil {
			return under(c.key(m), err)
		}
	}
	c.members = c.members[:base]
	c.dst = append(c.dst, '}')
	return nil
}
