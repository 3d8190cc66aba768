package bridge

import (
	"cmp"
	"maps"
	"math/big"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
)

// sameID reports whether two `_id`s are one to MongoDB, which compares numbers
// across their types, and exactly: 2^53 and 2^53+1 are two.
func sameID(a, b bson.RawValue) bool {
	if a.Equal(b) {
		return true
	}
	if !a.IsNumber() || !b.IsNumber() || a.Type == b.Type && a.Type != bson.TypeDouble && a.Type != bson.TypeDecimal128 {
		return false
	}
	x, y := exact(a), exact(b)
	return x != nil && y != nil && x.Cmp(y) == 0
}

// exact is a number's value, nil for infinities and what is none.
func exact(v bson.RawValue) *big.Rat {
	switch v.Type {
	case bson.TypeInt32:
		return new(big.Rat).SetInt64(int64(v.Int32()))
	case bson.TypeInt64:
		return new(big.Rat).SetInt64(v.Int64())
	case bson.TypeDouble:
		return new(big.Rat).SetFloat64(v.Double())
	case bson.TypeDecimal128:
		n, exp, err := v.Decimal128().BigInt()
		if err != nil {
			return nil
		}
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exp, -exp))), nil)
		if exp < 0 {
			return new(big.Rat).SetFrac(n, scale)
		}
		return new(big.Rat).SetInt(n.Mul(n, scale))
	}
	return nil
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
