package mongodb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Store reads and writes the synced documents.
type Store struct{ DB Database }

// FieldValues are the values that a mapped field may have in MongoDB for one
// Ditto id.
type FieldValues struct {
	Name   string
	Values []bson.RawValue
}

// idsPerFind cuts long lists: SecantusDB takes four times as long for twice the
// ids, and a request must stay under 16 MiB.
const idsPerFind = 250

// FindIDs reads the documents with these `_id`s, each once, compared as
// MongoDB does (5 finds 5.0). Given fields, only those and `_id` are returned.
func (s Store) FindIDs(ctx context.Context, collection string, ids []bson.RawValue, fields ...string) ([]bson.Raw, error) {
	// A regular expression cannot be an `_id`, and in $in would be a pattern.
	ids = slices.DeleteFunc(slices.Clone(ids), func(v bson.RawValue) bool { return v.Type == bson.TypeRegex })
	var found [][]bson.Raw
	for len(ids) > 0 {
		n := min(len(ids), idsPerFind)
		docs, err := s.DB.Find(ctx, collection, d("_id", in(ids[:n])), projection(fields))
		if err != nil {
			return nil, fmt.Errorf("read documents: %w", err)
		}
		found = append(found, docs)
		ids = ids[n:]
	}
	return merge(found), nil
}

// FindMapped reads the documents whose mapped fields have the candidate
// values of any key; keys[i] lists the fields of one Ditto id, the same fields
// in every key. It may return more: a plain filter takes 5 for 5.0 and an
// array for its elements, and several keys are asked for together. The caller
// computes each document's id and drops what it did not look for.
func (s Store) FindMapped(ctx context.Context, collection string, keys [][]FieldValues, fields ...string) ([]bson.Raw, error) {
	var found [][]bson.Raw
	for len(keys) > 0 {
		n := min(len(keys), idsPerFind)
		filter, err := mappedFilter(keys[:n])
		if err != nil {
			return nil, err
		}
		docs, err := s.DB.Find(ctx, collection, filter, projection(fields))
		if err != nil {
			return nil, fmt.Errorf("read documents by mapped fields: %w", err)
		}
		found = append(found, docs)
		keys = keys[n:]
	}
	return merge(found), nil
}

// merge joins the answers to several finds, with each document once.
func merge(found [][]bson.Raw) []bson.Raw {
	if len(found) == 1 {
		return found[0]
	}
	var out []bson.Raw
	seen := map[string]bool{}
	for _, docs := range found {
		for _, doc := range docs {
			id := doc.Lookup("_id")
			key := string(append([]byte{byte(id.Type)}, id.Value...))
			if !seen[key] {
				seen[key] = true
				out = append(out, doc)
			}
		}
	}
	return out
}

// mappedFilter groups the keys that agree in all fields but one, so that the
// usual case (one field, or one tenant) is a single $in that every index
// serves.
func mappedFilter(keys [][]FieldValues) (bson.D, error) {
	width := len(keys[0])
	vary := mostVaried(keys)
	type group struct {
		key    []FieldValues
		values []bson.RawValue
	}
	var groups []*group
	byRest := map[string]*group{}
	for _, key := range keys {
		if len(key) != width || width == 0 {
			return nil, errors.New("mapped fields differ between keys")
		}
		var rest []byte
		for i, f := range key {
			if i != vary {
				rest = appendValues(rest, f.Values)
			}
		}
		g := byRest[string(rest)]
		if g == nil {
			g = &group{key: key}
			byRest[string(rest)] = g
			groups = append(groups, g)
		}
		g.values = append(g.values, key[vary].Values...)
	}
	or := make(bson.A, len(groups))
	for i, g := range groups {
		branch := make(bson.D, width)
		for j, f := range g.key {
			values := f.Values
			if j == vary {
				values = g.values
			}
			branch[j] = bson.E{Key: f.Name, Value: in(values)}
		}
		or[i] = branch
	}
	if len(or) == 1 {
		return or[0].(bson.D), nil
	}
	return d("$or", or), nil
}

func mostVaried(keys [][]FieldValues) (best int) {
	most := 0
	for i := range keys[0] {
		distinct := map[string]bool{}
		for _, key := range keys {
			if i < len(key) {
				distinct[string(appendValues(nil, key[i].Values))] = true
			}
		}
		if len(distinct) > most {
			best, most = i, len(distinct)
		}
	}
	return best
}

func appendValues(b []byte, values []bson.RawValue) []byte {
	for _, v := range values {
		b = append(append(b, byte(v.Type)), v.Value...)
	}
	return append(b, 0xff)
}

func in(values []bson.RawValue) bson.D {
	list := make(bson.A, len(values))
	for i, v := range values {
		list[i] = v
	}
	return d("$in", list)
}

func projection(fields []string) bson.D {
	if len(fields) == 0 {
		return nil
	}
	p := make(bson.D, len(fields))
	for i, f := range fields {
		p[i] = bson.E{Key: f, Value: 1}
	}
	return p
}
