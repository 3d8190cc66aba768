package cost

import "math"

// Load is the size of a document, and how its changes come.
type Load struct {
	KB    float64 // of a document
	Batch int     // changes that a worker settles together
	Kafka bool    // Ditto tells of changes by Kafka, not by webhooks
	// FromDitto is the direction: the change is Ditto's, and the echo MongoDB's.
	FromDitto bool
}

// Measured and assumed, for the terms below. Sizes of log lines are those of the
// functions' own; times are assumed from round trips (2 ms to Atlas in the same
// region, 40 ms to Ditto) and from what a pair costs on one machine
// (docs/performance.md), at the CPU that Lambda gives for the memory.
const (
	memoryGB = 0.25

	receiveS    = 0.005  // a webhook, or a batch of records
	writeS      = 0.090  // a batch that writes: ledger, both sides, claim, write, settle
	equalS      = 0.050  // a batch of which nothing is to do: ledger, both sides
	perPairS    = 0.0015 // more for each pair
	perPairKBS  = 0.0003 // and for each KB of it
	workerLogB  = 1100   // a batch: its line and its metrics
	receiverB   = 290    // a webhook: its metric
	accessB     = 150    // a webhook, in the access log
	perMessage  = 10     // messages that SQS hands over, and deletes, at once
	overheadKB  = 0.5    // of a statement, around its documents
	accessLogGB = 0.25   // ingested, infrequent access
)

// Line is one term of a sum, for a million changes.
type Line struct {
	What    string
	Formula string
	USD     float64
}

const million = 1e6

// PerMillion are the terms of what a million changes cost, the echo included:
// the event by which the other side tells of Causeway's own write.
func PerMillion(l Load) []Line {
	b := float64(l.Batch)
	polls := 2 / math.Min(b, perMessage) // received and deleted, per message
	seconds := func(base float64) float64 { return (base + b*(perPairS+perPairKBS*l.KB)) / b }
	first, echo := writeS, equalS
	var lines []Line
	add := func(what, formula string, each float64) {
		lines = append(lines, Line{what, formula, each * million})
	}
	trigger := func(kind string) {
		add(kind+": EventBridge, the trigger's event", "1 × event", PartnerEvent)
		add(kind+": queue, filled by the rule", "1 × request", SQSRequest)
	}
	ditto := func(kind string) {
		if l.Kafka {
			add(kind+": receiver, invoked per batch of records", "1/B × (request + 5 ms × 0.25 GB)", (LambdaRequest+receiveS*memoryGB*LambdaGBSecond)/b)
			add(kind+": receiver's metrics", "1/B × 290 B", receiverB/1e9*LogGB/b)
			add(kind+": queue, one message per batch of records", "1/B × request", SQSRequest/b)
			return
		}
		add(kind+": HTTP API, a webhook", "1 × request", HTTPRequest)
		add(kind+": receiver, invoked", "1 × request", LambdaRequest)
		add(kind+": receiver, running", "5 ms × 0.25 GB", receiveS*memoryGB*LambdaGBSecond)
		add(kind+": receiver's metrics, access log", "290 B + 150 B", receiverB/1e9*LogGB+accessB/1e9*accessLogGB)
		add(kind+": queue, filled by the receiver", "1 × request", SQSRequest)
	}
	worker := func(kind string, base float64, packed bool) {
		if packed {
			add(kind+": queue, received and deleted", "2/B × request", 2/b*SQSRequest)
		} else {
			add(kind+": queue, received and deleted", "2/min(B, 10) × request", polls*SQSRequest)
		}
		add(kind+": worker, invoked", "1/B × request", LambdaRequest/b)
		add(kind+": worker, running", "(base/B + 1.5 ms + 0.3 ms × KB) × 0.25 GB", seconds(base)*memoryGB*LambdaGBSecond)
		add(kind+": worker's line and metrics", "1/B × 1.1 kB", workerLogB/1e9*LogGB/b)
	}
	if l.FromDitto {
		ditto("change")
		worker("change", first, l.Kafka)
		add("change: document, written to Atlas in the region", "KB + 0.5 KB/B", (l.KB+overheadKB/b)/1e6*ZoneGB)
		trigger("echo")
		worker("echo", echo, false)
	} else {
		trigger("change")
		worker("change", first, false)
		add("change: document, sent to Ditto over the internet", "KB + 0.5 KB/B", (l.KB+overheadKB/b)/1e6*OutGB)
		ditto("echo")
		worker("echo", echo, l.Kafka)
	}
	return lines
}

// Sum is what the lines come to.
func Sum(lines []Line) (usd float64) {
	for _, l := range lines {
		usd += l.USD
	}
	return usd
}

// Idle are the terms of what a month without a change costs, of a stack with so
// many alarms. Free tiers, which last, are shown apart.
type Idle struct {
	What    string
	Formula string
	USD     float64
	Free    float64 // with the free tier, where nothing else of the account uses it
}

const (
	beats        = 30 * 24 * 30 // of the canary, a month
	pollers      = 5            // of Lambda, per queue
	pollSeconds  = 20
	beatS        = 0.2
	sweepMemory  = 0.5
	ownMetrics   = 4  // that a heartbeat keeps alive: CanaryAge, Canary, Ignored, Lag
	sweepMetrics = 12 // of the daily run, in one hour of the day
)

// PerMonth are those terms.
func PerMonth(alarms int) []Idle {
	polls := float64(2*pollers) * 30 * 24 * 3600 / pollSeconds
	metrics := ownMetrics + sweepMetrics/24.0
	rest := func(used, free float64) float64 { return math.Max(0, used-free) }
	return []Idle{
		{"key", "1 × month", KMSKey, KMSKey},
		{"secrets: connection string, API key, webhook", "3 × month", 3 * Secret, 3 * Secret},
		{"alarms", "alarms × month", float64(alarms) * Alarm, rest(float64(alarms), 10) * Alarm},
		{"dashboard", "1 × month", Dashboard, 0},
		{"metrics that the heartbeat keeps alive, and the daily run", "(4 + 12/24) × month", metrics * Metric, rest(metrics, 10) * Metric},
		{"queues, polled by Lambda", "2 × 5 pollers, a request every 20 s", polls * SQSRequest, rest(polls, 1e6) * SQSRequest},
		{
			"heartbeats", "21,600 × (2 invocations, 0.2 s × 0.5 GB, 1 event, 3 requests, 2 kB of logs)",
			beats * (2*LambdaRequest + beatS*sweepMemory*LambdaGBSecond + PartnerEvent + 3*SQSRequest + 2e3/1e9*LogGB),
			beats * PartnerEvent,
		},
	}
}

// SumIdle is what a month comes to, without and with free tiers.
func SumIdle(lines []Idle) (usd, free float64) {
	for _, l := range lines {
		usd, free = usd+l.USD, free+l.Free
	}
	return usd, free
}

// NAT is what a month of the network "nat" costs more, and of "privatelink".
func NAT() (nat, privatelink float64) {
	nat = HoursPerMonth * (NATHour + AddressHour)
	return nat, nat + 2*HoursPerMonth*EndpointHour
}

// Pod is what a month of the connector's pod costs, whatever it does: assumed to
// be half a vCPU and 1 GB, on Fargate, with an address of its own, without the
// cluster around it.
func Pod() float64 { return HoursPerMonth * (0.5*VCPUHour + 1*GBHour + AddressHour) }
