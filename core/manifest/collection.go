package manifest

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/causeway-sync/causeway/core/value"
)

// collections reads the map of collections, sorted by name.
func (r *reader) collections(f field, database string) []Collection {
	o := r.open(f)
	if o == nil {
		return nil
	}
	if len(o.names) == 0 {
		r.bad(f, "has no collection", "name at least one")
	}
	var out []Collection
	owner := map[string]string{} // Ditto collection to MongoDB collection
	for _, name := range o.names {
		at := o.fields[name]
		r.collectionName(at, database, name)
		c, nameAt := r.collection(at, name)
		if other, taken := owner[c.DittoName]; taken && c.DittoName != "" {
			r.bad(nameAt, fmt.Sprintf("collections %s and %s both map to %s in Ditto", show(other), show(name), show(c.DittoName)), "set another dittoCollection")
		} else {
			owner[c.DittoName] = name
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Collection) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// collection reads one collection, and where its name in Ditto stands.
func (r *reader) collection(f field, name string) (c Collection, nameAt field) {
	c = Collection{Name: name, DittoName: name, Strict: true, Direction: Both}
	if f.absent() {
		r.bad(f, "is empty", "write at least fields: [_id] below it")
		return c, f
	}
	o := r.object(f, "fields", "initialSync", "mode", "dqlStrictMode", "dittoTypes", "direction", "conflicts", "deletes", "dittoCollection")
	if o == nil {
		return c, f
	}
	if ids := o.get("fields"); r.required(ids, "name the MongoDB fields that make the Ditto id, such as [_id]") {
		c.Fields = r.idFields(ids)
	}
	c.InitialSync = r.bool(o.get("initialSync"), false)
	c.Mode = r.mode(o.get("mode"))
	c.Strict = r.bool(o.get("dqlStrictMode"), true)
	if c.Strict && c.Mode == value.EJSON {
		r.strict(o, "mode", "When using EJSON mode, set dqlStrictMode: false")
	}
	if t := r.object(o.get("dittoTypes"), "settableCounters"); t != nil {
		c.Counters = r.counters(t.get("settableCounters"), &c)
		if c.Strict && len(c.Counters) > 0 {
			r.strict(o, "dittoTypes", "Settable counters require dqlStrictMode: false")
		}
	}
	c.Direction = Direction(r.enum(o.get("direction"), "direction", string(Both), string(Both), string(MongoToDitto), string(DittoToMongo)))
	c.Conflicts = r.conflicts(o.get("conflicts"), &c)
	c.Deletes = r.deletes(o.get("deletes"), &c)
	nameAt = o.get("dittoCollection")
	if nameAt.absent() {
		return c, f
	}
	if s, ok := r.text(nameAt); ok {
		c.DittoName = s
		if s == "" || strings.ContainsRune(s, 0) || strings.HasPrefix(s, "system:") {
			r.bad(nameAt, show(s)+" is not a collection name that Ditto takes", "write a name that is not empty and does not begin with system:")
		}
	}
	return c, nameAt
}

// mode reads `mode`. The connector's schema says "native" for what its guide
// calls "json".
func (r *reader) mode(f field) value.Mode {
	if s, ok := r.text(f); !ok || s == "native" {
		return value.JSON
	}
	if r.enum(f, "mode", "json", "json", "ejson") == "ejson" {
		return value.EJSON
	}
	return value.JSON
}

// strict reports a setting that needs dqlStrictMode: false, at dqlStrictMode
// if it is there, else at the setting.
func (r *reader) strict(o *object, setting, mend string) {
	at := o.get("dqlStrictMode")
	what := "is true"
	if at.absent() {
		at.line, what = o.get(setting).line, "is true by default"
	}
	r.bad(at, what, mend)
}

// idFields reads the fields that make the Ditto id (docs/configuration.md,
// "Ids").
func (r *reader) idFields(f field) []string {
	elems := r.list(f)
	if len(elems) == 0 {
		if f.node.Kind == yaml.SequenceNode && len(f.node.Content) == 0 {
			r.bad(f, "names no field", "name the MongoDB fields that make the Ditto id, such as [_id]")
		}
		return nil
	}
	var out []string
	for _, e := range elems {
		s, ok := r.text(e)
		switch {
		case !ok:
			continue
		case s == "":
			r.bad(e, "is empty", "name a field")
		case strings.Contains(s, "."):
			r.bad(e, show(s)+" is a nested path", "only top-level fields can make an id")
		case s[0] == '$' || strings.ContainsRune(s, 0) || s == "_mdb":
			r.bad(e, show(s)+" cannot make an id", "name an ordinary field")
		case slices.Contains(out, s):
			r.bad(e, show(s)+" is named twice", "keep one")
		default:
			out = append(out, s)
		}
	}
	if len(out) > 1 && slices.Contains(out, "_id") {
		r.bad(f, "combines _id with other fields", "use [_id] alone, or the other fields alone")
	}
	return out
}

func (r *reader) counters(f field, c *Collection) []value.Path {
	var out []value.Path
	for _, e := range r.list(f) {
		p := r.path(e)
		if p == "" || r.mapped(e, p, c, "a settable counter") {
			continue
		}
		i := slices.IndexFunc(out, func(q value.Path) bool { return q.Contains(p) || p.Contains(q) })
		switch {
		case i < 0:
			out = append(out, p)
		case out[i] == p:
			r.bad(e, show(dotted(p))+" is named twice", "keep one")
		default:
			r.bad(e, fmt.Sprintf("%s and %s contain one another", show(dotted(out[i])), show(dotted(p))), "a counter is a number; keep one of the two")
		}
	}
	return out
}

// mapped reports whether p lies in a field that makes the id, and a problem if
// so.
func (r *reader) mapped(f field, p value.Path, c *Collection, as string) bool {
	top := p.Segments()[0]
	if !slices.Contains(c.Fields, top) {
		return false
	}
	r.bad(f, fmt.Sprintf("%s makes the Ditto id, which never changes, so it cannot be %s", show(top), as), "name another field")
	return true
}

// sides are the words of `conflicts`.
var sides = map[string]value.Side{"mongo": value.MongoDB, "ditto": value.Ditto}

func (r *reader) side(f field) value.Side {
	return sides[r.enum(f, "side", "mongo", "mongo", "ditto")]
}

func (r *reader) conflicts(f field, c *Collection) Conflicts {
	out := Conflicts{Default: value.MongoDB}
	if f.absent() {
		return out
	}
	if f.node.Kind != yaml.MappingNode {
		out.Default = r.side(f)
		return out
	}
	o := r.object(f, "default", "fields")
	out.Default = r.side(o.get("default"))
	fields := r.open(o.get("fields"))
	if fields == nil {
		return out
	}
	for _, name := range fields.names {
		at := fields.fields[name]
		p := r.checkPath(at, name)
		if !r.required(at, "use mongo or ditto") || p == "" {
			continue
		}
		side := r.side(at)
		switch {
		case r.mapped(at, p, c, "in conflict"):
		case slices.ContainsFunc(c.Counters, func(q value.Path) bool { return q.Contains(p) }):
			r.bad(at, "is a settable counter, which MongoDB resets and devices increment without conflict", "remove it")
		case c.Strict && len(p.Parents()) > 0:
			r.bad(at, "lies inside an object that is settled as a whole", "name "+show(p.Segments()[0])+", or set dqlStrictMode: false")
		default:
			if out.Fields == nil {
				out.Fields = map[value.Path]value.Side{}
			}
			out.Fields[p] = side
		}
	}
	return out
}

func (r *reader) deletes(f field, c *Collection) Deletes {
	out := Deletes{Ditto: DeleteApply}
	o := r.object(f, "mongodb", "ditto", "softField")
	if o == nil {
		return out
	}
	out.Resurrect = r.enum(o.get("mongodb"), "rule for deletes in MongoDB", "delete", "delete", "resurrect") == "resurrect"
	out.Ditto = DeleteMode(r.enum(o.get("ditto"), "rule for deletes in Ditto", string(DeleteApply), string(DeleteApply), string(DeleteIgnore), string(DeleteSoft)))
	soft := o.get("softField")
	switch {
	case out.Ditto != DeleteSoft && !soft.absent():
		r.bad(soft, "has no meaning unless ditto is soft", "set ditto: soft, or remove it")
	case out.Ditto == DeleteSoft && r.required(soft, "name the field that a delete in Ditto sets to true"):
		p := r.path(soft)
		switch {
		case p == "" || r.mapped(soft, p, c, "set by a delete"):
		case slices.ContainsFunc(c.Counters, func(q value.Path) bool { return q.Contains(p) || p.Contains(q) }):
			r.bad(soft, show(dotted(p))+" overlaps a settable counter", "name another field")
		default:
			out.SoftField = p
		}
	}
	return out
}
