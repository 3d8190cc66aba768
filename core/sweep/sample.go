package sweep

import (
	"context"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
)

// sample reads a sample of each part that is worth more than one range, and
// returns how many keys a range should have so that all fit the limits.
func (p *Pager) sample(ctx context.Context, parts []*part, limits Limits) (per int64, err error) {
	if err := p.sampleLedger(ctx, parts, limits); err != nil {
		return 0, err
	}
	for per = int64(limits.PerRange); ; per += per/4 + 1 {
		var n, cut int64
		for _, part := range parts {
			n++
			if part.source != Ditto {
				n += part.cuts(per)
				cut += part.cuts(per)
			}
		}
		if n <= int64(limits.Ranges) || cut == 0 {
			break
		}
	}
	for _, part := range parts {
		if n := part.cuts(per); part.source == MongoDB && n > 0 {
			docs, err := p.Mongo.Sample(ctx, part.collection.Name, int(n)*oversample)
			if err != nil {
				return 0, err
			}
			for _, d := range docs {
				part.add(d.Lookup("_id"))
			}
		}
	}
	return per, nil
}

// sampleLedger samples the ledger, in which all collections lie one behind the
// other, and estimates from that how much of it is whose.
func (p *Pager) sampleLedger(ctx context.Context, parts []*part, limits Limits) error {
	of := map[string]*part{}
	for _, part := range parts {
		if part.source == Ledger {
			of[part.collection.Name] = part
		}
	}
	if len(of) == 0 {
		return nil
	}
	total, err := p.Mongo.Count(ctx, ledger.Collection)
	if err != nil || total == 0 {
		return err
	}
	ranges := min(max(total/int64(limits.PerRange), 8), maxCuts)
	docs, err := p.Mongo.Sample(ctx, ledger.Collection, int(ranges)*oversample, ledger.KeyFields()...)
	if err != nil || len(docs) == 0 {
		return err
	}
	for _, d := range docs {
		e, err := ledger.Decode(d)
		if err != nil {
			continue // paging says so
		}
		if part := of[e.Key.Collection]; part != nil {
			part.add(rawString(e.Key.String()))
		}
	}
	for _, part := range of {
		part.count = total * int64(part.sampled) / int64(len(docs))
	}
	return nil
}

func (p *part) add(v bson.RawValue) {
	if p.sample == nil {
		p.sample = map[string][]bson.RawValue{}
	}
	b := bracketOf(v)
	p.sample[b] = append(p.sample[b], v)
	p.sampled++
}

// cuts is about how many ranges the part is cut into: none if one is enough.
func (p *part) cuts(per int64) int64 {
	if p.count <= per {
		return 0
	}
	return min((p.count+per-1)/per, maxCuts)
}

// ranges cuts the part into ranges of about per keys each.
func (p *part) ranges(per int64) []Range {
	switch {
	case p.source == Ditto && p.count > max(per, dittoPage):
		return p.byKind()
	case p.source == Ledger:
		return p.cut("", p.sample[text], p.pieces(text, per))
	}
	var out []Range
	rest := p.rest()
	for _, b := range brackets {
		if n := p.pieces(b, per); n > 0 {
			out = append(out, p.cut(b, p.sample[b], n)...)
			rest.Except = append(rest.Except, b)
		}
	}
	return append(out, rest)
}

// pieces is how many ranges a bracket is cut into, so that each has between
// half of per and per keys: none if it is not worth one.
func (p *part) pieces(bracket string, per int64) int {
	if p.sampled == 0 || p.count <= per {
		return 0
	}
	per = max(per, (p.count+maxCuts-1)/maxCuts)
	n := p.count * int64(len(p.sample[bracket])) / int64(p.sampled)
	if n < (per+1)/2 {
		return 0
	}
	return int((n + per - 1) / per)
}

func (p *part) rest() Range {
	return Range{
		ID:         strings.Join([]string{p.collection.Name, string(p.source), "rest"}, "/"),
		Collection: p.collection.Name, Source: p.source,
	}
}
