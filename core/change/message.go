package change

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

const (
	// MaxMessage is the size up to which keys are packed into one message: a
	// batch of ten stays below what any queue takes.
	MaxMessage = 200_000
	// MaxKeys bounds the keys of one message, so that a queue's batch stays
	// within the time that one invocation has.
	MaxKeys = 100

	version  = 1
	opNotice = "notice"
)

// message is a queue message: one key, or one notice. It holds keys, never
// contents (invariant 10).
type message struct {
	V          int               `json:"v,omitempty"` // absent inside a packed message
	Collection string            `json:"collection,omitempty"`
	MongoID    json.RawMessage   `json:"mongoId,omitempty"`  // canonical Extended JSON
	MongoIDs   []json.RawMessage `json:"mongoIds,omitempty"` // when an event in plain JSON left several
	DittoID    json.RawMessage   `json:"dittoId,omitempty"`
	Side       value.Side        `json:"side,omitempty"`
	Op         string            `json:"op"`
	Reason     string            `json:"reason,omitempty"` // of a notice
	Txn        int64             `json:"txn,omitempty"`
	Digest     string            `json:"digest,omitempty"` // hexadecimal
	At         *time.Time        `json:"at,omitempty"`
	Tries      int               `json:"tries"`
}

// packed is several keys in one message.
type packed struct {
	V    int               `json:"v"`
	Keys []json.RawMessage `json:"keys"`
}

// Again is h as it is sent to the queue another time.
func (h Hint) Again() Hint {
	h.Tries++
	return h
}

// Message is the hint as the body of a queue message.
func (h Hint) Message() ([]byte, error) { return h.encode(version) }

// Message is the notice as the body of a queue message.
func (n Notice) Message() ([]byte, error) { return n.encode(version) }

func (h Hint) encode(v int) ([]byte, error) {
	m := message{
		V: v, Collection: h.Collection, DittoID: h.DittoID.JSON(), Side: h.Side,
		Op: string(h.Op), Txn: h.Txn, At: stamp(h.At), Tries: h.Tries,
	}
	if !h.Digest.IsAbsent() {
		m.Digest = h.Digest.String()
	}
	for _, id := range h.MongoIDs {
		x, err := canonical(id)
		if err != nil {
			return nil, fmt.Errorf("encode key of %s: %w", h.Collection, err)
		}
		m.MongoIDs = append(m.MongoIDs, x)
	}
	if len(m.MongoIDs) == 1 {
		m.MongoID, m.MongoIDs = m.MongoIDs[0], nil
	}
	return m.encode()
}

func (n Notice) encode(v int) ([]byte, error) {
	return message{
		V: v, Collection: n.Collection, Side: n.Side, Op: opNotice,
		Reason: n.Reason, Txn: n.Txn, At: stamp(n.At),
	}.encode()
}

func (m message) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("encode key of %s: %w", m.Collection, err)
	}
	if b.Len() > MaxMessage {
		return nil, fmt.Errorf("encode key of %s: %d bytes do not fit into a message", m.Collection, b.Len())
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func stamp(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// Pack writes hints and notices into as few message bodies as the limits
// allow; a body of one key has the single form.
func Pack(hints []Hint, notices []Notice) ([][]byte, error) {
	var (
		out  [][]byte
		keys []json.RawMessage
		size int
	)
	flush := func() error {
		if len(keys) == 0 {
			return nil
		}
		body, err := join(keys)
		out, keys, size = append(out, body), nil, 0
		return err
	}
	add := func(key []byte, err error) error {
		if err != nil {
			return err
		}
		if len(keys) == MaxKeys || size+len(key) > MaxMessage-32 {
			if err := flush(); err != nil {
				return err
			}
		}
		keys, size = append(keys, key), size+len(key)+1
		return nil
	}
	for _, h := range hints {
		if err := add(h.encode(0)); err != nil {
			return nil, err
		}
	}
	for _, n := range notices {
		if err := add(n.encode(0)); err != nil {
			return nil, err
		}
	}
	return out, flush()
}

func join(keys []json.RawMessage) ([]byte, error) {
	if len(keys) == 1 {
		return append([]byte(`{"v":1,`), keys[0][1:]...), nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(packed{V: version, Keys: keys})
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// message reads a queue message of Causeway's own, single or packed.
func (d Decoder) message(body []byte) Batch {
	if v, ok := integer(member(body, "v")); !ok || v != version {
		return fail(errorf("message has a version other than %d: it was written by a newer release", version))
	}
	keys := member(body, "keys")
	if keys == nil {
		return d.key(body)
	}
	if !array(keys) {
		return fail(errorf("message: keys is not an array"))
	}
	var b Batch
	for k := range elements(keys) {
		b.add(d.key(k))
	}
	return b
}

func (d Decoder) key(body []byte) Batch {
	if !object(body) {
		return fail(errorf("message: a key is not an object"))
	}
	var (
		h          Hint
		op, reason string
		ids        [][]byte
		err        error
	)
	for k, v := range members(body) {
		switch k {
		case "collection":
			h.Collection = unquote(v)
		case "mongoId":
			ids = [][]byte{v}
		case "mongoIds":
			for e := range elements(v) {
				ids = append(ids, e)
			}
		case "dittoId":
			h.DittoID, err = docid.Parse(v)
		case "side":
			h.Side = value.Side(unquote(v))
		case "op":
			op = unquote(v)
		case "reason":
			reason = unquote(v)
		case "txn":
			h.Txn, _ = integer(v)
		case "digest":
			h.Digest = digestOf(unquote(v))
		case "at":
			h.At = instant(v)
		case "clusterTime":
			if t := clock(v); h.At.IsZero() {
				h.At = t
			}
		case "tries":
			n, _ := integer(v)
			h.Tries = int(max(0, min(n, 1<<20)))
		}
	}
	if err != nil {
		return fail(errorf("message: dittoId: %v", err))
	}
	if op == opNotice {
		return d.ownNotice(h, reason)
	}
	return d.ownHint(h, op, ids)
}

func (d Decoder) ownNotice(h Hint, reason string) Batch {
	if h.Collection != "" && d.Manifest.Collection(h.Collection) == nil {
		return Batch{Ignored: []Ignored{{h.Collection, d.ignore(h.Collection)}}}
	}
	return Batch{Notices: []Notice{{h.Collection, h.Side, reason, h.Txn, h.At}}}
}

func (d Decoder) ownHint(h Hint, op string, ids [][]byte) Batch {
	switch h.Op = Op(op); h.Op {
	case Upsert, Remove, Sweep:
	default:
		return fail(errorf("message: op is none of upsert, remove, sweep"))
	}
	if h.Collection == "" {
		return fail(errorf("message: collection is missing"))
	}
	if reason := d.ignore(h.Collection); reason != "" {
		return Batch{Ignored: []Ignored{{h.Collection, reason}}}
	}
	for _, id := range ids {
		v, err := extJSON(id)
		if err != nil {
			return fail(errorf("message: mongoId: %v", err))
		}
		h.MongoIDs = append(h.MongoIDs, v)
	}
	if len(h.MongoIDs) == 0 && h.DittoID.IsZero() {
		return fail(errorf("message: neither mongoId nor dittoId is there"))
	}
	switch {
	case h.Side == value.MongoDB, h.Side == value.Ditto:
	case h.DittoID.IsZero():
		h.Side = value.MongoDB
	default:
		h.Side = value.Ditto
	}
	return Batch{Hints: []Hint{h}}
}

// digestOf reads a digest; what is none is Absent.
func digestOf(s string) (h value.Hash) {
	if b, err := hex.DecodeString(s); err == nil && len(b) == len(h) {
		copy(h[:], b)
	}
	return h
}
