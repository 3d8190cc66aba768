package cost

import (
	"fmt"
	"math"
	"strings"
)

// sizes and batches that the page shows.
var (
	sizes   = []float64{0.5, 20}
	batches = []int{1, 10, 100}
)

// Page is docs/cost.md. alarms are those of the stack.
func Page(alarms int) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# What it costs")
	p("")
	p("Computed by `infra/cost`, whose test holds this page against it (`go test ./infra/cost -update` writes it). Prices in USD are those of AWS's public")
	p("price list for %s, %s, without free tiers unless said; other regions differ by a few per cent. Atlas and Ditto are not in it. The times of", Region, Date)
	p("the functions are assumed, not yet measured in the cloud: see below.")
	p("")
	p("## A million changes")
	p("")
	p("The echo included: each write of Causeway's makes the other side tell of a change, and Causeway find that nothing is to do. B is the number of")
	p("changes that a worker settles together: 1 when changes are rare, up to 100 when many come within a second.")
	p("")
	p("| document | direction | by | B = 1 | B = 10 | B = 100 |")
	p("|---|---|---|---|---|---|")
	for _, kb := range sizes {
		for _, from := range []bool{false, true} {
			for _, kafka := range []bool{false, true} {
				row := fmt.Sprintf("| %g KB | %s | %s |", kb, direction(from), by(kafka))
				for _, batch := range batches {
					row += fmt.Sprintf(" %.2f |", Sum(PerMillion(Load{kb, batch, kafka, from})))
				}
				p("%s", row)
			}
		}
	}
	p("")
	best := func(kafka bool) float64 {
		return math.Max(Sum(PerMillion(Load{0.5, 100, kafka, false})), Sum(PerMillion(Load{0.5, 100, kafka, true})))
	}
	p("The aim was under 3.20 through webhooks and under 2 through Kafka, at 0.5 KB. Through Kafka it is %s at B = 100 (%.2f). Through webhooks it is", met(best(true), 2), best(true))
	p("%s (%.2f): requests and running time alone come to %.2f; the rest is a line of metrics and one of the access log per webhook, and the", met(best(false), 3.2), best(false), bare(Load{0.5, 100, false, false}))
	p("documents' way to Ditto. Rare changes cost more each, and few of them cost little.")
	p("")
	for _, l := range []Load{{0.5, 100, false, false}, {0.5, 100, true, false}, {0.5, 100, false, true}, {20, 1, false, false}} {
		sum(p, l)
	}
	p("Times: a batch that writes takes 90 ms and one that finds nothing to do 50 ms, from round trips of 2 ms to Atlas and 40 ms to Ditto, and 1.5 ms and")
	p("0.3 ms per KB for each pair more. Requests to KMS do not count: a queue uses a data key for twelve hours.")
	p("")
	p("## A month without a change")
	p("")
	p("| | formula | USD | with free tiers |")
	p("|---|---|---|---|")
	idle := PerMonth(alarms)
	for _, l := range idle {
		p("| %s | %s | %.2f | %.2f |", l.What, l.Formula, l.USD, l.Free)
	}
	usd, free := SumIdle(idle)
	p("| **together** | | **%.2f** | **%.2f** |", usd, free)
	p("")
	p("No function runs but the heartbeat, and no server is there. With free tiers, where nothing else of the account uses them up, it is the key, the")
	p("secrets and the alarms beyond ten, %d of them. Beside this: storage of logs (0.03 per GB and month), and the sweep, which reads every document once a", alarms-10)
	p("day: 0.25 GB-seconds for a thousand pairs at most, and 25 per million steps of the state machine. `sweep.schedule` makes it rarer.")
	p("")
	nat, link := NAT()
	p("| network | USD a month more |")
	p("|---|---|")
	p("| `public` | 0.00 |")
	p("| `nat` | %.2f, and %g per GB |", nat, NATGB)
	p("| `privatelink` | %.2f, and %g per GB to Ditto |", link, NATGB)
	p("")
	p("## The connector's pod")
	p("")
	p("It runs day and night: half a vCPU and 1 GB on Fargate (arm64), an assumption, since its needs are not published, cost %.2f a month and deploy no second", Pod())
	p("one for availability; the Kubernetes cluster around it is not in this. Causeway at %.2f a month, idle and without free tiers, leaves %.2f for changes:", usd, Pod()-usd)
	p("about %.1f million a month through webhooks, or %.1f million through Kafka, at 0.5 KB and B = 100. Beyond that the pod is cheaper, as long as one pod", (Pod()-usd)/best(false), (Pod()-usd)/best(true))
	p("keeps up.")
	return b.String()
}

func direction(fromDitto bool) string {
	if fromDitto {
		return "Ditto → MongoDB"
	}
	return "MongoDB → Ditto"
}

func by(kafka bool) string {
	if kafka {
		return "Kafka"
	}
	return "webhooks"
}

func met(usd, aim float64) string {
	if usd < aim {
		return "met"
	}
	return "missed"
}

// bare is a sum without logs and traffic.
func bare(l Load) (usd float64) {
	for _, x := range PerMillion(l) {
		if !strings.Contains(x.What, "metrics") && !strings.Contains(x.What, "document") {
			usd += x.USD
		}
	}
	return usd
}

// sum prints every line of one.
func sum(p func(string, ...any), l Load) {
	p("### %s, %g KB, %s, B = %d", direction(l.FromDitto), l.KB, by(l.Kafka), l.Batch)
	p("")
	p("| | each | USD per million |")
	p("|---|---|---|")
	lines := PerMillion(l)
	for _, x := range lines {
		p("| %s | %s | %.3f |", x.What, x.Formula, x.USD)
	}
	p("| **together** | | **%.2f** |", Sum(lines))
	p("")
}
