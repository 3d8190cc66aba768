package ditto_test

import (
	"context"
	"fmt"

	"github.com/causeway-sync/causeway/local/ditto"
)

func Example() {
	ctx := context.Background()
	s, err := ditto.Start(ctx, ditto.Options{
		Local:         "local",
		Dir:           ".causeway/ditto",
		Webhook:       "http://127.0.0.1:8080/webhook",
		WebhookSecret: "c2VjcmV0",
		Faults:        true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Stop()

	// The next write happens, and its answer says that it timed out.
	_ = s.Inject(ctx, ditto.Fault{Match: "^UPDATE", Status: 408, Execute: true})

	// Once the queue is empty, what was delivered need not come again.
	state, _ := s.State(ctx)
	_ = s.Checkpoint(ctx, state.Delivered)
}
