package dql

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/causeway-sync/causeway/core/value"
)

// isObject reports whether js, which is compact, is an object.
func isObject(js []byte) bool { return len(js) > 0 && js[0] == '{' }

// fields are the members of an object, sorted; none for anything else.
func fields(js []byte) []value.Field {
	if !isObject(js) {
		return nil
	}
	out, err := value.Members(js)
	if err != nil {
		return nil
	}
	slices.SortFunc(out, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// pair is a name that either of two objects has, with both its values.
type pair struct {
	name string
	a, b []byte
}

// zip goes through the members of two objects in one order.
func zip(a, b []byte) []pair {
	as, bs := fields(a), fields(b)
	out := make([]pair, 0, max(len(as), len(bs)))
	for len(as) > 0 || len(bs) > 0 {
		switch {
		case len(bs) == 0 || len(as) > 0 && as[0].Name < bs[0].Name:
			out = append(out, pair{as[0].Name, as[0].Value, nil})
			as = as[1:]
		case len(as) == 0 || bs[0].Name < as[0].Name:
			out = append(out, pair{bs[0].Name, nil, bs[0].Value})
			bs = bs[1:]
		default:
			out = append(out, pair{as[0].Name, as[0].Value, bs[0].Value})
			as, bs = as[1:], bs[1:]
		}
	}
	return out
}

// same reports whether two values are one to Ditto: equal but for the order of
// keys, blanks, and the spelling of a whole number.
func same(a, b []byte) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if bytes.Equal(a, b) {
		return true
	}
	ca, errA := value.Canonical(nil, a)
	cb, errB := value.Canonical(nil, b)
	return errA == nil && errB == nil && bytes.Equal(ca, cb)
}

// objects are the paths of all objects in js, which stands at p, p included.
func objects(p value.Path, js []byte) []value.Path {
	if !isObject(js) {
		return nil
	}
	out := []value.Path{p}
	for _, f := range fields(js) {
		out = append(out, objects(p.Child(f.Name), f.Value)...)
	}
	return out
}

// integer is js as a counter takes it, if it is a whole number that fits.
func integer(js []byte) ([]byte, bool) {
	if _, err := strconv.ParseInt(string(js), 10, 64); err == nil {
		return js, true
	}
	c, err := value.Canonical(nil, js)
	if err != nil {
		return nil, false
	}
	_, err = strconv.ParseInt(string(c), 10, 64)
	return c, err == nil
}
