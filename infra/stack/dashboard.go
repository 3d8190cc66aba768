package stack

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/causeway-sync/causeway/core/canary"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/infra/cost"
)

// series is one line of a graph.
type series struct {
	metric
	label, stat string
}

// newDashboard makes the page that answers: is it healthy, how far behind is it,
// what failed, what does it cost?
func (b *builder) newDashboard(fns functions, toDitto, toMongo queue, letters awssqs.Queue, runs machine) awscloudwatch.CfnDashboard {
	p := &page{region: *b.Region()}
	both := []*function{fns.mongoToDitto, fns.dittoToMongo}
	perWorker := func(name, stat string) (out []series) {
		for _, f := range both {
			out = append(out, series{b.own(f, name), f.id, stat})
		}
		return out
	}
	perFunction := func(name, stat string) (out []series) {
		for _, f := range fns.all() {
			out = append(out, series{ofFunction(f, name), f.id, stat})
		}
		return out
	}

	p.title("Is it healthy?", "`causeway status --stack "+b.d.Name+"` has the same per collection.")
	p.graph("Age of the oldest heartbeat not back (s)", series{b.own(fns.initialSync, canary.Metric), "canary", "Maximum"})
	p.graph("Document pairs looked at", perWorker(telemetry.Pairs, "Sum")...)
	p.graph("Written", append(perWorker(telemetry.ToDitto, "Sum"), perWorker(telemetry.ToMongo, "Sum")...)...)

	p.title("How far behind?", "Time from a change to its end, and what waits in the queues.")
	p.graph("Lag (ms)", perWorker(telemetry.Lag, "p95")...)
	p.graph("Waiting (keys)",
		series{ofQueue(toDitto.queue, "ApproximateNumberOfMessagesVisible"), toDitto.id, "Maximum"},
		series{ofQueue(toMongo.queue, "ApproximateNumberOfMessagesVisible"), toMongo.id, "Maximum"})
	p.graph("Age of the oldest (s)",
		series{ofQueue(toDitto.queue, "ApproximateAgeOfOldestMessage"), toDitto.id, "Maximum"},
		series{ofQueue(toMongo.queue, "ApproximateAgeOfOldestMessage"), toMongo.id, "Maximum"})

	p.title("What failed?", "`causeway unsynced list`, `conflicts list`, `runs`, `redrive`, each with `--stack "+b.d.Name+"`.")
	p.graph("Dead letters",
		series{ofQueue(toDitto.deadLetters, "ApproximateNumberOfMessagesVisible"), toDitto.id, "Maximum"},
		series{ofQueue(toMongo.deadLetters, "ApproximateNumberOfMessagesVisible"), toMongo.id, "Maximum"},
		series{ofQueue(letters, "ApproximateNumberOfMessagesVisible"), "EventBridge", "Maximum"})
	p.graph("Unsynced, conflicts, stopped", append(append(perWorker(telemetry.Parked, "Sum"), perWorker(telemetry.Conflicts, "Sum")...), perWorker(telemetry.Stopped, "Sum")...)...)
	p.graph("Drift found by runs, runs failed",
		series{b.own(fns.initialSync, telemetry.Drift), "drift", "Sum"}, series{b.own(fns.initialSync, telemetry.RunsFailed), "runs failed", "Sum"},
		series{metric{"AWS/States", "ExecutionsFailed", [][2]string{{"StateMachineArn", *runs.Ref()}}}, "executions failed", "Sum"})
	p.graph("Errors", perFunction("Errors", "Sum")...)
	p.graph("Throttles", perFunction("Throttles", "Sum")...)
	p.graph("Webhooks and records", series{b.own(fns.receiver, telemetry.Accepted), "accepted", "Sum"}, series{b.own(fns.receiver, telemetry.Rejected), "rejected", "Sum"})

	p.title("What does it cost?", "An estimate from what was used, at the prices of "+cost.Region+" of "+cost.Date+", without free tiers; docs/cost.md has the sums.")
	p.cost(fns, toDitto, toMongo)
	p.graph("Duration (ms)", perFunction("Duration", "p95")...)
	p.graph("Invocations", perFunction("Invocations", "Sum")...)
	return awscloudwatch.NewCfnDashboard(b.Stack, jsii.String("Dashboard"), &awscloudwatch.CfnDashboardProps{
		DashboardName: &b.d.Name, DashboardBody: b.ToJsonString(map[string]any{"widgets": p.widgets}, nil),
	})
}

// page is a dashboard while it is put together: rows of three graphs below
// titles.
type page struct {
	region  string
	widgets []any
	x, y    int
}

func (p *page) add(kind string, width, height int, properties map[string]any) {
	if p.x+width > 24 {
		p.x, p.y = 0, p.y+6
	}
	p.widgets = append(p.widgets, map[string]any{"type": kind, "x": p.x, "y": p.y, "width": width, "height": height, "properties": properties})
	p.x += width
}

func (p *page) title(text, more string) {
	if p.x > 0 {
		p.x, p.y = 0, p.y+6
	}
	p.add("text", 24, 2, map[string]any{"markdown": "## " + text + "\n" + more})
	p.x, p.y = 0, p.y+2
}

func (p *page) graph(title string, lines ...series) {
	var metrics []any
	for _, s := range lines {
		label := s.label
		if s.namespace == telemetry.Namespace && len(lines) > 2 {
			label += " " + s.name
		}
		metrics = append(metrics, s.line(map[string]any{"label": label, "stat": s.stat}))
	}
	p.add("metric", 8, 6, map[string]any{
		"title": title, "region": p.region, "view": "timeSeries", "stacked": false, "period": 300, "metrics": metrics, "yAxis": map[string]any{"left": map[string]any{"min": 0}},
	})
}

func (s series) line(options map[string]any) []any {
	line := []any{s.namespace, s.name}
	for _, d := range s.dimensions {
		line = append(line, d[0], d[1])
	}
	return append(line, options)
}

// cost graphs what an hour cost: the functions, and the queues.
func (p *page) cost(fns functions, queues ...queue) {
	var metrics []any
	lambda, sqs := "0", "0"
	hidden := func(id string, m metric) {
		metrics = append(metrics, series{metric: m}.line(map[string]any{"id": id, "stat": "Sum", "visible": false}))
	}
	for i, f := range fns.all() {
		hidden(fmt.Sprintf("i%d", i), ofFunction(f, "Invocations"))
		hidden(fmt.Sprintf("d%d", i), ofFunction(f, "Duration"))
		lambda += fmt.Sprintf("+FILL(i%d,0)*%s+FILL(d%d,0)*%s", i, usd(cost.LambdaRequest), i, usd(cost.LambdaGBSecond*float64(f.memory)/1024/1000))
	}
	for i, q := range queues {
		for j, name := range []string{"NumberOfMessagesSent", "NumberOfMessagesReceived", "NumberOfMessagesDeleted", "NumberOfEmptyReceives"} {
			id := fmt.Sprintf("q%d%d", i, j)
			hidden(id, ofQueue(q.queue, name))
			sqs += fmt.Sprintf("+FILL(%s,0)*%s", id, usd(cost.SQSRequest))
		}
	}
	metrics = append(metrics,
		[]any{map[string]any{"expression": lambda, "label": "functions, USD per hour", "id": "lambda"}},
		[]any{map[string]any{"expression": sqs, "label": "queues, at most, USD per hour", "id": "sqs"}})
	p.add("metric", 8, 6, map[string]any{
		"title": "USD per hour", "region": p.region, "view": "timeSeries", "stacked": true, "period": 3600, "metrics": metrics,
	})
}

// usd prints a price as CloudWatch's expressions take it.
func usd(v float64) string { return fmt.Sprintf("%.12f", v) }
