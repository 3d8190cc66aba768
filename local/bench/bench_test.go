package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		values      []float64
		lo, mid, hi float64
	}{
		{[]float64{3}, 3, 3, 3},
		{[]float64{4, 1}, 1, 2.5, 4},
		{[]float64{5, 1, 2, 9, 3}, 1, 3, 9},
	} {
		if lo, mid, hi := spread(tt.values); lo != tt.lo || mid != tt.mid || hi != tt.hi {
			t.Errorf("spread(%v) = %v, %v, %v; want %v, %v, %v", tt.values, lo, mid, hi, tt.lo, tt.mid, tt.hi)
		}
	}
}

func TestQuantile(t *testing.T) {
	var values []float64
	for i := range 100 {
		values = append(values, float64(99-i))
	}
	for q, want := range map[float64]float64{0: 0, 0.5: 50, 0.99: 99, 1: 99} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %v = %v, want %v", q, got, want)
		}
	}
}

func TestFigure(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.123: "0.12", 2: "2", 9.999: "10", 12.34: "12.3", 99.97: "100", 123.4: "123", 1234567: "1,234,567", -5.25: "-5.25",
	} {
		if got := figure(v); got != want {
			t.Errorf("figure(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestAim(t *testing.T) {
	for _, tt := range []struct {
		aim  aim
		v    float64
		want string
	}{
		{aim{}, 1, ""},
		{atLeast(2), 2, "yes"},
		{atLeast(2), 1, "no: 0.50 of it"},
		{atMost(2), 2, "yes"},
		{atMost(2), 3, "no: 1.50 times it"},
	} {
		if got := tt.aim.met(tt.v); got != tt.want {
			t.Errorf("%+v met by %v: %q, want %q", tt.aim, tt.v, got, tt.want)
		}
	}
}

func TestTables(t *testing.T) {
	b := &bench{log: io.Discard}
	b.add(row{what: "speed", unit: "documents/s", values: []float64{1000, 3000, 2000}, aim: atLeast(1500)})
	b.costs = append(b.costs, cost{what: "speed", n: 500, took: time.Second, by: usage{partDitto: time.Second, partQueue: time.Second / 2}})
	want := `| measure | unit | minimum | median | maximum | taken | aim | met |
|---|---|---|---|---|---|---|---|
| speed | documents/s | 1,000 | 2,000 | 3,000 | 3 | ≥ 1,500 | yes |

CPU time in milliseconds per 1,000 documents, by process, and how many of the cores that keeps busy:

| measure | MongoDB | Ditto | mongo-to-ditto | ditto-to-mongo | queue | this program | sum | cores |
|---|---|---|---|---|---|---|---|---|
| speed | 0 | 2,000 | 0 | 0 | 1,000 | 0 | 3,000 | 1.5 |
`
	if diff := cmp.Diff(want, b.tables()); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
}

func TestReplaceMarked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n" + markBegin + "old\n" + markEnd + "\nafter\n")
	for range 2 {
		if err := replaceMarked(path, "| new |\n"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("before\n"+markBegin+"\n| new |\n\n"+markEnd+"\nafter\n", string(got)); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
	write("no marks\n")
	if err := replaceMarked(path, "x"); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a page without marks: %v", err)
	}
}

// What did not arrive, or not as it should be, gives no figure.
func TestCompare(t *testing.T) {
	arrived := map[string]int{key(3): 3, key(4): 4}
	if err := compare(arrived, 3, 5, -1); err != nil {
		t.Errorf("all there: %v", err)
	}
	for name, tt := range map[string]struct{ end, want int }{"missing": {6, -1}, "stale": {5, 4}} {
		if err := compare(arrived, 3, tt.end, tt.want); !errors.Is(err, errNotThere) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAwait(t *testing.T) {
	looks := 0
	if err := await(t.Context(), 1, 0, func() error {
		if looks++; looks < 3 {
			return errNotThere
		}
		return nil
	}); err != nil || looks != 3 {
		t.Errorf("%d looks, %v", looks, err)
	}
	from := time.Now()
	looks = 0
	if err := await(t.Context(), 1, 0, func() error {
		if looks++; looks < 2 {
			return fmt.Errorf("of many: %w", lacking(500))
		}
		return nil
	}); err != nil || time.Since(from) < 500*perMissing {
		t.Errorf("looked again after %s, %v", time.Since(from), err)
	}
	defect := errors.New("defect")
	if err := await(t.Context(), 1, 0, func() error { return defect }); !errors.Is(err, defect) {
		t.Errorf("another error: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := await(ctx, 1, time.Hour, func() error { return errNotThere }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// The measure over stores in memory looks at what arrived.
func TestStageChecks(t *testing.T) {
	s, err := newStage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write(0, 7); err != nil {
		t.Fatal(err)
	}
	if err := s.check(t.Context(), 0, 7); !errors.Is(err, errNotThere) {
		t.Errorf("before: %v", err)
	}
	if err := s.handle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.check(t.Context(), 0, 7); err != nil {
		t.Errorf("after: %v", err)
	}
	if err := s.handle(t.Context()); err == nil {
		t.Error("handling what is equal counted as writing it")
	}
}

func TestRunArguments(t *testing.T) {
	for args, want := range map[string]string{
		"-run (":       "-run: ",
		"-run nothing": "no measure matches",
		"-rounds 0":    "at least 1",
	} {
		if err := run(t.Context(), strings.Fields(args), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
	var out strings.Builder
	if err := run(t.Context(), []string{"-list", "-run", "^(codec|growth)$"}, &out, io.Discard); err != nil || out.String() != "codec\ngrowth\n" {
		t.Errorf("-list: %q, %v", out.String(), err)
	}
}
