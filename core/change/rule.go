package change

import (
	"bytes"
	"encoding/json"
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

// rulePath is a part of RuleInputPaths: where the values of placeholders are in an
// event, and in its members.
type rulePath struct {
	values  []int // of the placeholders that are here, in the template's order
	members map[string]*rulePath
}

// ruleTexts is what stands around RuleTemplate's placeholders, ruleRoot where
// their values are.
var ruleTexts, ruleRoot = parseRule()

func parseRule() (texts []string, root *rulePath) {
	root = &rulePath{}
	rest := RuleTemplate
	for i := 0; ; i++ {
		before, after, found := strings.Cut(rest, "<")
		texts = append(texts, before)
		if !found {
			return texts, root
		}
		name, behind, _ := strings.Cut(after, ">")
		path, _ := strings.CutPrefix(RuleInputPaths[name], "$.")
		at := root
		for part := range strings.SplitSeq(path, ".") {
			if at.members[part] == nil {
				if at.members == nil {
					at.members = map[string]*rulePath{}
				}
				at.members[part] = &rulePath{}
			}
			at = at.members[part]
		}
		at.values = append(at.values, i)
		rest = behind
	}
}

// take takes the values that are in v; of repeated members the last counts.
func (p *rulePath) take(v []byte, values [][]byte) {
	for _, i := range p.values {
		values[i] = v
	}
	if len(p.members) == 0 {
		return
	}
	for _, below := range p.members {
		below.take(nil, values)
	}
	for name, m := range members(v) {
		if below := p.members[name]; below != nil {
			below.take(m, values)
		}
	}
}

// ApplyRule does to a trigger event what EventBridge does with RuleInputPaths
// and RuleTemplate: for the local stand-in of the rule, and for tests.
func ApplyRule(event []byte) ([]byte, error) {
	event, err := valid(event)
	if err != nil {
		return nil, err
	}
	values := make([][]byte, len(ruleTexts)-1)
	ruleRoot.take(event, values)
	b := bytes.NewBuffer(make([]byte, 0, 512))
	for i, text := range ruleTexts {
		b.WriteString(text)
		switch {
		case i == len(values):
		case values[i] == nil:
			b.WriteString(`""`)
		default:
			if err := json.Compact(b, values[i]); err != nil {
				return nil, errorf("apply rule: result is not JSON")
			}
		}
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
