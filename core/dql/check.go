package dql

import (
	"bytes"
	"slices"
	"strings"

	"github.com/causeway-sync/causeway/core/value"
)

// CheckTypes are the types that a path can hold side by side.
var CheckTypes = [...]Type{Map, Counter, PNCounter, Register}

// Found is a value of one type at a path.
type Found struct {
	Path  value.Path
	Type  Type
	Value []byte
}

// Checks are the paths that Row unsets and that may hold more than the value
// that shows. They are to be read with each of CheckTypes declared. An EJSON
// wrapper's keys hold strings and nothing else, so they are not among them.
func (d *Draft) Checks() []value.Path {
	if d.change.Strict {
		return nil // v4 shows registers only, and unsets no more than that
	}
	var out []value.Path
	for _, u := range d.unsets {
		if !isWrapperKey(u) {
			out = append(out, u.path)
		}
	}
	slices.Sort(out)
	return out
}

func isWrapperKey(u removal) bool {
	name := u.path[strings.LastIndexByte(string(u.path), 0)+1:]
	return strings.HasPrefix(string(name), "$") && len(u.shows) > 0 && u.shows[0] == '"'
}

// Found takes the values that the checks found, and makes Before and After of
// those that hide.
func (d *Draft) Found(all []Found) {
	d.Before, d.After = nil, nil
	for _, u := range d.unsets {
		var here []Found
		for _, f := range all {
			if f.Path == u.path {
				here = append(here, f)
			}
		}
		// A hidden 3.0 is not the 3 that shows, if that can be told apart.
		at := slices.IndexFunc(here, func(f Found) bool { return bytes.Equal(f.Value, u.shows) })
		if at < 0 {
			at = slices.IndexFunc(here, func(f Found) bool { return same(f.Value, u.shows) })
		}
		if len(here) < 2 || at < 0 {
			continue // nothing hides, or the document changed and Row will lose
		}
		here = slices.Delete(here, at, at+1)
		if u.hidden {
			d.After = append(d.After, d.after(u, here)...)
			continue
		}
		for _, f := range here {
			// What hides is only reached by its type. The condition is on the
			// hidden value; the one that shows goes on showing.
			d.Before = append(d.Before, Row{
				ID:    d.change.ID,
				Types: Types{u.path: f.Type},
				Unset: []value.Path{u.path},
				Where: []Condition{{Path: u.path, Test: Equal, Value: f.Value}},
			})
		}
	}
}

// AboveHidden are the objects in which rows of Before remove something.
func (d *Draft) AboveHidden() []value.Path {
	set := map[value.Path]bool{}
	for _, r := range d.Before {
		for _, p := range r.Unset {
			for _, above := range p.Parents() {
				set[above] = true
			}
		}
	}
	return sorted(set)
}

// after removes values that Row uncovered in a map that did not show: reached
// before, they would have made the map show. Which comes up first is not
// known, so with several each has its turn until all are gone.
func (d *Draft) after(u removal, here []Found) []Row {
	var out []Row
	for turn := range here {
		for _, f := range here[:len(here)-turn] {
			row := Row{ID: d.change.ID, Unset: []value.Path{u.path}}
			for _, up := range u.path.Parents() {
				row.Where = append(row.Where, Condition{Path: up, Test: Object})
			}
			row.Where = append(row.Where, Condition{Path: u.path, Test: Equal, Value: f.Value})
			out = append(out, row)
		}
	}
	return out
}
