package secret_test

import (
	"context"
	"fmt"
	"time"

	"github.com/causeway-sync/causeway/core/secret"
)

func Example() {
	store := &fake{value: `{"connectionString":"mongodb://user:password@host/db"}`}
	r := secret.NewReader(func(context.Context, secret.Ref) (secret.SecretsManager, error) { return store, nil }, time.Now)
	v, err := r.Get(context.Background(), secret.Ref{ID: "prod/mongo", Key: "connectionString"})
	fmt.Println(v, err)
	// Output: [redacted] <nil>
}
