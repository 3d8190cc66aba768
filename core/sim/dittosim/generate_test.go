package dittosim_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/causeway-sync/causeway/core/ditto"
)

// The domain is small, so that conditions hold often and paths meet. One field
// is named like its collection.
var (
	ids    = []string{`"a"`, `"a"`, `"a"`, `"b"`, `3`, `{"$oid":"x"}`, `{"k":1}`}
	fields = []string{"a", "n", "$C", "`p.q`"}
	tops   = append([]string{"n", "n"}, fields...)
	names  = []string{"x", "x", "y", "`$z`", "a"}
	values = []string{
		`1`, `2`, `1.0`, `-0.0`, `"s"`, `""`, `null`, `true`, `[]`, `[1,null]`, `["s"]`, `{}`, `{"x":1}`, `{"x":{"y":1}}`, `{"x":{"y":2}}`,
		`{"y":null}`, `{"x":[1],"y":2}`, `{"x":{},"y":1.5}`, `{"a":{"x":1},"x":{"a":2}}`, `9007199254740993`, `{"$z":"5"}`,
	}
	slots   = []string{"MAP", "MAP", "COUNTER", "REGISTER", "PN_COUNTER"}
	amounts = []string{"0", "1", "-2", "7", "9223372036854775807", "1.0", `"s"`}
)

// draws makes one statement.
type draws struct {
	*rand.Rand
	args []string // as "name":value
}

func (d *draws) of(options ...string) string { return options[d.IntN(len(options))] }

// chance is true one time in n + 1.
func (d *draws) chance(n int) bool { return d.IntN(n+1) == n }

func (d *draws) some(least, most int) int { return least + d.IntN(most-least+1) }

// bind makes an argument and returns the parameter.
func (d *draws) bind(value string) string {
	name := fmt.Sprintf("p%d", len(d.args))
	d.args = append(d.args, fmt.Sprintf("%q:%s", name, value))
	return ":" + name
}

func (d *draws) value() string { return d.of(values...) }

func (d *draws) list(one func() string, least, most int) string {
	parts := make([]string, d.some(least, most))
	for i := range parts {
		parts[i] = one()
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func (d *draws) path() string {
	p := d.of(tops...)
	for range d.some(0, 2) {
		p += "." + d.of(names...)
	}
	return p
}

func (d *draws) document() string { return d.documentOf(d.of(ids...)) }

func (d *draws) documentOf(id string) string {
	parts := []string{`"_id":` + id}
	for _, f := range []string{"a", "n", "$C", "p.q"} {
		if d.chance(1) {
			parts = append(parts, fmt.Sprintf("%q:%s", f, d.value()))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// defs declares the type of some fields.
func (d *draws) defs() string {
	var parts []string
	for _, f := range fields {
		if !d.chance(1) {
			continue
		}
		def := f + " " + d.of(slots...)
		if strings.HasSuffix(def, "MAP") && d.chance(1) {
			def += "(" + d.of(names...) + " " + d.of(slots...) + ")"
		}
		parts = append(parts, def)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

func (d *draws) source() string {
	if d.chance(2) {
		return "COLLECTION $C " + d.defs()
	}
	return d.of("$C", "`$C`", "COLLECTION $C")
}

// where is a condition, most often on ids and on what was read, as Causeway
// writes it.
func (d *draws) where() string {
	switch d.some(0, 9) {
	case 0:
		return ""
	case 1, 2:
		return " WHERE " + d.expression(2)
	}
	w := " WHERE " + d.of("_id", "$C._id") + " = " + d.bind(d.of(ids...))
	if d.chance(1) {
		w = " WHERE _id IN " + d.bind(d.list(func() string { return d.of(ids...) }, 1, 3))
	}
	for range d.some(0, 2) {
		w += " AND " + d.condition()
	}
	return w
}

func (d *draws) condition() string {
	p := "$C." + d.path()
	switch d.some(0, 6) {
	case 0:
		return p + " IS MISSING"
	case 1:
		return "type(" + p + ") = 'object'"
	case 2:
		return p + " = " + d.bind(d.value())
	case 3:
		return "serialize_json($C) = serialize_json(" + d.bind(d.document()) + ")"
	}
	return "serialize_json(" + p + ") = serialize_json(" + d.bind(d.value()) + ")"
}

// expression is any expression of the subset.
func (d *draws) expression(depth int) string {
	if depth == 0 {
		switch d.some(0, 5) {
		case 0, 1:
			return d.bind(d.value())
		case 2:
			return d.of("1", "-2", "1.5", "'s'", "true", "false", "null", "_id", "$C", "zz")
		case 3:
			return d.path()
		}
		return "$C." + d.path()
	}
	e := func() string { return d.expression(depth - 1) }
	switch d.some(0, 12) {
	case 0, 1:
		return "(" + d.test(depth-1) + d.of(" AND ", " OR ") + d.test(depth-1) + ")"
	case 2:
		return "(NOT " + e() + ")"
	case 3, 4, 5:
		return "(" + e() + d.of(" = ", " != ", " < ", " > ", " <= ", " >= ") + e() + ")"
	case 6:
		return "(" + e() + d.of(" IS ", " IS NOT ") + d.of("MISSING", "NULL") + ")"
	case 7:
		return "(" + e() + d.of(" IN ", " NOT IN ") + d.bind(d.list(d.value, 1, 3)) + ")"
	case 8:
		return "(" + e() + d.of(" + ", " - ") + e() + ")"
	case 9:
		return d.of("type", "serialize_json") + "(" + e() + ")"
	case 10:
		return d.bind(d.list(d.value, 1, 2)) + "[" + d.of("0", "1", "-1", "1.0", e()) + "]"
	case 11:
		return "array_position(" + d.bind(d.list(d.value, 1, 3)) + ", " + e() + ")"
	}
	return "deserialize_json(serialize_json(" + e() + "))"
}

// test is an expression with a path in it, most often a boolean one.
func (d *draws) test(depth int) string {
	p := d.of("$C.", "") + d.path()
	switch d.some(0, 6) {
	case 0:
		return p
	case 1:
		return "(" + p + " = " + d.bind(d.given()) + ")"
	case 2:
		return "(" + p + d.of(" < ", " != ") + d.of(d.bind(d.given()), "$C."+d.path()) + ")"
	case 3:
		return "(" + p + d.of(" IS ", " IS NOT ") + d.of("MISSING", "NULL") + ")"
	case 4:
		return "(" + p + " IN " + d.bind(d.list(d.value, 1, 3)) + ")"
	case 5:
		return "(type(" + p + ") = " + d.of("'object'", "'missing'", "'null'") + ")"
	}
	return "(NOT (" + p + " = " + d.bind(d.given()) + "))"
}

// given is a value that is not null, beside which a comparison is settled
// beforehand.
func (d *draws) given() string {
	if v := d.value(); v != "null" {
		return v
	}
	return "0"
}

func (d *draws) clauses() string {
	var out string
	if d.chance(2) {
		out += " APPLY " + d.join(func() string { return d.applied(d.path()) })
	}
	if d.chance(1) {
		out += " SET " + d.join(d.assignment)
	}
	if out == "" || d.chance(1) {
		out += " UNSET " + d.join(d.path)
	}
	return out
}

func (d *draws) join(one func() string) string {
	parts := make([]string, d.some(1, 2))
	for i := range parts {
		parts[i] = one()
	}
	return strings.Join(parts, ", ")
}

func (d *draws) applied(p string) string {
	switch d.some(0, 5) {
	case 0:
		return p + " RESTART"
	case 1, 2:
		return p + " RESTART WITH " + d.bind(d.of(amounts...))
	case 3:
		return p + " PN_INCREMENT BY " + d.bind(d.of("1", "-0.5", `"s"`))
	}
	return p + " INCREMENT BY " + d.bind(d.of(amounts...))
}

func (d *draws) assignment() string {
	v := d.bind(d.value())
	if d.chance(5) {
		v = d.expression(1)
	}
	return d.path() + " = " + v
}

// bulk is Causeway's conditional update of many documents.
func (d *draws) bulk() string {
	list := make([]string, d.some(1, 3))
	for i := range list {
		list[i] = d.of(ids...)
	}
	at := "[array_position(:ids, _id)]"
	per := func() string { return d.bind(d.list(d.value, 3, 3)) + at }
	d.args = append(d.args, `"ids":[`+strings.Join(list, ",")+"]")
	p, q := d.path(), d.path()
	s := "UPDATE $C"
	if d.chance(3) {
		s += " APPLY " + q + " RESTART WITH " + d.bind(`[1,2,3]`) + at
	}
	s += " SET " + p + " = " + per()
	if d.chance(2) {
		s += " UNSET " + d.path()
	}
	s += " WHERE _id IN :ids"
	switch d.some(0, 3) {
	case 0:
		s += " AND $C." + p + " IS MISSING"
	case 1:
		s += " AND serialize_json($C." + p + ") = serialize_json(" + per() + ")"
	case 2:
		s += " AND type($C." + d.of(tops...) + ") = 'object'"
	}
	return s
}

func (d *draws) insert() string {
	doc := d.document()
	if d.chance(2) {
		doc = d.list(d.document, 1, 3)
	}
	s := "INSERT INTO " + d.source() + " DOCUMENTS (" + d.bind(doc) + ")"
	if d.chance(5) {
		s += ", (" + d.bind(d.document()) + ")"
	}
	return s + d.of("", " ON ID CONFLICT FAIL", " ON ID CONFLICT DO NOTHING", " ON ID CONFLICT DO UPDATE", " ON ID CONFLICT DO UPDATE")
}

func (d *draws) selection() string {
	switch d.some(0, 5) {
	case 0:
		return "SELECT COUNT(*) FROM " + d.source() + d.where()
	case 1:
		return "SELECT _id, $C." + d.path() + " AS v0, " + d.expression(1) + " AS v1 FROM " + d.source() + d.where()
	case 2:
		return "SELECT " + d.expression(2) + " AS v0, " + d.expression(2) + " FROM " + d.source()
	case 3:
		return "SELECT _id, t." + d.path() + " AS v0, t AS v1, " + d.path() + " AS v2, $C AS v3 FROM " + d.source() + " AS t"
	case 4:
		return "SELECT * FROM " + d.source() + d.where() + " ORDER BY _id" + d.of("", " DESC") + " LIMIT " + d.of("0", "1", "2")
	}
	return "SELECT * FROM " + d.source() + d.where()
}

func drawStep(r *rand.Rand) step {
	d := &draws{Rand: r}
	s := step{api: ditto.API(d.of("v5", "v5", "v5", "v4"))}
	switch d.some(0, 15) {
	case 0, 1, 2:
		s.statement = d.insert()
	case 3, 4, 5:
		s.statement = "UPDATE " + d.source() + d.clauses() + d.where()
	case 6, 7, 8, 9:
		s.statement = "UPDATE $C" + d.clauses() // of all documents, so that histories grow
	case 10, 11:
		s.statement = d.bulk()
	case 12:
		s.statement = "DELETE FROM $C" + d.where()
	default:
		s.statement = d.selection()
	}
	if len(d.args) > 0 {
		s.args = "{" + strings.Join(d.args, ",") + "}"
	}
	return s
}

// juggle changes the type of one field, over and over.
func juggle(r *rand.Rand) step {
	d := &draws{Rand: r}
	s := step{api: ditto.V5}
	p := d.of("n", "n", "n", "n.x", "n.x.y")
	switch d.some(0, 7) {
	case 0, 1, 2:
		s.statement = "UPDATE $C SET " + p + " = " + d.bind(d.value())
	case 3, 4:
		s.statement = "UPDATE " + d.of("$C", "$C", "COLLECTION $C (n "+d.of(slots...)+")") + " UNSET " + p
	case 5:
		s.statement = "UPDATE $C APPLY " + d.applied(p)
	case 6:
		s.api, s.statement = ditto.V4, "UPDATE $C SET n = "+d.bind(d.value())
	case 7:
		s.statement = "SELECT * FROM $C"
	}
	if len(d.args) > 0 {
		s.args = "{" + strings.Join(d.args, ",") + "}"
	}
	return s
}

// allLooks read all documents in every way in which Causeway and others do.
func allLooks() []step {
	steps := []step{{api: ditto.V5, statement: "SELECT * FROM $C"}, {api: ditto.V4, statement: "SELECT * FROM $C"}}
	for _, slot := range []string{"MAP", "COUNTER", "REGISTER", "PN_COUNTER"} {
		defs := make([]string, len(fields))
		for i, f := range fields {
			defs[i] = f + " " + slot
		}
		steps = append(steps, step{api: ditto.V5, statement: "SELECT * FROM COLLECTION $C (" + strings.Join(defs, ", ") + ")"})
		for i, f := range fields {
			defs[i] = f + " MAP(x " + slot + ", y " + slot + ")"
		}
		steps = append(steps, step{api: ditto.V4, statement: "SELECT * FROM COLLECTION $C (" + strings.Join(defs, ", ") + ")"})
	}
	return steps
}
