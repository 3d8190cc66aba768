package mongosim

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// env is what an expression sees. The zero RawValue is a missing value.
type env struct {
	root bson.Raw
	now  bson.RawValue
}

func (e *env) with(root bson.Raw) *env {
	if e == nil {
		return &env{root: root}
	}
	return &env{root: root, now: e.now}
}

func (e *env) eval(x any) (bson.RawValue, error) {
	switch x := x.(type) {
	case string:
		return e.text(x)
	case bson.D:
		if len(x) == 1 && strings.HasPrefix(x[0].Key, "$") {
			return e.operator(x[0].Key, x[0].Value)
		}
		return e.object(x)
	case bson.A, bson.RawValue, bson.Raw:
		return bson.RawValue{}, fmt.Errorf("a %T as an expression is not supported: use $literal", x)
	}
	return toRaw(x)
}

func (e *env) text(s string) (bson.RawValue, error) {
	name, isVariable := strings.CutPrefix(s, "$$")
	path, isPath := strings.CutPrefix(s, "$")
	switch {
	case isVariable:
		switch name {
		case "ROOT":
			return object(e.root), nil
		case "REMOVE":
			return bson.RawValue{}, nil
		case "NOW":
			if e.now.Type == 0 {
				return e.now, errors.New("$$NOW is not known here")
			}
			return e.now, nil
		}
		return bson.RawValue{}, fmt.Errorf("variable %s is not supported", s)
	case isPath:
		for rest, more := path, true; more; {
			var name string
			if name, rest, more = strings.Cut(rest, "."); name == "" || name[0] == '$' {
				return bson.RawValue{}, fmt.Errorf("field path %q is not valid", s)
			}
		}
		return fieldPath(object(e.root), path, true), nil
	}
	return text(s), nil
}

// fieldPath goes through arrays, collecting what their elements have.
func fieldPath(v bson.RawValue, path string, more bool) bson.RawValue {
	if !more {
		return v
	}
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		name, rest, more := strings.Cut(path, ".")
		return fieldPath(lookup(v.Value, name), rest, more)
	case bson.TypeArray:
		var list []bson.RawValue
		for _, element := range elements(v) {
			if element.Type != bson.TypeEmbeddedDocument && element.Type != bson.TypeArray {
				continue
			}
			if found := fieldPath(element, path, true); found.Type != 0 {
				list = append(list, found)
			}
		}
		return array(list)
	}
	return bson.RawValue{}
}

func (e *env) object(d bson.D) (bson.RawValue, error) {
	doc := make(bson.Raw, 4, 128)
	for i, field := range d {
		if strings.HasPrefix(field.Key, "$") || strings.Contains(field.Key, ".") {
			return bson.RawValue{}, fmt.Errorf("field %q of an object expression is not valid", field.Key)
		}
		v, err := e.eval(field.Value)
		if err != nil {
			return v, err
		}
		if slices.ContainsFunc(d[:i], func(e bson.E) bool { return e.Key == field.Key }) {
			return bson.RawValue{}, fmt.Errorf("field %q of an object expression is there twice", field.Key)
		}
		if v.Type != 0 {
			doc = appendField(doc, field.Key, v)
		}
	}
	return object(finish(doc)), nil
}

func (e *env) operator(name string, arg any) (bson.RawValue, error) {
	list, isList := arg.(bson.A)
	wants := func(n int) error {
		if !isList || len(list) != n {
			return fmt.Errorf("%s needs %d arguments", name, n)
		}
		return nil
	}
	switch name {
	case "$literal":
		return toRaw(arg)
	case "$and", "$or":
		if !isList {
			return bson.RawValue{}, fmt.Errorf("%s needs a list", name)
		}
		for _, x := range list {
			v, err := e.eval(x)
			if err != nil {
				return v, err
			}
			if truthy(v) == (name == "$or") {
				return boolean(name == "$or"), nil
			}
		}
		return boolean(name == "$and"), nil
	case "$cond":
		if err := wants(3); err != nil {
			return bson.RawValue{}, err
		}
		v, err := e.eval(list[0])
		if err != nil {
			return v, err
		}
		if truthy(v) {
			return e.eval(list[1])
		}
		return e.eval(list[2])
	case "$eq", "$ne", "$gt", "$gte", "$lt", "$lte":
		if err := wants(2); err != nil {
			return bson.RawValue{}, err
		}
		a, err := e.eval(list[0])
		if err != nil {
			return a, err
		}
		b, err := e.eval(list[1])
		if err != nil {
			return b, err
		}
		return boolean(holds(name, compare(a, b))), nil
	case "$type":
		v, err := e.eval(arg)
		return text(typeName(v.Type)), err
	case "$bsonSize":
		v, err := e.eval(arg)
		switch {
		case err != nil:
			return v, err
		case v.Type == 0 || v.Type == bson.TypeNull:
			return null, nil
		case v.Type != bson.TypeEmbeddedDocument:
			return v, fmt.Errorf("$bsonSize of %s", typeName(v.Type))
		}
		return toRaw(int32(len(v.Value)))
	case "$toString":
		v, err := e.eval(arg)
		if err != nil {
			return v, err
		}
		return toString(v)
	case "$mergeObjects":
		var doc bson.Raw
		for _, x := range list {
			v, err := e.eval(x)
			if err != nil {
				return v, err
			}
			of, ok := v.DocumentOK()
			switch {
			case !ok:
				return v, fmt.Errorf("$mergeObjects of %s is not supported", typeName(v.Type))
			case doc == nil:
				doc = of
				continue
			}
			if err := of.Validate(); err != nil {
				return v, err
			}
			doc = merge(doc, of)
		}
		if doc == nil {
			return bson.RawValue{}, errors.New("$mergeObjects of nothing is not supported")
		}
		return object(doc), nil
	case "$dateAdd":
		args, _ := arg.(bson.D)
		return e.dateAdd(args)
	case "$getField", "$setField":
		args, ok := arg.(bson.D)
		if !ok {
			return bson.RawValue{}, fmt.Errorf("%s of %T is not supported", name, arg)
		}
		return e.field(name, args)
	}
	return bson.RawValue{}, fmt.Errorf("operator %s is not supported", name)
}

// holds reports whether a comparison with the outcome n, as of compare, is true.
func holds(operator string, n int) bool {
	switch operator {
	case "$eq":
		return n == 0
	case "$ne":
		return n != 0
	case "$gt":
		return n > 0
	case "$gte":
		return n >= 0
	case "$lt":
		return n < 0
	}
	return n <= 0
}

// dateAdd adds milliseconds to a date.
func (e *env) dateAdd(args bson.D) (bson.RawValue, error) {
	var sum int64
	for _, a := range args {
		v, err := e.eval(a.Value)
		if err != nil {
			return v, err
		}
		ms, isDate := v.DateTimeOK()
		n, isInt := v.AsInt64OK()
		switch {
		case a.Key == "startDate" && isDate:
			sum += ms
		case a.Key == "amount" && isInt && v.Type != bson.TypeDouble:
			sum += n
		case a.Key == "unit" && a.Value == "millisecond":
		default:
			return v, fmt.Errorf("$dateAdd with %s %s is not supported", a.Key, v)
		}
	}
	if len(args) != 3 {
		return bson.RawValue{}, errors.New("$dateAdd needs startDate, unit and amount")
	}
	return toRaw(bson.DateTime(sum))
}

// field is $getField and $setField. A field's name must be constant; of a
// value that is no object $getField finds nothing, and $setField fails.
func (e *env) field(op string, args bson.D) (bson.RawValue, error) {
	var name string
	input, value := object(e.root), bson.RawValue{}
	for _, a := range args {
		v, err := e.eval(a.Value)
		if err != nil {
			return v, err
		}
		switch {
		case a.Key == "field":
			if s, ok := a.Value.(string); ok && strings.HasPrefix(s, "$") {
				return v, fmt.Errorf("%s needs a constant name", op)
			}
			if name, _ = v.StringValueOK(); v.Type != bson.TypeString {
				return v, fmt.Errorf("%s needs a name", op)
			}
		case a.Key == "input":
			input = v
		case a.Key == "value" && op == "$setField":
			value = v
		default:
			return v, fmt.Errorf("%s has no argument %s", op, a.Key)
		}
	}
	isObject := input.Type == bson.TypeEmbeddedDocument
	switch {
	case input.Type == bson.TypeNull, input.Type == bson.TypeUndefined:
		return null, nil
	case op == "$getField" && !isObject:
		return bson.RawValue{}, nil
	case op == "$getField":
		return lookup(input.Value, name), nil
	case input.Type == 0:
		return null, nil
	case !isObject:
		return input, fmt.Errorf("$setField in %s", typeName(input.Type))
	}
	return object(setField(input.Value, name, value)), nil
}

func toString(v bson.RawValue) (bson.RawValue, error) {
	switch v.Type {
	case 0, bson.TypeNull:
		return null, nil
	case bson.TypeString:
		return v, nil
	case bson.TypeDecimal128:
		return text(v.Decimal128().String()), nil
	}
	return v, fmt.Errorf("$toString of %s is not supported", typeName(v.Type))
}
