package value

import "strconv"

// Canonical appends js with one spelling for each value: compact, keys sorted
// bytewise, of a repeated key the last, integral floats as integers, -0.0 as
// 0, every other number in Ditto's spelling. On an error dst comes back as it
// was.
func Canonical(dst, js []byte) ([]byte, error) {
	var room [64]node
	t, err := scan(js, room[:])
	if err != nil {
		return dst, err
	}
	var some [32]member
	c := canonicalizer{tape: &t, dst: dst, members: some[:0]}
	if err := c.value(0); err != nil {
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
	var room [1024]byte
	if c, err := Canonical(room[:0], js); err == nil {
		return sum(c)
	}
	return sum(js)
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
		c.string(m.node - 1)
		c.dst = append(c.dst, ':')
		if err := c.value(m.node); err != nil {
			return under(m.key, err)
		}
	}
	c.members = c.members[:base]
	c.dst = append(c.dst, '}')
	return nil
}
