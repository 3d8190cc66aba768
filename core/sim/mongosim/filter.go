package mongosim

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// filter is a compiled filter: all of its conditions must hold.
type filter struct {
	fields []condition
	or     [][]*filter // each: one must match
	exprs  []any
}

// condition is field: {$in: values}; a plain equality is a list of one.
type condition struct {
	exists *bool // {$exists: …}, and nothing else
	field  []string
	values map[string]bool // keys
	null   bool            // null among them: a missing field matches too
	equal  bson.RawValue   // of an equality, for upserts
	order  []string        // the keys, in the order given
}

func compile(d bson.D) (*filter, error) {
	f := &filter{}
	for _, e := range d {
		switch {
		case e.Key == "$or":
			list, ok := e.Value.(bson.A)
			if !ok || len(list) == 0 {
				return nil, fmt.Errorf("$or needs a list")
			}
			var or []*filter
			for _, v := range list {
				branch, ok := v.(bson.D)
				if !ok {
					return nil, fmt.Errorf("$or of %T is not supported", v)
				}
				b, err := compile(branch)
				if err != nil {
					return nil, err
				}
				or = append(or, b)
			}
			f.or = append(f.or, or)
		case e.Key == "$expr":
			f.exprs = append(f.exprs, e.Value)
		case strings.HasPrefix(e.Key, "$"):
			return nil, fmt.Errorf("filter operator %s is not supported", e.Key)
		default:
			c, err := compileCondition(e)
			if err != nil {
				return nil, err
			}
			f.fields = append(f.fields, c)
		}
	}
	return f, nil
}

func compileCondition(e bson.E) (condition, error) {
	c := condition{field: strings.Split(e.Key, "."), values: map[string]bool{}}
	values := bson.A{e.Value}
	if d, ok := e.Value.(bson.D); ok && len(d) > 0 && strings.HasPrefix(d[0].Key, "$") {
		list, isList := d[0].Value.(bson.A)
		switch {
		case len(d) == 1 && d[0].Key == "$in" && isList:
			values = list
		case len(d) == 1 && d[0].Key == "$exists" && len(c.field) == 1:
			exists, ok := d[0].Value.(bool)
			if !ok {
				return c, fmt.Errorf("filter on %s: $exists needs a boolean", e.Key)
			}
			c.exists = &exists
			return c, nil
		case len(d) == 1 && d[0].Key == "$eq":
			values = bson.A{d[0].Value}
		default:
			return c, fmt.Errorf("filter on %s: operators other than one $in, $eq or $exists are not supported (%s)", e.Key, d[0].Key)
		}
	}
	for _, v := range values {
		raw, err := toRaw(v)
		if err != nil {
			return c, err
		}
		if raw.Type == bson.TypeRegex {
			return c, fmt.Errorf("filter on %s: a regular expression is not supported", e.Key)
		}
		k := key(raw)
		if !c.values[k] {
			c.values[k] = true
			c.order = append(c.order, k)
		}
		c.null = c.null || raw.Type == bson.TypeNull
		c.equal = raw
	}
	if len(values) != 1 {
		c.equal = bson.RawValue{}
	}
	return c, nil
}

// ids are the keys of the only `_id`s that can match, if the filter names them.
func (f *filter) ids() ([]string, bool) {
	for _, c := range f.fields {
		if c.exists == nil && len(c.field) == 1 && c.field[0] == "_id" {
			return c.order, true
		}
	}
	if len(f.or) == 0 {
		return nil, false
	}
	var all []string
	for _, branch := range f.or[0] {
		ids, ok := branch.ids()
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
		for _, branch := range or {
			ok, err := branch.match(doc, env)
			if err != nil {
				return false, err
			}
			if matched = ok; matched {
				break
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
		return (doc.Lookup(c.field[0]).Type != 0) == *c.exists
	}
	return c.matchAt(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}, c.field)
}

// matchAt follows MongoDB's rules: a path goes through arrays, an array
// matches when it or one of its elements does, null matches a missing field.
func (c *condition) matchAt(v bson.RawValue, path []string) bool {
	if len(path) == 0 {
		if c.values[key(v)] {
			return true
		}
		for _, element := range elements(v) {
			if c.values[key(element)] {
				return true
			}
		}
		return false
	}
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		inner := bson.Raw(v.Value).Lookup(path[0])
		if inner.Type == 0 {
			return c.null
		}
		return c.matchAt(inner, path[1:])
	case bson.TypeArray:
		for _, element := range elements(v) {
			if element.Type == bson.TypeEmbeddedDocument && c.matchAt(element, path) {
				return true
			}
		}
		return false
	}
	return c.null
}

// seed is the document that an upsert starts from: the filter's equalities.
func (f *filter) seed() bson.Raw {
	doc := empty
	for _, c := range f.fields {
		if c.equal.Type != 0 && len(c.field) == 1 {
			doc = setField(doc, c.field[0], c.equal)
		}
	}
	return doc
}
