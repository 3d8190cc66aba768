package sweep

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/dql"
)

// cut divides the keys of one type into about n ranges at quantiles of a
// sample. The first is open below, the last above, and each begins where the
// one before it ends: whatever the sample missed, and however the server orders
// keys, each key is in one.
func (p *part) cut(typ string, sample []bson.RawValue, n int) []Range {
	var bounds []json.RawMessage
	var last json.RawMessage
	for i := 1; i < n; i++ {
		// The next one that Extended JSON can tell, if there is one before
		// the next quantile.
		for at, end := i*len(sample)/n, (i+1)*len(sample)/n; at < end; at++ {
			js, ok := extJSON(sample[at])
			if !ok || bytes.Equal(js, last) {
				continue
			}
			bounds, last = append(bounds, js), js
			break
		}
	}
	name := typ
	if name == "" {
		name = "all"
	}
	out := make([]Range, len(bounds)+1)
	for i := range out {
		out[i] = Range{
			ID:         strings.Join([]string{p.collection.Name, string(p.source), name, strconv.Itoa(i)}, "/"),
			Collection: p.collection.Name, Source: p.source, Type: typ,
		}
		if i > 0 {
			out[i].From = bounds[i-1]
		}
		if i < len(bounds) {
			out[i].To = bounds[i]
		}
	}
	return out
}

// byKind divides a large Ditto collection into ranges by kinds of ids. To
// divide it further would gain nothing: each page goes through all of it.
func (p *part) byKind() []Range {
	var out []Range
	rest := p.rest()
	for _, k := range []dql.IDKind{dql.StringIDs, dql.CompoundIDs} {
		out = append(out, Range{
			ID:         strings.Join([]string{p.collection.Name, string(p.source), string(k)}, "/"),
			Collection: p.collection.Name, Source: p.source, Type: string(k),
		})
		rest.Except = append(rest.Except, string(k))
	}
	return append(out, rest)
}
