package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/core/telemetry/emf"
)

var now = func() time.Time { return time.UnixMilli(1763882100123) }

// checkEMF fails unless line is one that CloudWatch takes metrics from.
func checkEMF(t *testing.T, line []byte) map[string]any {
	t.Helper()
	if err := emf.Check(line); err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(line, &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

func TestEmit(t *testing.T) {
	var b bytes.Buffer
	m := telemetry.NewMetrics(&b, now, telemetry.Dimension{Name: "Function", Value: "mongo-to-ditto"}, telemetry.Dimension{Name: "Deployment"})
	err := m.Emit(
		telemetry.Metric{Name: telemetry.ToDitto, Unit: telemetry.Count, Value: 3},
		telemetry.Metric{Name: telemetry.Lag, Unit: telemetry.Milliseconds, Value: 12.5})
	if err != nil {
		t.Fatal(err)
	}
	got := checkEMF(t, b.Bytes())
	want := map[string]any{
		"Function": "mongo-to-ditto", "ToDitto": 3.0, "Lag": 12.5,
		"_aws": map[string]any{
			"Timestamp": 1763882100123.0,
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace": "Causeway", "Dimensions": []any{[]any{"Function"}},
				"Metrics": []any{
					map[string]any{"Name": "ToDitto", "Unit": "Count"},
					map[string]any{"Name": "Lag", "Unit": "Milliseconds"},
				},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestEmitWithoutDimensions(t *testing.T) {
	var b bytes.Buffer
	if err := telemetry.NewMetrics(&b, now).Emit(telemetry.Metric{Name: telemetry.Failed, Unit: telemetry.Count}); err != nil {
		t.Fatal(err)
	}
	checkEMF(t, b.Bytes())
	if strings.Contains(b.String(), "null") {
		t.Errorf("dimensions must be an array: %s", b.String())
	}
}

func TestEmitNothing(t *testing.T) {
	var b bytes.Buffer
	if err := telemetry.NewMetrics(&b, now).Emit(); err != nil || b.Len() != 0 {
		t.Errorf("wrote %q, error %v", b.String(), err)
	}
}

func TestEmitErrors(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	m := telemetry.NewMetrics(w, now)
	if err := m.Emit(telemetry.Metric{Name: "X", Unit: telemetry.Count}); err == nil {
		t.Error("no error from a closed writer")
	}
	if err := m.Emit(telemetry.Metric{Name: "X", Unit: telemetry.Count, Value: math.NaN()}); err == nil {
		t.Error("no error for a value that JSON cannot hold")
	}
}

// Lines of concurrent emitters do not mix.
func TestEmitConcurrently(t *testing.T) {
	var b bytes.Buffer
	m := telemetry.NewMetrics(&b, now)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := m.Emit(telemetry.Metric{Name: telemetry.Pairs, Unit: telemetry.Count, Value: 1}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	lines := bytes.Split(bytes.TrimSpace(b.Bytes()), []byte("\n"))
	if len(lines) != 50 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		checkEMF(t, line)
	}
}

func TestParseLevel(t *testing.T) {
	for in, want := range map[string]slog.Level{
		"": slog.LevelInfo, "debug": slog.LevelDebug, "WARN": slog.LevelWarn, " error ": slog.LevelError, "loud": slog.LevelInfo,
	} {
		if got := telemetry.ParseLevel(in); got != want {
			t.Errorf("ParseLevel(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestWithLevel(t *testing.T) {
	var b bytes.Buffer
	inner := slog.NewTextHandler(&b, nil) // info
	log := slog.New(telemetry.WithLevel(inner, slog.LevelDebug)).With("a", 1).WithGroup("g")
	log.Debug("seen", "b", 2)
	if !strings.Contains(b.String(), "a=1 g.b=2") {
		t.Errorf("log %q", b.String())
	}
	if slog.New(telemetry.WithLevel(inner, slog.LevelError)).Enabled(context.Background(), slog.LevelWarn) {
		t.Error("a warning passes the level error")
	}
}

func TestNewLogger(t *testing.T) {
	var b bytes.Buffer
	telemetry.NewLogger(&b, slog.LevelInfo, true).Info("x", telemetry.KeyCollection, "tasks")
	if !json.Valid(b.Bytes()) || !strings.Contains(b.String(), `"collection":"tasks"`) {
		t.Errorf("log %q", b.String())
	}
	b.Reset()
	telemetry.NewLogger(&b, slog.LevelWarn, false).Info("x")
	if b.Len() != 0 {
		t.Errorf("log %q", b.String())
	}
}

// Counts of 0 cost money in CloudWatch, and say nothing; other values of 0 do.
func TestEmitSparse(t *testing.T) {
	var out bytes.Buffer
	m := telemetry.NewMetrics(&out, time.Now, telemetry.Dimension{Name: "Function", Value: "f"}).Sparse()
	zero := telemetry.Metric{Name: telemetry.Failed, Unit: telemetry.Count}
	if err := m.Emit(zero, zero); err != nil || out.Len() != 0 {
		t.Errorf("only zeros: %q, %v", out.String(), err)
	}
	if err := m.Emit(zero, telemetry.Metric{Name: telemetry.Lag, Unit: telemetry.Milliseconds}, telemetry.Metric{Name: telemetry.Pairs, Unit: telemetry.Count, Value: 2}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{telemetry.Failed: false, telemetry.Lag: true, telemetry.Pairs: true} {
		if got := strings.Contains(out.String(), `"`+name+`"`); got != want {
			t.Errorf("%s is there: %v, want %v: %s", name, got, want, out.String())
		}
	}
}
