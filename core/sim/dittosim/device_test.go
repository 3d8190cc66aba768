package dittosim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/value"
)

// deviceMove is a statement of an app, of whatever SDK, on some of the lane's
// documents; one for a beginning brings most of them.
func deviceMove(seed uint64, begin bool) move {
	return func(ctx context.Context, l *lane) {
		d := &draws{Rand: rand.New(rand.NewPCG(seed, 2))}
		var s step
		if begin {
			s = d.arrival(l)
		} else {
			s = d.deviceStep(l)
		}
		d.execute(ctx, l, s)
	}
}

// meetMove is a device's write where Causeway is about to write.
func meetMove(seed uint64, at value.Path) move {
	return func(ctx context.Context, l *lane) {
		d := &draws{Rand: rand.New(rand.NewPCG(seed, 6))}
		if up := at.Parents(); len(up) > 0 && d.IntN(3) == 0 {
			at = up[d.IntN(len(up))]
		}
		v := d.of("null", "null", "1", "1.0", "0", "-0.0", "[1,null]", "[null]", "{}", `{"x":1}`, `"s"`)
		s := step{ditto.V5, "UPDATE $C SET " + dql.Field(at) + " = " + d.bind(v) + d.ofSome(l), ""}
		if d.IntN(4) == 0 {
			s = step{ditto.V5, "UPDATE $C UNSET " + dql.Field(at) + d.ofSome(l), ""}
		}
		d.execute(ctx, l, s)
	}
}

func (d *draws) execute(ctx context.Context, l *lane, s step) {
	if len(d.args) > 0 {
		s.args = "{" + strings.Join(d.args, ",") + "}"
	}
	l.maps = nil
	s.statement = strings.ReplaceAll(s.statement, "$C", dql.Quote(l.step.collection))
	_, _ = l.Execute(ctx, ditto.Request{API: s.api, Statement: s.statement, Args: json.RawMessage(s.args)})
}

// ofSome is a condition that one document of the lane meets, or all whose ids
// are of the first one's kind.
func (d *draws) ofSome(l *lane) string {
	if d.IntN(3) == 0 {
		return " WHERE _id = " + d.bind(d.of(l.texts...))
	}
	var list []string
	for i, id := range l.texts {
		if l.ids[i].Kind() == l.ids[0].Kind() {
			list = append(list, id)
		}
	}
	return " WHERE _id IN " + d.bind("["+strings.Join(list, ",")+"]")
}

func (d *draws) arrival(l *lane) step {
	docs := []string{d.fieldsOf(l, l.texts[0])}
	like := d.Uint64()
	for _, id := range l.texts[1:] {
		switch d.IntN(4) {
		case 0:
		case 1:
			docs = append(docs, d.fieldsOf(l, id))
		default: // of one kind, so that they can share statements
			k := &draws{Rand: rand.New(rand.NewPCG(like, 5))}
			docs = append(docs, k.fieldsOf(l, id))
		}
	}
	from := "$C"
	if d.IntN(2) == 0 {
		from = "COLLECTION $C (n MAP (x " + d.of("REGISTER", "MAP") + "), a REGISTER)"
	}
	return step{d.someAPI(), "INSERT INTO " + from + " DOCUMENTS (" + d.bind("["+strings.Join(docs, ",")+"]") + ")", ""}
}

func (d *draws) someAPI() ditto.API { return ditto.API(d.of("v5", "v5", "v5", "v4")) }

// fieldsOf is a document with this id.
func (d *draws) fieldsOf(l *lane, id string) string {
	parts := []string{`"_id":` + id}
	for _, f := range fieldNames(l.step.collection) {
		if d.chance(1) {
			parts = append(parts, fmt.Sprintf("%q:%s", f, d.value()))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// devicePath is a path, most often into the same object.
func (d *draws) devicePath(l *lane) string {
	p := d.of("n", "n", "n", "a", "q", dql.Quote(l.step.collection), "`p.q`")
	for d.IntN(2) == 0 {
		p += "." + d.of("x", "x", "q", "a", "`$z`")
	}
	return p
}

func (d *draws) deviceStep(l *lane) step {
	p := d.devicePath(l)
	of := d.ofSome(l)
	switch d.IntN(12) {
	case 0:
		return step{d.someAPI(), "INSERT INTO $C DOCUMENTS (" + d.bind(d.fieldsOf(l, d.of(l.texts...))) + ") ON ID CONFLICT DO UPDATE", ""}
	case 1, 2:
		return step{ditto.V5, "UPDATE $C APPLY " + p + d.of(" INCREMENT BY ", " RESTART WITH ") + d.bind(d.of("1", "-2", "7")) + of, ""}
	case 3:
		return step{ditto.V5, "UPDATE $C UNSET " + p + of, ""}
	case 4, 5:
		return step{ditto.V4, "UPDATE $C SET " + d.of("n", "n", "a", "q") + " = " + d.bind(d.value()) + of, ""}
	case 6:
		in := d.of("n REGISTER", "n MAP (x REGISTER)", "a REGISTER", "q PN_COUNTER", "n MAP (q PN_COUNTER)")
		if path := strings.NewReplacer(" MAP (", ".", ")", "").Replace(in); strings.HasSuffix(path, " PN_COUNTER") {
			return step{ditto.V5, "UPDATE COLLECTION $C (" + in + ") APPLY " + strings.TrimSuffix(path, " PN_COUNTER") + " PN_INCREMENT BY 1.0" + of, ""}
		} else {
			return step{ditto.V5, "UPDATE COLLECTION $C (" + in + ") SET " + strings.TrimSuffix(path, " REGISTER") + " = " + d.bind(d.value()) + of, ""}
		}
	case 7:
		return step{ditto.V5, "DELETE FROM $C WHERE _id = " + d.bind(d.of(l.texts...)), ""}
	}
	return step{ditto.V5, "UPDATE $C SET " + p + " = " + d.bind(d.value()) + of, ""}
}
