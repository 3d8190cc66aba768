package cost_test

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/infra/cost"
)

var update = flag.Bool("update", false, "rewrite docs/cost.md")

// alarms are those of the stack of the guide's manifest, as its golden template
// has them.
func alarms(t *testing.T) (n int) {
	t.Helper()
	b, err := os.ReadFile("../stack/testdata/option1.template.json")
	if err != nil {
		t.Fatal(err)
	}
	var tpl struct {
		Resources map[string]struct{ Type string }
	}
	if err := json.Unmarshal(b, &tpl); err != nil {
		t.Fatal(err)
	}
	for _, r := range tpl.Resources {
		if r.Type == "AWS::CloudWatch::Alarm" {
			n++
		}
	}
	if n < 20 {
		t.Fatalf("%d alarms", n)
	}
	return n
}

// The page says what the code computes.
func TestPage(t *testing.T) {
	const file = "../../docs/cost.md"
	got := cost.Page(alarms(t))
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/cost.md (-page +computed), rewritten with -update:\n%s", diff)
	}
}

// A sum done by hand, from the price list: a million changes of MongoDB, 100 at
// a time, through webhooks.
func TestPerMillion(t *testing.T) {
	want := 1.00 + 0.40 + // EventBridge, queue
		0.08 + // 100,000 receives of ten, and as many deletes
		0.002 + 0.0024*0.25*13.3334 + 0.0055 + // worker: (90 ms + 100 × 1.65 ms)/100, logs
		0.04545 + // 0.505 GB to Ditto
		1.00 + 0.20 + 0.005*0.25*13.3334 + 0.145 + 0.0375 + 0.40 + // webhook, receiver, its logs, queue
		0.08 + 0.002 + 0.0020*0.25*13.3334 + 0.0055
	got := cost.Sum(cost.PerMillion(cost.Load{KB: 0.5, Batch: 100}))
	if math.Abs(got-want) > 0.01 {
		t.Errorf("%.4f, want %.4f", got, want)
	}
}

// Larger batches and Kafka are never dearer, larger documents never cheaper, and
// the aim for Kafka holds.
func TestOrder(t *testing.T) {
	sum := func(l cost.Load) float64 { return cost.Sum(cost.PerMillion(l)) }
	for _, from := range []bool{false, true} {
		for _, kb := range []float64{0.5, 20} {
			for _, kafka := range []bool{false, true} {
				last := math.Inf(1)
				for _, batch := range []int{1, 10, 100} {
					l := cost.Load{KB: kb, Batch: batch, Kafka: kafka, FromDitto: from}
					if now := sum(l); now >= last {
						t.Errorf("%+v: %.2f, and %.2f with a smaller batch", l, now, last)
					} else {
						last = now
					}
					hook := l
					hook.Kafka = false
					if kafka && sum(l) >= sum(hook) {
						t.Errorf("%+v is not cheaper than by webhooks", l)
					}
				}
			}
		}
		if got := sum(cost.Load{KB: 0.5, Batch: 100, Kafka: true, FromDitto: from}); got >= 2 {
			t.Errorf("Kafka: %.2f", got)
		}
	}
}
