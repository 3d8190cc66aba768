package receiver

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Invoke handles the payload of a Lambda invocation: a web request of an HTTP
// API or a function URL (payload format 2.0), or records of a Kafka event
// source. A refused web request is an answer, not an error.
func (r *Receiver) Invoke(ctx context.Context, payload json.RawMessage) (any, error) {
	var kind struct {
		RequestContext json.RawMessage `json:"requestContext"`
		EventSource    string          `json:"eventSource"`
	}
	if err := json.Unmarshal(payload, &kind); err != nil {
		return nil, errors.New("payload is not JSON")
	}
	switch {
	case kind.RequestContext != nil:
		var req events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(payload, &req); err != nil {
			return nil, errors.New("payload is not a web request of format 2.0")
		}
		return r.web(ctx, req), nil
	case kind.EventSource == "SelfManagedKafka", kind.EventSource == "aws:kafka":
		var e events.KafkaEvent
		if err := json.Unmarshal(payload, &e); err != nil {
			return nil, errors.New("payload is not an event of a Kafka source")
		}
		a, err := r.Records(ctx, kafka(e))
		if err != nil {
			return nil, fmt.Errorf("receive Kafka records: %w", err)
		}
		return a, nil
	}
	return nil, errors.New("payload is neither a web request nor Kafka records: CAUSEWAY_ROLE=receiver takes nothing else")
}

func (r *Receiver) web(ctx context.Context, req events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	// A header that comes twice is one with a comma, however it is spelled.
	headers := make(map[string]string, len(req.Headers))
	for _, name := range slices.Sorted(maps.Keys(req.Headers)) {
		v, lower := req.Headers[name], strings.ToLower(name)
		if before, twice := headers[lower]; twice {
			v = before + "," + v
		}
		headers[lower] = v
	}
	body := []byte(req.Body)
	if req.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(req.Body); err != nil {
			return respond(Answer{Status: http.StatusBadRequest, Error: "body is not base64"})
		}
	}
	return respond(r.Webhook(ctx, Request{Header: func(name string) string { return headers[name] }, Body: body}))
}

func respond(a Answer) events.APIGatewayV2HTTPResponse {
	body, err := json.Marshal(a)
	if err != nil {
		body = []byte(`{}`)
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: a.Status, Headers: map[string]string{"content-type": "application/json"}, Body: string(body),
	}
}

// kafka lists the records, partition by partition in the order of the names. A
// value that is not base64 stays as it is, and will be found unreadable.
func kafka(e events.KafkaEvent) (out []Record) {
	for _, partition := range slices.Sorted(maps.Keys(e.Records)) {
		for _, rec := range e.Records[partition] {
			value, err := base64.StdEncoding.DecodeString(rec.Value)
			if err != nil {
				value = []byte(rec.Value)
			}
			out = append(out, Record{Value: value, At: rec.Timestamp.UTC()})
		}
	}
	return out
}
