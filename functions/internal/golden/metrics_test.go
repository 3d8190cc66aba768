package golden_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/core/telemetry/emf"
	"github.com/causeway-sync/causeway/functions/internal/sweeper"
)

// docs/operating.md lists each metric that the functions emit, with its unit,
// and no other.
func TestMetrics(t *testing.T) {
	s := newStage(t)
	s.set(`{"_id":"a","note":"hush"}`)
	s.event(s.fromDitto(`"a"`)) // with a time, so that there is a lag
	_, received := receiveMetrics(t, nil, nil, documentChanged)
	got := map[string]string{}
	for _, line := range [][]byte{s.last, received, runMetrics(t), beatMetrics(t)} {
		if err := emf.Check(bytes.TrimSpace(line)); err != nil {
			t.Fatal(err)
		}
		var l struct {
			AWS struct {
				CloudWatchMetrics []struct{ Metrics []struct{ Name, Unit string } }
			} `json:"_aws"`
		}
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		for _, d := range l.AWS.CloudWatchMetrics {
			for _, m := range d.Metrics {
				got[m.Name] = m.Unit
			}
		}
	}
	doc, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z]\\w+)` \\| (\\w+) \\| [^|]+ \\| [^|]*\\|$").FindAllSubmatch(doc, -1) {
		listed[string(m[1])] = string(m[2])
	}
	if diff := gocmp.Diff(listed, got); diff != "" {
		t.Errorf("metrics (-docs/operating.md +emitted):\n%s", diff)
	}
}

// runMetrics are those of a run's end.
func runMetrics(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	s := sweeper.Sweeper{
		Runner:  func(context.Context) (sweeper.Runner, error) { return ended{}, nil },
		Metrics: telemetry.NewMetrics(&out, time.Now), Log: telemetry.NewLogger(t.Output(), slog.LevelInfo, true), Now: time.Now,
	}
	if _, err := s.Invoke(t.Context(), json.RawMessage(`{"step":"summary","run":"r"}`)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// beatMetrics are those of a heartbeat.
func beatMetrics(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	s := sweeper.Sweeper{
		Canary: &steps{}, Metrics: telemetry.NewMetrics(&out, time.Now), Log: telemetry.NewLogger(t.Output(), slog.LevelInfo, true), Now: time.Now,
	}
	if _, err := s.Invoke(t.Context(), json.RawMessage(`{"step":"canary"}`)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// ended is a run that has ended.
type ended struct{ sweeper.Runner }

func (ended) Summary(context.Context, string, string) (sweep.Summary, error) {
	return sweep.Summary{Run: "r"}, nil
}
