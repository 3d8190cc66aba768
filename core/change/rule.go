package change

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// RuleInputPaths and RuleTemplate are the input transformer of the EventBridge
// rule that stands between the trigger and the queue. It lets through the keys
// of an event and nothing else (invariant 10). EventBridge replaces <name> with
// the value at the path: a string is quoted, an object or number embedded as
// JSON, a path that the event lacks becomes an empty string. The template is
// not changed, only extended: messages of older rules are still in the queue
// when the rule is updated.
var RuleInputPaths = map[string]string{
	"operation":   "$.detail.operationType",
	"db":          "$.detail.ns.db",
	"coll":        "$.detail.ns.coll",
	"id":          "$.detail.documentKey._id",
	"toDb":        "$.detail.to.db",
	"toColl":      "$.detail.to.coll",
	"clusterTime": "$.detail.clusterTime",
	"detailType":  "$.detail-type",
	"time":        "$.time",
}

// RuleTemplate: see RuleInputPaths.
const RuleTemplate = `{"v":1,"rule":1,"operationType":<operation>,"db":<db>,"coll":<coll>,"id":<id>,` +
	`"toDb":<toDb>,"toColl":<toColl>,"clusterTime":<clusterTime>,"detailType":<detailType>,"at":<time>}`

var placeholder = regexp.MustCompile(`<([A-Za-z]+)>`)

// ApplyRule does to a trigger event what EventBridge does with RuleInputPaths
// and RuleTemplate: for the local stand-in of the rule, and for tests.
func ApplyRule(event []byte) ([]byte, error) {
	event, err := valid(event)
	if err != nil {
		return nil, err
	}
	out := placeholder.ReplaceAllFunc([]byte(RuleTemplate), func(m []byte) []byte {
		v := event
		path, _ := strings.CutPrefix(RuleInputPaths[string(m[1:len(m)-1])], "$.")
		for name := range strings.SplitSeq(path, ".") {
			v = member(v, name)
		}
		if v == nil {
			return []byte(`""`)
		}
		return v
	})
	var b bytes.Buffer
	if err := json.Compact(&b, out); err != nil {
		return nil, errorf("apply rule: result is not JSON")
	}
	return b.Bytes(), nil
}

// rule reads the flat shape that the rule writes. An empty string stands for a
// field that the event lacked.
func (d Decoder) rule(body []byte) Batch {
	var e event
	for k, v := range members(body) {
		switch k {
		case "operationType":
			e.op = unquote(v)
		case "db":
			e.db = unquote(v)
		case "coll":
			e.coll = unquote(v)
		case "toDb":
			e.toDB = unquote(v)
		case "toColl":
			e.toColl = unquote(v)
		case "id":
			// A document whose `_id` is the empty string looks the same as an
			// event without one. It is refused with the latter, which would
			// otherwise lose every event in silence; a sweep finds it.
			if !absent(v) && string(v) != `""` {
				e.id = v
			}
		case "clusterTime":
			e.clusterTime = v
		case "detailType":
			e.detailType = unquote(v)
		case "at":
			e.at = instant(v)
		}
	}
	if e.op == "" {
		return fail(errorf("message of the rule has no operationType: it was not made from a trigger event"))
	}
	if t := clock(e.clusterTime); !t.IsZero() {
		e.at = t
	}
	return d.mongo(e)
}
