package change

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/causeway-sync/causeway/core/manifest"
)

// Decoder reads events for one deployment.
type Decoder struct {
	Manifest *manifest.Manifest
}

// Decode reads whatever a worker may be given: a message of Causeway's own
// (single or packed), the rule's flat shape, a trigger event (in EventBridge's
// envelope or bare), a Ditto event, or an array of any of these. The receiver,
// which faces the internet, uses Ditto instead.
func (d Decoder) Decode(body []byte) Batch {
	body, err := valid(body)
	if err != nil {
		return fail(err)
	}
	return d.decode(body, 0)
}

func (d Decoder) decode(body []byte, depth int) Batch {
	if array(body) && depth == 0 {
		var b Batch
		for e := range elements(body) {
			b.add(d.decode(e, depth+1))
		}
		return b
	}
	if !object(body) {
		return fail(errorf("event is not a JSON object"))
	}
	switch m := sniff(body); {
	case m.v != nil && m.rule != nil:
		return d.rule(body)
	case m.v != nil:
		return d.message(body)
	case m.detail != nil:
		return d.envelope(body, m.detail)
	case m.operation:
		return d.atlas(body, event{})
	case m.ditto:
		return d.ditto(body)
	}
	return fail(errorf("event is neither an Atlas trigger event, nor a Ditto event, nor a message of Causeway"))
}

// marks are the members that tell the kinds of events apart.
type marks struct {
	v, rule, detail  []byte
	operation, ditto bool
}

func sniff(body []byte) (m marks) {
	for k, v := range members(body) {
		switch k {
		case "v":
			m.v = v
		case "rule":
			m.rule = v
		case "detail":
			m.detail = v
		case "operationType":
			m.operation = true
		default:
			switch spell(k) {
			case "type", "change", "txnid":
				m.ditto = true
			}
		}
	}
	return m
}

// valid trims body and checks that it is JSON. Broken UTF-8, which encoding/json
// would replace, is refused: the key might be another one then.
func valid(body []byte) ([]byte, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) == 0 {
		return nil, errorf("event is empty")
	}
	if !json.Valid(body) || !utf8.Valid(body) {
		return nil, errorf("event is not JSON")
	}
	return body, nil
}
