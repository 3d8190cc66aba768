package value

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"math"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// isDocument reports whether like is a document with a type key of the object
// n: then n is that document, changed or not, and no wrapper.
func (d *decoder) isDocument(n int, like raw) bool {
	if like.t != bson.TypeEmbeddedDocument {
		return false
	}
	for i := n + 1; i < int(d.nodes[n].next); i = int(d.nodes[i+1].next) {
		if k := d.str(i); isTypeKey(k) && field(like.v, string(k)).t != 0 {
			return true
		}
	}
	return false
}

// wrapper appends the value of the Extended JSON object n, of which key is the
// type key. Canonical and relaxed forms are taken, and a number where a string
// with digits should stand.
func (d *decoder) wrapper(n, key int, like raw) (bson.Type, error) {
	name := string(d.str(key))
	if err := d.onlyWrapper(n, name); err != nil {
		return 0, err
	}
	at := len(d.dst)
	t, err := d.typed(n, name, key+1, like)
	if err != nil {
		return 0, under([]byte(name), err)
	}
	// Forms that differ in BSON may share one text (the options of a regular
	// expression, the payload of NaN): what did not change stays.
	if t == like.t && !bytes.Equal(d.dst[at:], like.v) && d.sameText(n, like) {
		d.dst = append(d.dst[:at], like.v...)
	}
	return t, nil
}

// onlyWrapper checks that the object n has no key that its type key does not
// allow.
func (d *decoder) onlyWrapper(n int, name string) error {
	for i := n + 1; i < int(d.nodes[n].next); i = int(d.nodes[i+1].next) {
		switch k := d.str(i); {
		case string(k) == name:
		case name == "$code" && string(k) == "$scope":
		case name == "$binary" && string(k) == "$type":
		default:
			return fail(ErrMixedWrapper, "")
		}
	}
	return nil
}

func (d *decoder) sameText(n int, like raw) bool {
	c := canonicalizer{tape: d.tape}
	e := encoder{src: like.v, canon: true}
	if !wellFormed(like.t, like.v) || c.value(n) != nil || e.value(like.t, 0, len(like.v), EJSON, 0) != nil {
		return false
	}
	return bytes.Equal(c.dst, e.dst)
}

func want(what string) error { return fail(ErrWrapper, "want "+what) }

// digits is the text of a number that stands as a string, or plainly.
func (d *decoder) digits(n int) ([]byte, bool) {
	switch d.nodes[n].kind {
	case stringKind:
		return d.str(n), true
	case intKind, floatKind:
		return d.raw(n), true
	}
	return nil, false
}

func (d *decoder) typed(n int, name string, v int, like raw) (bson.Type, error) {
	switch name {
	case "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal":
		s, ok := d.digits(v)
		if !ok {
			return 0, want("a string of digits")
		}
		return d.typedNumber(name, s, like)
	case "$oid":
		if s, ok := d.wantString(v); ok && d.objectID(s) {
			return bson.TypeObjectID, nil
		}
		return 0, want("24 hexadecimal digits")
	case "$date":
		return bson.TypeDateTime, d.date(v)
	case "$timestamp":
		return bson.TypeTimestamp, d.wrappedTimestamp(v)
	case "$binary":
		return bson.TypeBinary, d.wrappedBinary(n, v)
	case "$uuid":
		return bson.TypeBinary, d.uuid(v)
	case "$regularExpression":
		return bson.TypeRegex, d.regex(v)
	case "$dbPointer":
		return bson.TypeDBPointer, d.dbPointer(v)
	case "$symbol":
		s, ok := d.wantString(v)
		if !ok {
			return 0, want("a string")
		}
		d.text(s)
		return bson.TypeSymbol, nil
	case "$code":
		return d.code(n, v, like)
	case "$undefined":
		if d.nodes[v].kind != trueKind {
			return 0, want("true")
		}
		return bson.TypeUndefined, nil
	}
	if string(d.raw(v)) != "1" {
		return 0, want("1")
	}
	if name == "$minKey" {
		return bson.TypeMinKey, nil
	}
	return bson.TypeMaxKey, nil
}

func (d *decoder) typedNumber(name string, s []byte, like raw) (bson.Type, error) {
	switch name {
	case "$numberInt":
		i, err := strconv.ParseInt(string(s), 10, 32)
		if err != nil {
			return 0, want("an integer of 32 bits")
		}
		d.int32(int32(i))
		return bson.TypeInt32, nil
	case "$numberLong":
		i, err := strconv.ParseInt(string(s), 10, 64)
		if err != nil {
			return 0, want("an integer of 64 bits")
		}
		d.int64(i)
		return bson.TypeInt64, nil
	case "$numberDecimal":
		if t, ok := d.decimal(s, like); ok {
			return t, nil
		}
		return 0, want("a decimal number of at most 34 digits")
	}
	var f float64
	switch string(s) {
	case "NaN":
		f = math.NaN()
	case "Infinity":
		f = math.Inf(1)
	case "-Infinity":
		f = math.Inf(-1)
	default:
		var err error
		if f, err = strconv.ParseFloat(string(s), 64); err != nil || !isNumber(s) {
			return 0, want("a 64-bit float")
		}
	}
	return d.double(f, like), nil
}

func (d *decoder) wantString(n int) ([]byte, bool) {
	if d.nodes[n].kind != stringKind {
		return nil, false
	}
	return d.str(n), true
}

// date appends {"$numberLong": "ms"}, an ISO 8601 string, or milliseconds.
func (d *decoder) date(n int) error {
	if s, ok := d.wantString(n); ok {
		ms, ok := parseISO(s)
		if !ok {
			return want("an ISO 8601 date with an offset")
		}
		d.int64(ms)
		return nil
	}
	if d.nodes[n].kind == objectKind && d.nodes[n].size == 1 && string(d.str(n+1)) == "$numberLong" {
		n += 2
	}
	if s, ok := d.digits(n); ok {
		if ms, err := strconv.ParseInt(string(s), 10, 64); err == nil {
			d.int64(ms)
			return nil
		}
	}
	return want("milliseconds in $numberLong, or an ISO 8601 date")
}

// parts finds the members a and b of the object n, which has no others; b may
// be missing.
func (d *decoder) parts(n int, a, b string) (na, nb int, ok bool) {
	na, nb = -1, -1
	if d.nodes[n].kind != objectKind {
		return na, nb, false
	}
	for i := n + 1; i < int(d.nodes[n].next); i = int(d.nodes[i+1].next) {
		switch string(d.str(i)) {
		case a:
			na = i + 1
		case b:
			nb = i + 1
		default:
			return na, nb, false
		}
	}
	return na, nb, na >= 0 && nb >= 0
}

func (d *decoder) wrappedTimestamp(v int) error {
	i, t, ok := d.parts(v, "i", "t")
	if !ok {
		return want("t and i")
	}
	for _, n := range []int{i, t} {
		u, err := strconv.ParseUint(string(d.raw(n)), 10, 32)
		if err != nil {
			return want("t and i, integers of 32 bits without a sign")
		}
		d.int32(int32(uint32(u)))
	}
	return nil
}

func (d *decoder) wrappedBinary(n, v int) error {
	text := v
	var sub int
	if d.nodes[v].kind == objectKind {
		var ok bool
		if text, sub, ok = d.parts(v, "base64", "subType"); !ok {
			return want("base64 and subType")
		}
	} else if _, typ, ok := d.parts(n, "$binary", "$type"); ok {
		sub = typ // the form before Extended JSON 2
	} else {
		return want("base64 and subType")
	}
	b64, ok1 := d.wantString(text)
	hex, ok2 := d.wantString(sub)
	if !ok1 || !ok2 {
		return want("base64 and subType as strings")
	}
	st, err := strconv.ParseUint(string(hex), 16, 8)
	if err != nil {
		return want("a subType of two hexadecimal digits")
	}
	data, err := base64.StdEncoding.Strict().AppendDecode(nil, b64)
	if err != nil || bytes.ContainsAny(b64, "\r\n") {
		return want("base64 with padding")
	}
	d.binary(byte(st), data)
	return nil
}

func (d *decoder) uuid(v int) error {
	s, ok := d.wantString(v)
	if !ok || len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return want("a UUID")
	}
	data, err := hex.DecodeString(string(slices.Concat(s[:8], s[9:13], s[14:18], s[19:23], s[24:])))
	if err != nil {
		return want("a UUID")
	}
	d.binary(bson.TypeBinaryUUID, data)
	return nil
}

func (d *decoder) regex(v int) error {
	o, p, ok := d.parts(v, "options", "pattern")
	if !ok {
		return want("pattern and options")
	}
	options, ok1 := d.wantString(o)
	pattern, ok2 := d.wantString(p)
	if !ok1 || !ok2 {
		return want("pattern and options as strings")
	}
	if bytes.IndexByte(pattern, 0) >= 0 || bytes.IndexByte(options, 0) >= 0 {
		return want("no NUL character")
	}
	d.dst = append(d.dst, pattern...)
	d.dst = append(d.dst, 0)
	d.dst = append(d.dst, sortedOptions(options)...)
	d.dst = append(d.dst, 0)
	return nil
}

func (d *decoder) dbPointer(v int) error {
	i, r, ok := d.parts(v, "$id", "$ref")
	if !ok {
		return want("$ref and $id")
	}
	ref, ok1 := d.wantString(r)
	if d.nodes[i].kind == objectKind && d.nodes[i].size == 1 && string(d.str(i+1)) == "$oid" {
		i += 2
	}
	id, ok2 := d.wantString(i)
	if !ok1 || !ok2 {
		return want("$ref and $id")
	}
	d.text(ref)
	if !d.objectID(id) {
		return want("24 hexadecimal digits")
	}
	return nil
}

func (d *decoder) code(n, v int, like raw) (bson.Type, error) {
	_, scope, scoped := d.parts(n, "$code", "$scope")
	text, ok := d.wantString(v)
	if !ok {
		return 0, want("a string")
	}
	if !scoped {
		d.text(text)
		return bson.TypeJavaScript, nil
	}
	if d.nodes[scope].kind != objectKind {
		return 0, want("an object as $scope")
	}
	var old raw
	if like.t == bson.TypeCodeWithScope {
		if _, s, ok := splitCode(like.v); ok {
			old = raw{bson.TypeEmbeddedDocument, s}
		}
	}
	at := len(d.dst)
	d.int32(0)
	d.text(text)
	if err := d.object(scope, old); err != nil {
		return 0, err
	}
	n32 := len(d.dst) - at
	d.dst[at], d.dst[at+1], d.dst[at+2], d.dst[at+3] = byte(n32), byte(n32>>8), byte(n32>>16), byte(n32>>24)
	return bson.TypeCodeWithScope, nil
}
