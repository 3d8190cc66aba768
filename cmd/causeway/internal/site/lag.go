package site

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/causeway-sync/causeway/core/telemetry"
)

// CloudWatch is the part of AWS CloudWatch that is used. A queue itself does not
// tell the age of its oldest message.
type CloudWatch interface {
	GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput, opts ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

const (
	lagSpan = 3 * time.Hour // how far back the last batch is looked for
	ageSpan = 15 * time.Minute
	minute  = 60
)

// readLags asks for the last value of each worker's lag, and of the age of the
// oldest message in its queue.
func readLags(ctx context.Context, api CloudWatch, deployment string, queues []Queue, now time.Time) (map[string]Lag, error) {
	var queries []types.MetricDataQuery
	add := func(id, namespace, name string, dimensions ...types.Dimension) {
		queries = append(queries, types.MetricDataQuery{
			Id: &id, ReturnData: aws.Bool(true),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{Namespace: &namespace, MetricName: &name, Dimensions: dimensions},
				Period: aws.Int32(minute), Stat: aws.String("Maximum"),
			},
		})
	}
	dimension := func(name, v string) types.Dimension { return types.Dimension{Name: &name, Value: &v} }
	for i, q := range queues {
		n := strconv.Itoa(i)
		add("lag"+n, telemetry.Namespace, telemetry.Lag, dimension("Deployment", deployment), dimension("Function", q.Function))
		add("age"+n, "AWS/SQS", "ApproximateAgeOfOldestMessage", dimension("QueueName", q.Name))
	}
	out, err := api.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(now.Add(-lagSpan)), EndTime: &now, MetricDataQueries: queries, ScanBy: types.ScanByTimestampDescending,
	})
	if err != nil {
		return nil, fmt.Errorf("read lag: %w", explain(err))
	}
	last := map[string]float64{}
	for _, r := range out.MetricDataResults {
		id := aws.ToString(r.Id)
		if len(r.Values) == 0 || len(r.Timestamps) == 0 {
			continue
		}
		if id[:3] == "age" && now.Sub(r.Timestamps[0]) > ageSpan {
			continue // a queue that nobody uses reports nothing
		}
		last[id] = r.Values[0]
	}
	lags := map[string]Lag{}
	for i, q := range queues {
		l := Lag{unknown, unknown}
		if v, ok := last["lag"+strconv.Itoa(i)]; ok {
			l.Last = time.Duration(v * float64(time.Millisecond))
		}
		if v, ok := last["age"+strconv.Itoa(i)]; ok {
			l.Oldest = time.Duration(v * float64(time.Second))
		}
		lags[q.Function] = l
	}
	return lags, nil
}
