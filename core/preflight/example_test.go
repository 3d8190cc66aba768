package preflight_test

import (
	"context"
	"fmt"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/preflight"
)

func Example() {
	check := preflight.Checker{
		Manifest:         &manifest.Manifest{Database: "shop"},
		ConnectionString: func(context.Context, bool) (string, error) { return "mongodb://user:p@ss@host", nil },
	}
	for _, f := range check.Run(context.Background()) {
		if f.Status == preflight.Problem {
			fmt.Println(f.What)
			fmt.Println("→", f.Mend)
		}
	}
	// Output:
	// Connection string provided is invalid. connection string has a user name or password with a character that must be encoded
	// → percent-encode the characters : / ? # [ ] @ % in user name and password (@ is %40)
}
