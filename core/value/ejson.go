package value

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// wrapper appends the canonical Extended JSON v2 object of a value whose type
// JSON lacks.
func (e *encoder) wrapper(t bson.Type, at, end, depth int) error {
	v := e.src[at:end]
	switch t {
	case bson.TypeInt32:
		e.dst = append(e.dst, `{"$numberInt":"`...)
		e.dst = strconv.AppendInt(e.dst, int64(int32(binary.LittleEndian.Uint32(v))), 10)
		e.dst = append(e.dst, `"}`...)
	case bson.TypeInt64:
		e.dst = append(e.dst, `{"$numberLong":"`...)
		e.dst = strconv.AppendInt(e.dst, int64(binary.LittleEndian.Uint64(v)), 10)
		e.dst = append(e.dst, `"}`...)
	case bson.TypeDouble:
		e.dst = append(e.dst, `{"$numberDouble":"`...)
		e.dst = appendDouble(e.dst, math.Float64frombits(binary.LittleEndian.Uint64(v)))
		e.dst = append(e.dst, `"}`...)
	case bson.TypeDecimal128:
		e.dst = append(e.dst, `{"$numberDecimal":"`...)
		e.dst = appendDecimal(e.dst, v)
		e.dst = append(e.dst, `"}`...)
	case bson.TypeObjectID:
		e.dst = append(e.dst, `{"$oid":"`...)
		e.dst = hex.AppendEncode(e.dst, v)
		e.dst = append(e.dst, `"}`...)
	case bson.TypeDateTime:
		e.dst = append(e.dst, `{"$date":{"$numberLong":"`...)
		e.dst = strconv.AppendInt(e.dst, int64(binary.LittleEndian.Uint64(v)), 10)
		e.dst = append(e.dst, `"}}`...)
	case bson.TypeTimestamp:
		e.dst = append(e.dst, `{"$timestamp":{"i":`...)
		e.dst = strconv.AppendUint(e.dst, uint64(binary.LittleEndian.Uint32(v)), 10)
		e.dst = append(e.dst, `,"t":`...)
		e.dst = strconv.AppendUint(e.dst, uint64(binary.LittleEndian.Uint32(v[4:])), 10)
		e.dst = append(e.dst, `}}`...)
	case bson.TypeBinary:
		return e.binary(v)
	case bson.TypeRegex:
		return e.regex(v)
	case bson.TypeDBPointer:
		return e.dbPointer(v)
	case bson.TypeJavaScript:
		return e.wrapText(`{"$code":`, v)
	case bson.TypeSymbol:
		return e.wrapText(`{"$symbol":`, v)
	case bson.TypeCodeWithScope:
		return e.codeWithScope(at, end, depth)
	case bson.TypeUndefined:
		e.dst = append(e.dst, `{"$undefined":true}`...)
	case bson.TypeMinKey:
		e.dst = append(e.dst, `{"$minKey":1}`...)
	case bson.TypeMaxKey:
		e.dst = append(e.dst, `{"$maxKey":1}`...)
	default:
		return badBSON("a value of an unknown type")
	}
	return nil
}

// appendDouble is the text of $numberDouble.
func appendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	begin := len(dst)
	dst = strconv.AppendFloat(dst, f, 'G', -1, 64)
	if bytes.ContainsAny(dst[begin:], ".E") {
		return dst
	}
	return append(dst, ".0"...)
}

func (e *encoder) wrapText(open string, v []byte) error {
	e.dst = append(e.dst, open...)
	if err := e.string(v); err != nil {
		return err
	}
	e.dst = append(e.dst, '}')
	return nil
}

func (e *encoder) binary(v []byte) error {
	sub, data, _, ok := bsoncore.ReadBinary(v)
	if !ok {
		return badBSON("binary data that is cut short")
	}
	e.dst = append(e.dst, `{"$binary":{"base64":"`...)
	e.dst = base64.StdEncoding.AppendEncode(e.dst, data)
	e.dst = append(e.dst, `","subType":"`...)
	e.dst = append(e.dst, hexDigits[sub>>4], hexDigits[sub&15])
	e.dst = append(e.dst, `"}}`...)
	return nil
}

func (e *encoder) regex(v []byte) error {
	n := bytes.IndexByte(v, 0)
	pattern, options := v[:n], v[n+1:len(v)-1]
	e.dst = append(e.dst, `{"$regularExpression":{"options":`...)
	if err := e.text(sortedOptions(options)); err != nil {
		return err
	}
	e.dst = append(e.dst, `,"pattern":`...)
	if err := e.text(pattern); err != nil {
		return err
	}
	e.dst = append(e.dst, `}}`...)
	return nil
}

// sortedOptions sorts the options of a regular expression by character, as
// Extended JSON asks for. What is not UTF-8 stays as it is, to be refused.
func sortedOptions(options []byte) []byte {
	if slices.IsSorted(options) || !utf8.Valid(options) {
		return options
	}
	runes := []rune(string(options))
	slices.Sort(runes)
	return []byte(string(runes))
}

func (e *encoder) dbPointer(v []byte) error {
	n := len(v) - 12
	e.dst = append(e.dst, `{"$dbPointer":{"$id":{"$oid":"`...)
	e.dst = hex.AppendEncode(e.dst, v[n:])
	e.dst = append(e.dst, `"},"$ref":`...)
	if err := e.string(v[:n]); err != nil {
		return err
	}
	e.dst = append(e.dst, `}}`...)
	return nil
}

// codeWithScope writes the scope as Extended JSON in either mode: nothing that
// a device could read plainly depends on it.
func (e *encoder) codeWithScope(at, end, depth int) error {
	code, scope, ok := splitCode(e.src[at:end])
	if !ok {
		return badBSON("code with scope that is cut short")
	}
	e.dst = append(e.dst, `{"$code":`...)
	if err := e.string(code); err != nil {
		return err
	}
	e.dst = append(e.dst, `,"$scope":`...)
	if err := e.document(end-len(scope), end, EJSON, depth+1); err != nil {
		return under([]byte("$scope"), err)
	}
	e.dst = append(e.dst, '}')
	return nil
}

// splitCode takes code with scope apart: a BSON string and a document.
func splitCode(v []byte) (code, scope []byte, ok bool) {
	if len(v) < 4 {
		return nil, nil, false
	}
	val, scope, ok := bsoncore.ReadValue(v[4:], bsoncore.TypeString)
	return val.Data, scope, ok
}

// Wrappers are the type keys of Extended JSON objects, sorted: what makes an
// object a value of one type. `$scope` goes with `$code`.
func Wrappers() []string {
	return []string{
		"$binary", "$code", "$date", "$dbPointer", "$maxKey", "$minKey", "$numberDecimal", "$numberDouble",
		"$numberInt", "$numberLong", "$oid", "$regularExpression", "$symbol", "$timestamp", "$undefined", "$uuid",
	}
}

// isTypeKey reports whether key is one of Wrappers.
func isTypeKey(key []byte) bool {
	if len(key) < 4 || key[0] != '$' {
		return false
	}
	switch string(key) {
	case "$binary", "$code", "$date", "$dbPointer", "$maxKey", "$minKey", "$numberDecimal", "$numberDouble",
		"$numberInt", "$numberLong", "$oid", "$regularExpression", "$symbol", "$timestamp", "$undefined", "$uuid":
		return true
	}
	return false
}

// WrapperKey is the type key of an Extended JSON object, the first one when
// there are several; false for any other value.
func WrapperKey(js []byte) (string, bool) {
	if !startsObject(js) {
		return "", false
	}
	r := borrow()
	defer r.free()
	t, err := scan(js, r)
	if err != nil {
		return "", false
	}
	if i := t.typeKey(0); i >= 0 {
		return string(t.str(i)), true
	}
	return "", false
}

func startsObject(js []byte) bool {
	i := skipSpace(js, 0)
	return i < len(js) && js[i] == '{'
}

// IsWrapper reports whether js is an object with a type key, well formed or
// not. Such an object is one unit.
func IsWrapper(js []byte) bool {
	_, ok := WrapperKey(js)
	return ok
}

// typeKey is the node of the first type key of the object n, -1 if there is
// none, or n is no object.
func (t *tape) typeKey(n int) int {
	if t.nodes[n].kind != objectKind {
		return -1
	}
	for i := n + 1; i < int(t.nodes[n].next); i = int(t.nodes[i+1].next) {
		if isTypeKey(t.str(i)) {
			return i
		}
	}
	return -1
}
