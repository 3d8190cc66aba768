package ditto_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

func someChanges(n int, paths ...string) []ditto.Change {
	var out []ditto.Change
	for i := range n {
		id := docid.ID(fmt.Sprintf(`"d%04d"`, i))
		ch := ditto.Change{ID: id, Doc: []byte(`{"_id":` + string(id) + `,"x":1,"y":2,"n":{"a":1}}`)}
		for _, p := range paths {
			path := value.ParsePath(p)
			ch.Ops = append(ch.Ops, ditto.Op{Path: path, Old: value.Lookup(ch.Doc, path), New: []byte(`"new"`)})
		}
		out = append(out, ch)
	}
	return out
}

// shorten replaces what bulk statements repeat.
func shorten(all []string) []string {
	out := slices.Clone(all)
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], "[array_position(:ids, _id)]", "[]")
		out[i] = strings.ReplaceAll(out[i], "serialize_json", "json")
	}
	return out
}

const probe = "SELECT _id, :ids[] AS v0 FROM `tasks` WHERE _id IN :ids AND type(`tasks`) = 'object' AND json(`tasks`._id) = json(:ids[])"

func TestUpdateGroups(t *testing.T) {
	x := &recorder{T: t}
	s := &ditto.Store{Exec: x}
	changes := someChanges(450, "x")
	changes = append(changes, someChanges(2, "y")...)
	for i := range 2 {
		changes[450+i].ID = docid.ID(fmt.Sprint(i))
	}
	changes = append(changes, someChanges(1, "z")...)
	changes[452].ID = `true`
	r, err := s.Update(t.Context(), tasks, changes)
	if err != nil || len(r.Won) != 453 {
		t.Fatalf("won %d, %v", len(r.Won), err)
	}
	bulk := "UPDATE `tasks` SET `x` = :n0[] WHERE _id IN :ids AND json(`tasks`.`x`) = json(:o0[])"
	want := []string{
		"200: " + probe,
		"200: " + bulk,
		"200: " + bulk,
		"50: " + bulk,
		"2: UPDATE `tasks` SET `y` = :n0[] WHERE _id IN :ids AND json(`tasks`.`y`) = json(:o0[])",
		"1: UPDATE `tasks` SET `z` = :n0 WHERE _id = :id AND `tasks`.`z` IS MISSING",
	}
	if diff := cmp.Diff(want, shorten(x.statements())); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
	for i, q := range x.requests {
		if q.Write != (i > 0) {
			t.Errorf("request %d: write %v", i, q.Write)
		}
	}
}

func TestUpdateServerWithoutBulk(t *testing.T) {
	one := "1: UPDATE `tasks` SET `x` = :n0 WHERE _id = :id AND json(`tasks`.`x`) = json(:o0)"
	for _, tt := range []struct {
		name   string
		answer func() (*ditto.Response, error)
		want   []string // of two updates
	}{
		{"Refuses", func() (*ditto.Response, error) { return nil, rejected() }, []string{"2: " + probe, one, one, one, one}},
		{"MatchesNothing", func() (*ditto.Response, error) { return &ditto.Response{}, nil }, []string{"2: " + probe, one, one, "2: " + probe, one, one}},
		{"AnswersOtherwise", func() (*ditto.Response, error) {
			return &ditto.Response{Items: []json.RawMessage{json.RawMessage(`{"_id":"d0000","v0":null}`)}}, nil
		}, []string{"2: " + probe, one, one, "2: " + probe, one, one}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := &recorder{T: t}
			x.answer = func(r ditto.Request, _ map[string]json.RawMessage) (*ditto.Response, error) {
				if strings.Contains(r.Statement, "array_position") {
					return tt.answer()
				}
				return nil, nil
			}
			s := &ditto.Store{Exec: x}
			for range 2 {
				if r, err := s.Update(t.Context(), tasks, someChanges(2, "x")); err != nil || len(r.Won) != 2 {
					t.Fatalf("%+v, %v", r, err)
				}
			}
			if diff := cmp.Diff(tt.want, shorten(x.statements())); diff != "" {
				t.Errorf("statements (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUpdateHalves(t *testing.T) {
	x := &recorder{T: t}
	x.answer = func(r ditto.Request, args map[string]json.RawMessage) (*ditto.Response, error) {
		if r.Write && slices.ContainsFunc(requestIDs(t, args), func(id json.RawMessage) bool { return string(id) == `"d0005"` }) {
			return nil, rejected()
		}
		return nil, nil
	}
	r, err := (&ditto.Store{Exec: x}).Update(t.Context(), tasks, someChanges(8, "x"))
	if err != nil || len(r.Won) != 7 || !ditto.IsRejected(r.Rejected[`"d0005"`]) {
		t.Errorf("%+v, %v", r, err)
	}
}

// Looks of several documents share a reading unless one would hide something
// from the other.
func TestUpdateLooks(t *testing.T) {
	x := &recorder{T: t}
	docs := map[string]string{
		`"d0000"`: `{"_id":"d0000","n":{"a":1},"m":{"a":1}}`,
		`"d0001"`: `{"_id":"d0001","n":{"a":1},"m":{"a":1}}`,
		`"d0002"`: `{"_id":"d0002","n":{"k":{"a":1}}}`,
	}
	x.answer = func(r ditto.Request, args map[string]json.RawMessage) (*ditto.Response, error) {
		if !strings.Contains(r.Statement, "SELECT *") {
			return nil, nil
		}
		var resp ditto.Response
		for _, id := range requestIDs(t, args) {
			resp.Items = append(resp.Items, json.RawMessage(docs[string(id)]))
		}
		return &resp, nil
	}
	var changes []ditto.Change
	for id, path := range map[string]string{`"d0000"`: "n.a", `"d0001"`: "m.a", `"d0002"`: "n.k.a"} {
		p := value.ParsePath(path)
		changes = append(changes, ditto.Change{ID: docid.ID(id), Doc: []byte(docs[id]), Ops: []ditto.Op{{Path: p, Old: []byte("1"), New: []byte("2")}}})
	}
	slices.SortFunc(changes, func(a, b ditto.Change) int { return strings.Compare(string(a.ID), string(b.ID)) })
	r, err := (&ditto.Store{Exec: x}).Update(t.Context(), tasks, changes)
	if err != nil || len(r.Won) != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	want := []string{
		"2: SELECT * FROM COLLECTION `tasks` (`m` MAP, `n` MAP) WHERE _id IN :ids",
		"1: SELECT * FROM COLLECTION `tasks` (`n` MAP (`k` MAP)) WHERE _id IN :ids",
	}
	if diff := cmp.Diff(want, x.statements()[:2]); diff != "" {
		t.Errorf("looks (-want +got):\n%s", diff)
	}
	wantMaps := map[docid.ID][]value.Path{
		`"d0000"`: {value.PathOf("n")}, `"d0001"`: {value.PathOf("m")}, `"d0002"`: {value.PathOf("n"), value.PathOf("n", "k")},
	}
	if diff := cmp.Diff(wantMaps, r.Maps); diff != "" {
		t.Errorf("maps (-want +got):\n%s", diff)
	}
}
