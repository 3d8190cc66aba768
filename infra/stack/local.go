package stack

import (
	"encoding/json"
	"fmt"
)

// localVariables are those that a template for `sam local invoke` declares
// beside the deployed ones: SAM hands over no others. Empty, they mean what they
// mean where they are not set.
var localVariables = []string{
	"AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_SFN", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_STS",
	"CAUSEWAY_DITTO_API_KEY_SECRET", "CAUSEWAY_DITTO_URL", "CAUSEWAY_DITTO_WEBHOOK_SECRET",
}

// ownVariables are the deployed ones that a local stack has values for. The path
// of the manifest is that of the bundle.
var ownVariables = []string{"CAUSEWAY_QUEUE_URL", "CAUSEWAY_STATE_MACHINE_ARN", "LOG_LEVEL"}

// functionIDs are the logical ids, by the names that the local stack has for the
// functions.
var functionIDs = map[string]string{
	"mongo-to-ditto": mongoToDitto, "ditto-to-mongo": dittoToMongo, "ditto-to-mongo-receiver": "Receiver", "initial-sync": "InitialSync",
}

// SAMVariables turns a local stack's .causeway/local.json into the file that
// `sam local invoke --env-vars` takes.
func SAMVariables(local []byte) ([]byte, error) {
	var info struct {
		Functions map[string]struct{ Env map[string]string }
	}
	if err := json.Unmarshal(local, &info); err != nil {
		return nil, fmt.Errorf("read local stack: %w", err)
	}
	out := map[string]map[string]string{}
	for name, f := range info.Functions {
		id := functionIDs[name]
		if id == "" {
			continue
		}
		out[id] = map[string]string{}
		for _, variables := range [][]string{localVariables, ownVariables} {
			for _, v := range variables {
				if f.Env[v] != "" {
					out[id][v] = f.Env[v]
				}
			}
		}
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write variables: %w", err)
	}
	return append(b, '\n'), nil
}
