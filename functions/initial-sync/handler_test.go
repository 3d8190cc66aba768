package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/execution"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/functions/internal/sweeper"
)

type deployer struct{ activated int }

func (d *deployer) Activate(context.Context) error { d.activated++; return nil }

func (d *deployer) Initials(context.Context) ([]sweep.Input, error) {
	return []sweep.Input{{Mode: sweep.Initial}}, nil
}

type machine struct{}

func (machine) Start(_ context.Context, name string, _ sweep.Input) (execution.Execution, error) {
	return execution.Execution{Name: name}, nil
}

// CloudFormation waits for an answer at the address that it gives, and goes on
// with it; a step of the state machine is none of this.
func TestDeployment(t *testing.T) {
	var answers []map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var a map[string]any
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil || r.Method != http.MethodPut {
			t.Errorf("%s: %v", r.Method, err)
		}
		answers = append(answers, a)
	}))
	defer server.Close()
	d := &deployer{}
	now := func() time.Time { return time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC) }
	h := handler{&sweeper.Sweeper{
		Deploy:  func(context.Context) (sweeper.Deployer, error) { return d, nil },
		Machine: machine{}, Metrics: telemetry.NewMetrics(io.Discard, now), Log: slog.New(slog.DiscardHandler), Now: now,
	}}
	answer := func(result string) map[string]any {
		return map[string]any{
			"Status": "SUCCESS", "RequestId": "7f2c", "LogicalResourceId": "FirstRun", "StackId": "arn:aws:cloudformation:x",
			"PhysicalResourceId": "FirstRun", "Data": map[string]any{"Result": result},
		}
	}
	for _, request := range []string{"Create", "Update", "Delete"} {
		if _, err := h.handle(t.Context(), json.RawMessage(`{"RequestType":"`+request+`","RequestId":"7f2c","ResponseURL":"`+server.URL+
			`","ResourceType":"AWS::CloudFormation::CustomResource","LogicalResourceId":"FirstRun","StackId":"arn:aws:cloudformation:x",`+
			`"ResourceProperties":{"ServiceToken":"x","ManifestHash":"00"}}`)); err != nil {
			t.Fatal(err)
		}
	}
	begun := answer("begun: initial-all-20261127T070000.000")
	want := []map[string]any{begun, begun, answer("nothing is copied any more, and both databases stay as they are")}
	if diff := cmp.Diff(want, answers); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if d.activated != 2 {
		t.Errorf("activated %d times, want 2", d.activated)
	}
	if _, err := h.handle(t.Context(), json.RawMessage(`{"step":"no"}`)); err == nil || !strings.Contains(err.Error(), "unknown step") {
		t.Errorf("a step: %v", err)
	}
}
