package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"

	"github.com/causeway-sync/causeway/core/manifest"
)

// Limits of a plan. A map of the state machine takes so many items, and a
// state so much data.
type Limits struct {
	PerRange int // keys that one range is worth having for; DefaultPerRange when zero
	Ranges   int // of all collections together; MaxRanges when zero
	Bytes    int // of all ranges as a JSON array; MaxBytes when zero
}

const (
	DefaultPerRange = 10_000
	MaxRanges       = 1_000
	MaxBytes        = 200 << 10
)

const (
	// Of so many keys per range, its size is right to a third nearly always:
	// ranges of one type differ by less than a factor of two.
	oversample = 128
	// maxCuts bounds the ranges of one collection and source, and so what a
	// plan reads: maxCuts*oversample keys.
	maxCuts = 400
)

// ErrTooMany is a plan that does not fit its limits, since there are too many
// collections, or their names are too long.
var ErrTooMany = errors.New("too many collections for one run")

// Counts are the numbers of keys by collection and source. MongoDB's and the
// ledger's are estimates.
type Counts map[string]map[Source]int64

// Plan cuts collections into ranges. It reads counts and a sample of bounded
// size. With no sources, it takes all three.
func (p *Pager) Plan(ctx context.Context, collections []*manifest.Collection, sources ...Source) ([]Range, Counts, error) {
	if len(sources) == 0 {
		sources = []Source{MongoDB, Ditto, Ledger}
	}
	limits := p.Limits.withDefaults()
	parts, err := p.count(ctx, collections, sources)
	if err != nil {
		return nil, nil, fmt.Errorf("plan: %w", err)
	}
	per, err := p.sample(ctx, parts, limits)
	if err != nil {
		return nil, nil, fmt.Errorf("plan: %w", err)
	}
	counts := Counts{}
	for _, c := range collections {
		counts[c.Name] = map[Source]int64{}
	}
	for _, part := range parts {
		counts[part.collection.Name][part.source] = part.count
	}
	for {
		ranges := []Range{} // as JSON, no ranges are []
		var cuts bool
		for _, part := range parts {
			of := part.ranges(per)
			cuts = cuts || len(of) > 1
			ranges = append(ranges, of...)
		}
		js, err := json.Marshal(ranges)
		if err != nil {
			return nil, nil, fmt.Errorf("plan: %w", err)
		}
		if len(ranges) <= limits.Ranges && len(js) <= limits.Bytes {
			return ranges, counts, nil
		}
		if !cuts {
			return nil, nil, fmt.Errorf("plan: %w: %d ranges of %d bytes at the least, and %d of %d bytes is the limit",
				ErrTooMany, len(ranges), len(js), limits.Ranges, limits.Bytes)
		}
		// By as much as it is over: the ranges that stay make up for more.
		over := max(float64(len(ranges))/float64(limits.Ranges), float64(len(js))/float64(limits.Bytes))
		per = int64(float64(per)*max(over, 1.05)) + 1
	}
}

func (l Limits) withDefaults() Limits {
	if l.PerRange <= 0 {
		l.PerRange = DefaultPerRange
	}
	if l.Ranges <= 0 {
		l.Ranges = MaxRanges
	}
	if l.Bytes <= 0 {
		l.Bytes = MaxBytes
	}
	return l
}

// part is one collection's keys in one source.
type part struct {
	collection *manifest.Collection
	source     Source
	count      int64
	sample     map[string][]bson.RawValue // by bracket, in the server's order
	sampled    int                        // how many there are
}

// count makes the parts, in the order of collections and sources. The ledger
// is one collection for all; sample tells its parts apart.
func (p *Pager) count(ctx context.Context, collections []*manifest.Collection, sources []Source) ([]*part, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	var parts []*part
	for _, c := range collections {
		for _, s := range sources {
			part := &part{collection: c, source: s}
			parts = append(parts, part)
			group.Go(func() (err error) {
				switch s {
				case MongoDB:
					part.count, err = p.Mongo.Count(ctx, c.Name)
				case Ditto:
					part.count, err = p.dittoCount(ctx, c)
				case Ledger:
				default:
					err = fmt.Errorf("unknown source %q", s)
				}
				return err
			})
		}
	}
	return parts, group.Wait()
}
