package ledger_test

import (
	"context"
	"fmt"
	"time"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
)

// Two handlers read that there is no entry; one of them gets the claim.
func Example() {
	ctx, db := context.Background(), mongosim.New(time.Now)
	pair := ledger.Key{Collection: "tasks", ID: `"t1"`}
	for _, owner := range []string{"first", "second"} {
		won, err := ledger.Store{DB: db, Writer: owner}.Put(ctx, []ledger.Put{{
			Prev:     0,
			Next:     ledger.Entry{Key: pair, Claim: &ledger.Claim{Owner: owner}},
			ClaimFor: 90 * time.Second,
		}})
		fmt.Println(owner, won, err)
	}
	entries, _ := ledger.Store{DB: db}.Read(ctx, []ledger.Key{pair}, nil)
	fmt.Println(entries[0].Rev, entries[0].Claim.Owner, entries[0].Claim.Live)
	// Output:
	// first [true] <nil>
	// second [false] <nil>
	// 1 first true
}
