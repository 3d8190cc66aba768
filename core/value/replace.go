package value

import (
	"encoding/binary"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// ReplaceJSON returns doc with v at p; a nil v removes what is there. Missing
// parents are made, and a parent that is no object gives way to one; a removal
// makes nothing, and leaves emptied parents behind. Keys are sorted on the way
// to p. doc itself is not changed.
func ReplaceJSON(doc []byte, p Path, v []byte) ([]byte, error) {
	if v != nil {
		if err := Valid(v); err != nil {
			return nil, err
		}
	}
	if p == "" {
		return slices.Clone(v), nil
	}
	fields, err := Members(doc)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return replaceJSON(make([]byte, 0, len(doc)+len(v)+len(p)+8), fields, p, v)
}

func replaceJSON(dst []byte, fields []Field, p Path, v []byte) ([]byte, error) {
	name, rest := p.cut()
	at, found := slices.BinarySearchFunc(fields, name, func(f Field, name string) int { return strings.Compare(f.Name, name) })
	switch {
	case found && rest == "" && v == nil:
		fields = slices.Delete(fields, at, at+1)
		found = false
	case found:
	case v != nil:
		fields, found = slices.Insert(fields, at, Field{Name: name}), true
	}
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		var ok bool
		if dst, ok = appendString(dst, []byte(f.Name)); !ok {
			return nil, fail(ErrSyntax, "a path that is not UTF-8")
		}
		dst = append(dst, ':')
		if !found || i != at {
			dst = append(dst, f.Value...)
			continue
		}
		if rest == "" {
			dst = append(dst, v...)
			continue
		}
		var below []Field
		if startsObject(f.Value) {
			var err error
			if below, err = Members(f.Value); err != nil {
				return nil, err
			}
			slices.SortFunc(below, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
		} else if v == nil {
			dst = append(dst, f.Value...)
			continue
		}
		var err error
		if dst, err = replaceJSON(dst, below, rest, v); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// ReplaceBSON returns doc with v at p, in the place of what is there or else
// at the end; the zero RawValue removes. Otherwise it does as ReplaceJSON.
func ReplaceBSON(doc bson.Raw, p Path, v bson.RawValue) (bson.Raw, error) {
	if p == "" {
		return slices.Clone(bson.Raw(v.Value)), nil
	}
	dst := make([]byte, 0, len(doc)+len(v.Value)+2*len(p)+16)
	return replaceBSON(dst, doc, p, raw{v.Type, v.Value})
}

// emptyDocument is a BSON document without elements.
const emptyDocument = "\x05\x00\x00\x00\x00"

func replaceBSON(dst, doc []byte, p Path, v raw) ([]byte, error) {
	name, rest := p.cut()
	r, err := elements(doc)
	if err != nil {
		return nil, err
	}
	begin, done := len(dst), false
	dst = append(dst, 0, 0, 0, 0)
	for {
		el, ok, err := r.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		switch {
		case string(el.key) != name:
			dst = appendElement(dst, el.typ, el.key, el.val)
			continue
		case done: // a repeated name
			continue
		}
		done = true
		switch {
		case rest == "" && v.t == 0:
		case rest == "":
			dst = appendElement(dst, v.t, el.key, v.v)
		case el.typ == bson.TypeEmbeddedDocument:
			dst, err = replaceBSON(appendElement(dst, el.typ, el.key, nil), el.val, rest, v)
		case v.t == 0:
			dst = appendElement(dst, el.typ, el.key, el.val)
		default:
			dst, err = replaceBSON(appendElement(dst, bson.TypeEmbeddedDocument, el.key, nil), []byte(emptyDocument), rest, v)
		}
		if err != nil {
			return nil, err
		}
	}
	if !done && v.t != 0 {
		if rest == "" {
			dst = appendElement(dst, v.t, []byte(name), v.v)
		} else if dst, err = replaceBSON(appendElement(dst, bson.TypeEmbeddedDocument, []byte(name), nil), []byte(emptyDocument), rest, v); err != nil {
			return nil, err
		}
	}
	dst = append(dst, 0)
	binary.LittleEndian.PutUint32(dst[begin:], uint32(len(dst)-begin))
	return dst, nil
}

func appendElement(dst []byte, t bson.Type, key, val []byte) []byte {
	dst = append(dst, byte(t))
	dst = append(dst, key...)
	dst = append(dst, 0)
	return append(dst, val...)
}
