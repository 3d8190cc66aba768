package value

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Mode says how BSON types that JSON lacks travel.
type Mode uint8

const (
	// JSON is the connector's table: dates and ids become strings.
	JSON Mode = iota
	// EJSON is canonical Extended JSON v2 throughout.
	EJSON
)

// Side names one of the two databases.
type Side string

const (
	MongoDB Side = "mongodb"
	Ditto   Side = "ditto"
)

// Other is the opposite side.
func (s Side) Other() Side {
	if s == MongoDB {
		return Ditto
	}
	return MongoDB
}

// Hash is the first 16 bytes of a SHA-256; the zero Hash stands for an absent
// value.
type Hash [16]byte

// Absent is the hash of a value that is not there.
var Absent Hash

// IsAbsent reports whether h stands for an absent value.
func (h Hash) IsAbsent() bool { return h == Absent }

// String is h in hexadecimal, for logs.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// HashBSON is the hash of MongoDB's type byte and raw value; Absent for the
// zero RawValue.
func HashBSON(v bson.RawValue) Hash {
	if v.Type == 0 {
		return Absent
	}
	buf := make([]byte, 0, 256)
	buf = append(buf, byte(v.Type))
	buf = append(buf, v.Value...)
	return sum(buf)
}

func sum(b []byte) (h Hash) {
	s := sha256.Sum256(b)
	copy(h[:], s[:])
	return h
}

// Path addresses a field below a document's root: each segment is preceded by
// a NUL, which no BSON field name can contain. The empty Path is the document.
type Path string

// PathOf builds a Path from its segments.
func PathOf(segments ...string) Path {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte(0)
		b.WriteString(s)
	}
	return Path(b.String())
}

// ParsePath reads the manifest's dotted form ("order.qty").
func ParsePath(dotted string) Path { return PathOf(strings.Split(dotted, ".")...) }

// Child is the path of a field of p.
func (p Path) Child(name string) Path { return p + "\x00" + Path(name) }

// Segments lists the field names from the root.
func (p Path) Segments() []string {
	if p == "" {
		return nil
	}
	return strings.Split(string(p[1:]), "\x00")
}

// Top is the first segment as a path of its own.
func (p Path) Top() Path {
	if i := strings.IndexByte(string(p[min(1, len(p)):]), 0); i >= 0 {
		return p[:i+1]
	}
	return p
}

// Parents lists the proper prefixes of p, the topmost first, without the root.
func (p Path) Parents() []Path {
	var out []Path
	for i := 1; i < len(p); i++ {
		if p[i] == 0 {
			out = append(out, p[:i])
		}
	}
	return out
}

// Contains reports whether q is p or lies below it.
func (p Path) Contains(q Path) bool {
	return len(q) >= len(p) && q[:len(p)] == p && (len(q) == len(p) || q[len(p)] == 0)
}

// String is p for people: dotted, with backticks around names that need them.
func (p Path) String() string {
	segs := p.Segments()
	for i, s := range segs {
		if s == "" || strings.ContainsAny(s, ".`$ ") {
			segs[i] = "`" + strings.ReplaceAll(s, "`", "``") + "`"
		}
	}
	return strings.Join(segs, ".")
}
