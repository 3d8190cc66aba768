package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/causeway-sync/causeway/functions/internal/sweeper"
)

// handler performs the step that a payload of the state machine names, and what
// CloudFormation asks for at a deployment.
type handler struct{ sweeper *sweeper.Sweeper }

func (h handler) handle(ctx context.Context, payload json.RawMessage) (any, error) {
	var e cfn.Event
	if err := json.Unmarshal(payload, &e); err == nil && e.RequestType != "" && e.ResponseURL != "" {
		return cfn.LambdaWrap(h.deployed)(ctx, e)
	}
	return h.sweeper.Invoke(ctx, payload)
}

// deployed answers for the stack's custom resource: it is there in every
// deployment, and there is nothing to delete.
func (h handler) deployed(ctx context.Context, e cfn.Event) (id string, data map[string]any, err error) {
	said := "nothing is copied any more, and both databases stay as they are"
	if e.RequestType != cfn.RequestDelete {
		said = h.sweeper.Deployed(ctx)
	}
	return e.LogicalResourceID, map[string]any{"Result": said}, nil
}
