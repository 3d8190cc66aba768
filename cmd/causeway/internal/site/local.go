package site

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stack"
)

// Local is the stack that runs out of dir, a .causeway folder;
// stack.ErrNotRunning if none does.
func Local(dir string) (*Site, error) {
	info, err := stack.ReadInfo(dir)
	if err != nil {
		return nil, err
	}
	m, err := manifest.Load(info.Config)
	if err != nil {
		return nil, err
	}
	s := &Site{
		Manifest: m, Since: info.StartedAt, Machine: info.Machine(),
		connectionString: func(context.Context, bool) (string, error) { return info.MongoDB, nil },
		endpoint:         info.Ditto.URL,
		keys:             ditto.StaticKey(info.Ditto.APIKey),
		sqs:              sqs.NewClient(info.SQS),
		inFlightCounted:  true,
		lags: func(_ context.Context, qs []Queue) (map[string]Lag, error) {
			lags := map[string]Lag{}
			for _, q := range qs {
				lags[q.Function] = Lag{Last: lastLag(filepath.Join(info.Logs, q.Function+".log")), Oldest: unknown}
			}
			return lags, nil
		},
	}
	client, mappings := info.Switches()
	s.Switch = &Switch{Lambda: client, Mappings: mappings, Wait: soon}
	for _, name := range []string{stack.MongoToDitto, stack.DittoToMongo} {
		q := info.Queues[name]
		s.Queues = append(s.Queues, Queue{Function: name, Name: q.Name, URL: q.URL, DeadLettersURL: q.DeadLettersURL})
	}
	return s, nil
}

// soon is how often the local stack is looked at.
func soon(ctx context.Context) error {
	return smithytime.SleepWithContext(ctx, 20*time.Millisecond)
}

var lagMetric = regexp.MustCompile(`"Lag":([0-9]+)`)

// lastLag reads the last value of the metric that a worker writes into its
// log.
func lastLag(path string) time.Duration {
	f, err := os.Open(path)
	if err != nil {
		return unknown
	}
	defer f.Close()
	buf := make([]byte, 256<<10)
	if stat, err := f.Stat(); err != nil {
		return unknown
	} else if n := stat.Size() - int64(len(buf)); n > 0 {
		if _, err := f.Seek(n, 0); err != nil {
			return unknown
		}
	}
	n, _ := f.Read(buf)
	all := lagMetric.FindAllSubmatch(buf[:n], -1)
	if len(all) == 0 {
		return unknown
	}
	ms, err := strconv.ParseInt(string(all[len(all)-1][1]), 10, 64)
	if err != nil {
		return unknown
	}
	return time.Duration(ms) * time.Millisecond
}
