package bridge

import (
	"cmp"
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
)

// sameID reports whether two `_id`s are one to MongoDB, which compares numbers
// across their types.
func sameID(a, b bson.RawValue) bool {
	if a.Equal(b) {
		return true
	}
	x, xok := a.AsFloat64OK()
	y, yok := b.AsFloat64OK()
	return xok && yok && x == y
}

func unique(keys []ledger.Key) []ledger.Key {
	seen := make(map[ledger.Key]bool, len(keys))
	return slices.DeleteFunc(keys, func(k ledger.Key) bool {
		was := seen[k]
		seen[k] = true
		return was
	})
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
