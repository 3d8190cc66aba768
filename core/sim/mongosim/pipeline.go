package mongosim

import (
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// apply runs an update pipeline.
func (w *writer) apply(doc bson.Raw, pipeline bson.A) (bson.Raw, error) {
	for _, s := range pipeline {
		stage, ok := s.(bson.D)
		if !ok || len(stage) != 1 {
			return nil, fmt.Errorf("pipeline stage %T is not supported", s)
		}
		env := w.env.with(doc)
		switch name, arg := stage[0].Key, stage[0].Value; name {
		case "$replaceWith":
			v, err := env.eval(arg)
			if err != nil {
				return nil, err
			}
			if v.Type != bson.TypeEmbeddedDocument {
				return nil, fmt.Errorf("$replaceWith %s", typeName(v.Type))
			}
			doc = v.Value
		case "$set":
			fields, ok := arg.(bson.D)
			if !ok {
				return nil, fmt.Errorf("$set of %T is not supported", arg)
			}
			for _, f := range fields {
				if strings.HasPrefix(f.Key, "$") {
					return nil, fmt.Errorf("$set of %s: names of fields in paths do not start with '$'", f.Key)
				}
				v, err := env.eval(f.Value)
				if err != nil {
					return nil, err
				}
				if doc, err = setPath(doc, strings.Split(f.Key, "."), v); err != nil {
					return nil, err
				}
			}
		case "$unset":
			name, ok := arg.(string)
			if !ok || strings.Contains(name, ".") {
				return nil, fmt.Errorf("$unset of %v is not supported", arg)
			}
			doc = setField(doc, name, bson.RawValue{})
		default:
			return nil, fmt.Errorf("pipeline stage %s is not supported", name)
		}
	}
	return doc, nil
}

// setPath sets a dotted path of $set, making objects on the way.
func setPath(doc bson.Raw, path []string, v bson.RawValue) (bson.Raw, error) {
	if len(path) > 1 {
		inner := lookup(doc, path[0])
		switch inner.Type {
		case bson.TypeEmbeddedDocument:
		case bson.TypeArray:
			return nil, fmt.Errorf("$set through the array %s is not supported", path[0])
		default:
			inner = object(empty)
		}
		changed, err := setPath(inner.Value, path[1:], v)
		if err != nil {
			return nil, err
		}
		v = object(changed)
	}
	return setField(doc, path[0], v), nil
}

// projection is a compiled projection: the fields that it keeps, and those that
// it computes.
type projection struct {
	whole    bool
	keep     []string
	computed bson.D
}

func compileProjection(d bson.D) (p projection, err error) {
	p.whole, p.keep = d == nil, append(make([]string, 0, len(d)+1), "_id")
	for i := range d {
		e := &d[i]
		if strings.ContainsAny(e.Key, ".$") {
			return p, fmt.Errorf("projection of %s is not supported", e.Key)
		}
		if e.Value == 1 {
			p.keep = append(p.keep, e.Key)
			continue
		}
		if s, ok := e.Value.(string); !ok || !strings.HasPrefix(s, "$") {
			return p, fmt.Errorf("projection %s: %v is not supported", e.Key, e.Value)
		}
		p.computed = append(p.computed, *e)
	}
	return p, nil
}

// of returns the fields that the projection names, in the document's order, and
// after them those that it computes.
func (p *projection) of(doc bson.Raw, env *env) (bson.Raw, error) {
	if p.whole {
		return doc, nil
	}
	computed := empty
	for _, e := range p.computed {
		v, err := env.with(doc).eval(e.Value)
		if err != nil {
			return nil, err
		}
		if v.Type != 0 {
			computed = setField(computed, e.Key, v)
		}
	}
	keep := func(name []byte) bool {
		return slices.ContainsFunc(p.keep, func(k string) bool { return k == string(name) })
	}
	return filterFields(doc, keep, computed), nil
}
