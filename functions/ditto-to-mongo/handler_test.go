package main

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/causeway-sync/causeway/functions/internal/wire"
)

// Each role refuses what is the other's: the receiver because it must not act
// on unverified keys, the worker because a webhook has to be verified first.
func TestRolesRefuseEachOther(t *testing.T) {
	vars := map[string]string{
		"CAUSEWAY_CONFIG": "../../events/causeway.yaml", "CAUSEWAY_QUEUE_URL": "http://127.0.0.1:9/queue",
		"CAUSEWAY_DITTO_URL": "http://127.0.0.1:9", "CAUSEWAY_DITTO_API_KEY_SECRET": "ditto/key",
	}
	for role, file := range map[wire.Role]string{
		wire.Receiver: "../../events/ditto-to-mongo/worker/insert-bare.json",
		wire.Worker:   "../../events/ditto-to-mongo/receiver/webhook-insert.json",
	} {
		t.Run(string(role), func(t *testing.T) {
			vars["CAUSEWAY_ROLE"] = string(role)
			env, err := wire.Read("ditto-to-mongo", func(name string) string { return vars[name] }, wire.Worker, wire.Receiver)
			if err != nil {
				t.Fatal(err)
			}
			payload, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if out, err := newHandler(env)(t.Context(), json.RawMessage(payload)); err == nil {
				t.Errorf("answer %v", out)
			}
		})
	}
}
