package mongosim

import (
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// filter is a compiled filter: all of its conditions must hold.
type filter struct {
	fields []condition
	or     [][]filter // each: one must match
	exprs  []any
}

// condition is field: {$in: values}; a plain equality is a list of one.
type condition struct {
	exists *bool  // {$exists: …}, and nothing else
	field  string // a path with dots
	keys   []string
	lookup map[string]bool // keys, when they are many
	null   bool            // null among them: a missing field matches too
	equal  bson.RawValue   // of an equality, for upserts
}

// manyKeys is from where a map finds a key quicker than a search does.
const manyKeys = 16

func (c *condition) has(key string) bool {
	if c.lookup != nil {
		return c.lookup[key]
	}
	return slices.Contains(c.keys, key)
}

func compile(d bson.D) (f filter, err error) {
	f.fields = make([]condition, 0, len(d))
	for i := range d {
		e := &d[i]
		switch {
		case e.Key == "$or":
			list, ok := e.Value.(bson.A)
			if !ok || len(list) == 0 {
				return f, fmt.Errorf("$or needs a list")
			}
			or := make([]filter, len(list))
			for i, v := range list {
				branch, ok := v.(bson.D)
				if !ok {
					return f, fmt.Errorf("$or of %T is not supported", v)
				}
				if or[i], err = compile(branch); err != nil {
					return f, err
				}
			}
			f.or = append(f.or, or)
		case e.Key == "$expr":
			f.exprs = append(f.exprs, e.Value)
		case strings.HasPrefix(e.Key, "$"):
			return f, fmt.Errorf("filter operator %s is not supported", e.Key)
		default:
			f.fields = append(f.fields, condition{field: e.Key})
			if err := f.fields[len(f.fields)-1].compile(e.Value); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

func (c *condition) compile(want any) error {
	one := [1]any{want}
	values := one[:]
	if d, ok := want.(bson.D); ok && len(d) > 0 && strings.HasPrefix(d[0].Key, "$") {
		list, isList := d[0].Value.(bson.A)
		switch {
		case len(d) == 1 && d[0].Key == "$in" && isList:
			values = list
		case len(d) == 1 && d[0].Key == "$exists" && !strings.Contains(c.field, "."):
			exists, ok := d[0].Value.(bool)
			if !ok {
				return fmt.Errorf("filter on %s: $exists needs a boolean", c.field)
			}
			c.exists = &exists
			return nil
		case len(d) == 1 && d[0].Key == "$eq":
			one[0] = d[0].Value
		default:
			return fmt.Errorf("filter on %s: operators other than one $in, $eq or $exists are not supported (%s)", c.field, d[0].Key)
		}
	}
	if c.keys = make([]string, 0, len(values)); len(values) >= manyKeys {
		c.lookup = make(map[string]bool, len(values))
	}
	for _, v := range values {
		raw, err := toRaw(v)
		if err != nil {
			return err
		}
		if raw.Type == bson.TypeRegex {
			return fmt.Errorf("filter on %s: a regular expression is not supported", c.field)
		}
		if k := key(raw); !c.has(k) {
			c.keys = append(c.keys, k)
			if c.lookup != nil {
				c.lookup[k] = true
			}
		}
		c.null = c.null || raw.Type == bson.TypeNull
		c.equal = raw
	}
	if len(values) != 1 {
		c.equal = bson.RawValue{}
	}
	return nil
}

// ids are the keys of the only `_id`s that can match, if the filter names them.
func (f *filter) ids() ([]string, bool) {
	for i := range f.fields {
		if c := &f.fields[i]; c.exists == nil && c.field == "_id" {
			return c.keys, true
		}
	}
	if len(f.or) == 0 {
		return nil, false
	}
	var all []string
	for i := range f.or[0] {
		ids, ok := f.or[0][i].ids()
		if !ok {
			return nil, false
		}
		all = append(all, ids...)
	}
	return all, true
}

func (f *filter) match(doc bson.Raw, env *env) (bool, error) {
	for i := range f.fields {
		if !f.fields[i].match(doc) {
			return false, nil
		}
	}
	for _, or := range f.or {
		matched := false
		for i := 0; i < len(or) && !matched; i++ {
			var err error
			if matched, err = or[i].match(doc, env); err != nil {
				return false, err
			}
		}
		if !matched {
			return false, nil
		}
	}
	for _, e := range f.exprs {
		v, err := env.with(doc).eval(e)
		if err != nil || !truthy(v) {
			return false, err
		}
	}
	return true, nil
}

func (c *condition) match(doc bson.Raw) bool {
	if c.exists != nil {
		return (lookup(doc, c.field).Type != 0) == *c.exists
	}
	return c.matchAt(object(doc), c.field, true)
}

// matchAt follows MongoDB's rules: a path goes through arrays, an array
// matches when it or one of its elements does, null matches a missing field.
func (c *condition) matchAt(v bson.RawValue, path string, more bool) bool {
	if !more {
		if c.matches(v) {
			return true
		}
		for _, element := range elements(v) {
			if c.matches(element) {
				return true
			}
		}
		return false
	}
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		name, rest, more := strings.Cut(path, ".")
		inner := lookup(v.Value, name)
		if inner.Type == 0 {
			return c.null
		}
		return c.matchAt(inner, rest, more)
	case bson.TypeArray:
		for _, element := range elements(v) {
			if element.Type == bson.TypeEmbeddedDocument && c.matchAt(element, path, true) {
				return true
			}
		}
		return false
	}
	return c.null
}

func (c *condition) matches(v bson.RawValue) bool {
	var room [64]byte
	k := appendKey(room[:0], v)
	if c.lookup != nil {
		return c.lookup[string(k)]
	}
	return slices.ContainsFunc(c.keys, func(have string) bool { return have == string(k) })
}

// seed is the document that an upsert starts from: the filter's equalities.
func (f *filter) seed() bson.Raw {
	doc := empty
	for i := range f.fields {
		if c := &f.fields[i]; c.equal.Type != 0 && !strings.Contains(c.field, ".") {
			doc = setField(doc, c.field, c.equal)
		}
	}
	return doc
}
