package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/causeway-sync/causeway/core/canary"
	"github.com/causeway-sync/causeway/core/telemetry"
)

// newTopic makes the topic of the alarms, and the manifest's address subscribes
// to it: AWS asks that address to confirm.
func (b *builder) newTopic() awssns.Topic {
	topic := awssns.NewTopic(b.Stack, jsii.String("Alarms"), &awssns.TopicProps{
		DisplayName: jsii.String("Causeway " + b.d.Name), MasterKey: b.key, EnforceSSL: jsii.Bool(true),
	})
	named(topic, "Alarms")
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("Alarms"), Actions: jsii.Strings("sns:Publish"), Resources: &[]*string{topic.TopicArn()},
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)},
		Conditions: &map[string]any{
			"StringEquals": map[string]any{"aws:SourceAccount": b.Account()},
			"ArnLike":      map[string]any{"aws:SourceArn": b.arn("cloudwatch", "alarm:"+b.d.Name+"-*")},
		},
	}))
	if b.d.AlarmEmail != "" {
		awssns.NewCfnSubscription(b.Stack, jsii.String("AlarmMail"), &awssns.CfnSubscriptionProps{
			TopicArn: topic.TopicArn(), Protocol: jsii.String("email"), Endpoint: &b.d.AlarmEmail,
		})
	}
	return topic
}

// metric is one series of CloudWatch.
type metric struct {
	namespace, name string
	dimensions      [][2]string
}

// own is a metric of the functions' own.
func (b *builder) own(f *function, name string) metric {
	return metric{telemetry.Namespace, name, [][2]string{{"Deployment", b.m.Name}, {"Function", f.metrics}}}
}

func ofQueue(q awssqs.Queue, name string) metric {
	return metric{"AWS/SQS", name, [][2]string{{"QueueName", *q.QueueName()}}}
}

func ofFunction(f *function, name string) metric {
	return metric{"AWS/Lambda", name, [][2]string{{"FunctionName", *f.FunctionName()}}}
}

// alarm rings when a metric is over its limit.
type alarm struct {
	id, what, mend string
	metric         metric
	stat           string // Sum by default
	over           int
	period         int // s; 300 by default
	periods        int // 1 by default
	missing        string
	compare        string // GreaterThanThreshold by default
}

// newAlarms makes the alarms. Each says in its text what is wrong and which
// command helps.
func (b *builder) newAlarms(topic awssns.Topic, fns functions, toDitto, toMongo queue, letters awssqs.Queue, runs machine, hook *webhook) {
	command := func(c string) string { return "`causeway " + c + " --stack " + b.d.Name + "`" }
	status, unsynced := command("status"), command("unsynced list")
	var alarms []alarm
	for _, q := range []queue{toDitto, toMongo} {
		alarms = append(alarms,
			alarm{
				id: q.id + "DeadLetters", metric: ofQueue(q.deadLetters, "ApproximateNumberOfMessagesVisible"), stat: "Maximum",
				what: "Keys of documents could not be handled, and wait in the dead letters.",
				mend: "The reason is in the log of the function. Mend it, then " + command("redrive") + ".",
			},
			alarm{
				id: q.id + "Age", metric: ofQueue(q.queue, "ApproximateAgeOfOldestMessage"), stat: "Maximum", over: 900, periods: 2,
				what: "Changes wait longer than 15 minutes.",
				mend: "See " + status + ": is a side down, or are there more changes than limits.maxWorkers can settle?",
			})
	}
	alarms = append(alarms, alarm{
		id: "RuleDeadLetters", metric: ofQueue(letters, "ApproximateNumberOfMessagesVisible"), stat: "Maximum",
		what: "EventBridge could not deliver events.",
		mend: "What is missing is found by " + command("repair") + "; the messages' attributes say why they were not delivered.",
	})
	for _, f := range fns.all() {
		alarms = append(alarms,
			alarm{
				id: f.id + "Errors", metric: ofFunction(f, "Errors"), periods: 2,
				what: "Invocations of " + f.id + " fail.", mend: "See its log for `mend`, and " + command("check") + ".",
			},
			alarm{
				id: f.id + "Throttles", metric: ofFunction(f, "Throttles"), periods: 2,
				what: "Invocations of " + f.id + " are throttled.",
				mend: "Raise the account's concurrency limit, or lower limits.maxWorkers; " + status + " shows what waits.",
			})
	}
	for _, f := range []*function{fns.mongoToDitto, fns.dittoToMongo} {
		alarms = append(alarms,
			alarm{
				id: f.id + "Parked", metric: b.own(f, telemetry.Parked),
				what: "Documents cannot be synced.", mend: unsynced + " has reasons and mends, then " + command("unsynced retry") + ".",
			},
			alarm{
				id: f.id + "Stopped", metric: b.own(f, telemetry.Stopped),
				what: "Keys fail that no retry mends.", mend: command("check") + " says what is configured wrongly.",
			},
			alarm{
				id: f.id + "Conflicts", metric: b.own(f, telemetry.Conflicts), period: 3600,
				what: "Both sides changed the same fields; the losing values are in records.", mend: command("conflicts list") + " has them.",
			})
	}
	alarms = append(alarms,
		alarm{
			id: "Unsynced", metric: b.own(fns.initialSync, telemetry.Unsynced), what: "A run found documents that cannot be synced.",
			mend: unsynced + " has reasons and mends.",
		},
		alarm{
			id: "Drift", metric: b.own(fns.initialSync, telemetry.Drift), what: "A run found that the sides differ: events were lost.",
			mend: command("runs") + " has what differed. A repair has settled it; after a verification, " + command("repair") + ".",
		},
		alarm{
			id: "RunsFailed", metric: b.own(fns.initialSync, telemetry.RunsFailed), what: "A run has not done all, or the first one of a deployment could not begin.",
			mend: command("runs") + " says why; --resume carries it on, " + command("sync") + " begins again.",
		},
		alarm{
			id: "DeletesRefused", metric: b.own(fns.initialSync, telemetry.DeletesRefused), what: "A run would have deleted many documents, and has deleted none.",
			mend: command("runs") + " says how many, and how to confirm.",
		},
		alarm{
			id: "ExecutionsFailed", metric: metric{"AWS/States", "ExecutionsFailed", [][2]string{{"StateMachineArn", *runs.Ref()}}},
			what: "An execution of the state machine has failed.", mend: command("runs") + " says why; --resume carries it on.",
		},
		alarm{
			id: "Stall", metric: b.own(fns.initialSync, canary.Metric), stat: canary.Statistic, over: int(canary.Threshold.Seconds()),
			period: int(canary.Period.Seconds()), periods: canary.EvaluationPeriods, missing: canary.MissingData, compare: canary.Comparison,
			what: "The canary's beats do not come back: changes of MongoDB do not arrive.",
			mend: "Is the trigger suspended in Atlas? Resume it with its token; " + command("trigger show") + " has its configuration. Then " + command("repair") + ".",
		})
	if hook != nil {
		alarms = append(alarms,
			alarm{
				id: "WebhookErrors", metric: metric{"AWS/ApiGateway", "5xx", [][2]string{{"ApiId", *hook.api.Ref()}}}, periods: 2,
				what: "Webhooks are not taken.", mend: "See the receiver's log for `mend`; " + command("repair") + " finds what Ditto does not send again.",
			},
			alarm{
				id: "WebhooksRejected", metric: b.own(fns.receiver, telemetry.Rejected), over: 10,
				what: "Webhooks are refused: unsigned, wrongly signed, unreadable.",
				mend: "Is the secret that of Ditto's portal? " + command("secrets put") + " uploads it; then " + command("repair") + ".",
			})
	}
	for _, a := range alarms {
		b.newAlarm(topic, a)
	}
}

func (b *builder) newAlarm(topic awssns.Topic, a alarm) {
	var dims []any
	for _, d := range a.metric.dimensions {
		dims = append(dims, &awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String(d[0]), Value: jsii.String(d[1])})
	}
	or := func(v, def int) *float64 {
		if v == 0 {
			v = def
		}
		return jsii.Number(v)
	}
	text := func(v, def string) *string {
		if v == "" {
			v = def
		}
		return &v
	}
	awscloudwatch.NewCfnAlarm(b.Stack, jsii.String(a.id+"Alarm"), &awscloudwatch.CfnAlarmProps{
		AlarmName: jsii.String(b.d.Name + "-" + a.id), AlarmDescription: jsii.String(a.what + " " + a.mend),
		Namespace: &a.metric.namespace, MetricName: &a.metric.name, Dimensions: &dims,
		Statistic: text(a.stat, "Sum"), Period: or(a.period, 300), EvaluationPeriods: or(a.periods, 1), DatapointsToAlarm: or(a.periods, 1),
		Threshold: jsii.Number(a.over), ComparisonOperator: text(a.compare, "GreaterThanThreshold"), TreatMissingData: text(a.missing, "notBreaching"),
		AlarmActions: &[]any{topic.TopicArn()}, OkActions: &[]any{topic.TopicArn()},
	})
}
