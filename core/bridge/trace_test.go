package bridge_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/manifest"
)

// pairLine is the debug line of a pair, but for its times.
type pairLine struct {
	Msg     string `json:"msg"`
	DittoID string `json:"dittoId"`
	Row     string `json:"row"`
	Read    struct {
		MongoDB, Ditto bool
		State          string
	} `json:"read"`
	ToDitto, ToMongo *struct {
		What  string
		Paths []string
	}
	WaitMS *int64 `json:"waitMs"`
	Took   []struct{ Step string }
}

// The debug line of a pair tells what was read, decided and written, step by
// step, by keys and paths alone (invariant 10); without debug lines nothing is
// measured.
func TestPairLine(t *testing.T) {
	s := newStage(t, nil)
	var out bytes.Buffer
	level := slog.LevelDebug
	settle := func() (lines []pairLine) {
		out.Reset()
		b := bridge.New(bridge.Config{
			Manifest: &manifest.Manifest{Database: "db", Collections: []manifest.Collection{*s.c}},
			Mongo:    s.mongo, Ditto: s.ditto, Log: slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level})),
		})
		hints := s.hints
		s.hints = nil
		b.Handle(t.Context(), hints)
		for line := range strings.Lines(out.String()) {
			var l pairLine
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, l)
		}
		if strings.Contains(out.String(), "contents") {
			t.Errorf("a line holds contents: %s", out.String())
		}
		return lines
	}
	steps := func(l pairLine) (names []string) {
		for _, s := range l.Took {
			names = append(names, s.Step)
		}
		return names
	}
	s.set(`{"_id":"a","text":"contents"}`)
	l := settle()
	if len(l) != 1 || l[0].Msg != "pair" || l[0].DittoID != `"a"` || !l[0].Read.MongoDB || l[0].Read.Ditto || l[0].ToDitto == nil || l[0].ToDitto.What != "insert" || l[0].ToMongo != nil {
		t.Fatalf("lines %+v, want one of an insert into Ditto", l)
	}
	if l[0].WaitMS == nil {
		t.Error("it does not say how long the change had waited")
	}
	if diff := cmp.Diff([]string{"ledger", "read", "decide", "claim", "record", "write", "settle"}, steps(l[0])); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if l = settle(); len(l) != 1 || l[0].ToDitto != nil || l[0].ToMongo != nil || l[0].Row != "echo" || !l[0].Read.MongoDB || !l[0].Read.Ditto {
		t.Errorf("lines %+v, want one of an echo", l)
	} else if diff := cmp.Diff([]string{"ledger", "read"}, steps(l[0])); diff != "" {
		t.Errorf("steps of an echo (-want +got):\n%s", diff)
	}
	s.set(`{"_id":"a","text":"contents","other":"contents"}`)
	if l = settle(); len(l) != 1 || l[0].ToDitto == nil || !cmp.Equal(l[0].ToDitto.Paths, []string{"other"}) {
		t.Errorf("lines %+v, want one of an update of one path", l)
	}
	level = slog.LevelInfo
	s.set(`{"_id":"a","text":"contents 2"}`)
	if l = settle(); len(l) != 0 {
		t.Errorf("lines %+v without debug lines", l)
	}
}
