package execution_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/execution"
	"github.com/causeway-sync/causeway/core/sweep"
)

const arn = "arn:aws:states:us-east-1:123456789012:stateMachine:initial-sync"

// fake is Step Functions: it records what is started, and answers looks one
// after the other.
type fake struct {
	err     error
	started []string
	looks   []*sfn.DescribeExecutionOutput
	asked   []string
}

func (f *fake) StartExecution(_ context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error) {
	f.started = append(f.started, *in.StateMachineArn+" "+*in.Name+" "+*in.Input)
	return &sfn.StartExecutionOutput{}, f.err
}

func (f *fake) DescribeExecution(_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error) {
	f.asked = append(f.asked, *in.ExecutionArn)
	if f.looks[0] == nil {
		f.looks = f.looks[1:]
		return nil, errors.New("no connection")
	}
	out := f.looks[0]
	if len(f.looks) > 1 {
		f.looks = f.looks[1:]
	}
	return out, nil
}

func (f *fake) machine() *execution.Machine {
	return execution.New(arn, func(context.Context) (execution.API, error) { return f, nil })
}

func TestStart(t *testing.T) {
	for _, tc := range []struct {
		name  string
		err   error
		class bridge.Class // "": no error
	}{
		{"OK", nil, ""},
		{"ByThatNameAlready", &types.ExecutionAlreadyExists{}, ""},
		{"Throttled", &smithy.GenericAPIError{Code: "ThrottlingException"}, bridge.Retry},
		{"TooMany", &types.ExecutionLimitExceeded{}, bridge.Retry},
		{"Unreachable", errors.New("dial tcp: connection refused"), bridge.Retry},
		{"Denied", &smithy.GenericAPIError{Code: "AccessDeniedException"}, bridge.Stop},
		{"NoMachine", &types.StateMachineDoesNotExist{}, bridge.Stop},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &fake{err: tc.err}
			_, err := f.machine().Start(t.Context(), "repair-tasks-1", sweep.Input{Mode: sweep.Repair, Collections: []string{"tasks"}})
			if diff := cmp.Diff([]string{arn + ` repair-tasks-1 {"mode":"repair","collections":["tasks"]}`}, f.started); diff != "" {
				t.Errorf("started (-want +got):\n%s", diff)
			}
			if (err != nil) != (tc.class != "") {
				t.Fatalf("error %v", err)
			}
			if err == nil {
				return
			}
			if c := bridge.Explain(err); c.Class != tc.class || c.Waits() != (tc.class == bridge.Retry) {
				t.Errorf("cause %+v", c)
			}
		})
	}
}

type records []sweep.Progress

func (r *records) Progress(context.Context, string) (sweep.Progress, error) {
	p := (*r)[0]
	if len(*r) > 1 {
		*r = (*r)[1:]
	}
	if p.Run == "" {
		return p, errors.New("there is no run")
	}
	return p, nil
}

func look(status types.ExecutionStatus, cause string) *sfn.DescribeExecutionOutput {
	return &sfn.DescribeExecutionOutput{Status: status, Cause: aws.String(cause)}
}

func TestFollow(t *testing.T) {
	running := look(types.ExecutionStatusRunning, "")
	for _, tc := range []struct {
		name    string
		looks   []*sfn.DescribeExecutionOutput
		records records
		seen    []int64
		want    string // of the error
	}{
		{
			"Done",
			[]*sfn.DescribeExecutionOutput{running, nil, running, look(types.ExecutionStatusSucceeded, "")},
			records{{Run: "r", Done: 1}, {Run: "r", Done: 2}, {Run: "r", Summary: &sweep.Summary{Run: "r"}}},
			[]int64{1, 2},
			"",
		},
		{
			"FailedWithSummary",
			[]*sfn.DescribeExecutionOutput{look(types.ExecutionStatusFailed, "not all is well")},
			records{{Run: "r", Summary: &sweep.Summary{Run: "r"}}},
			nil, "",
		},
		{
			"NotBegun",
			[]*sfn.DescribeExecutionOutput{running, look(types.ExecutionStatusFailed,
				`The checks before the run r have failed: {"Error":"wrapError","Cause":"{\"errorMessage\":\"Database \\\"x\\\" not found\",\"errorType\":\"wrapError\"}"}. Mend it.`)},
			records{{}},
			nil, `Database "x" not found`,
		},
		{"Aborted", []*sfn.DescribeExecutionOutput{look(types.ExecutionStatusAborted, "")}, records{{}}, nil, "aborted"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{looks: tc.looks}
				m := f.machine()
				e, err := m.Start(t.Context(), "r", sweep.Input{})
				if err != nil {
					t.Fatal(err)
				}
				var seen []int64
				s, err := m.Follow(t.Context(), e, "r", &tc.records, func(p sweep.Progress) { seen = append(seen, p.Done) })
				if (err == nil) != (tc.want == "") || err != nil && err.Error() != tc.want || err == nil && s.Run != "r" {
					t.Errorf("summary %v, error %v, want %q", s, err, tc.want)
				}
				if diff := cmp.Diff(tc.seen, seen); diff != "" {
					t.Errorf("seen (-want +got):\n%s", diff)
				}
				if want := "arn:aws:states:us-east-1:123456789012:execution:initial-sync:r"; f.asked[0] != want {
					t.Errorf("asked for %s", f.asked[0])
				}
			})
		})
	}
}

func TestMeter(t *testing.T) {
	now := time.Unix(0, 0)
	var out bytes.Buffer
	m := execution.NewMeter(&out, "sync", func() time.Time { return now })
	m.Show(sweep.Progress{Done: 1000, Total: 100_000})
	for range 20 {
		now = now.Add(time.Second)
		m.Show(sweep.Progress{Done: 1000 + now.Unix()*500, Total: 100_000})
	}
	want := []string{
		"sync: 3,500 of 100,000 documents, 3 %, 500 a second, 3m13s left",
		"sync: 6,000 of 100,000 documents, 6 %, 500 a second, 3m8s left",
	}
	if got := strings.Split(out.String(), "\n"); len(got) != 5 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("lines %q, want four, the first %q", got, want)
	}
}
