package stepfunctions_test

import (
	"cmp"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/local/stepfunctions"
)

const goodSummary = `{"documents":12,"ok":true}`

// The state machine that is deployed, executed: what the function is called
// with, and what becomes of its answers.
func TestStateMachine(t *testing.T) {
	f := newFake()
	s := start(t, options(t, f))
	run := func(t *testing.T, name string, sc script) *sfn.DescribeExecutionOutput {
		t.Helper()
		f.on(name, sc)
		return await(t, s, execute(t, s, name, `{"mode":"initial"}`))
	}

	t.Run("OK", func(t *testing.T) {
		got := run(t, "ok", well(2))
		wantSucceeded(t, got, goodSummary)
		calls := f.payloads("ok")
		slices.Sort(calls[2:4]) // the ranges are copied side by side
		want := []string{
			`{"step":"preflight","run":"ok","input":{"mode":"initial"}}`,
			`{"step":"plan","run":"ok","phase":0}`,
			`{"step":"copy","run":"ok","range":{"n":0}}`,
			`{"step":"copy","run":"ok","range":{"n":1}}`,
			`{"step":"plan","run":"ok","phase":1}`,
			`{"step":"guard","run":"ok"}`,
			`{"step":"delete","run":"ok"}`,
			`{"step":"summary","run":"ok"}`,
		}
		if diff := gocmp.Diff(want, calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})

	t.Run("CarriesAnotherRunOn", func(t *testing.T) {
		f.on("earlier", well(2))
		got := run(t, "later", func(call) (any, error) { return map[string]any{"run": "earlier", "mode": "initial"}, nil })
		wantSucceeded(t, got, goodSummary)
		if f.steps("later") != "preflight" || f.steps("earlier") != "plan copy plan guard delete summary" {
			t.Errorf("steps: %s, and of the earlier run %s", f.steps("later"), f.steps("earlier"))
		}
	})

	for name, plan := range map[string]any{"Empty": []any{}, "Null": nil} {
		t.Run("NoRanges"+name, func(t *testing.T) {
			got := run(t, "none-"+name, but(well(0), map[string]script{
				"plan": func(call) (any, error) { return map[string]any{"ranges": plan}, nil },
			}))
			wantSucceeded(t, got, goodSummary)
			if steps := f.steps("none-" + name); steps != "preflight plan guard delete summary" {
				t.Errorf("steps: %s", steps)
			}
		})
	}

	t.Run("LoopsUntilDone", func(t *testing.T) {
		done := after(2)
		got := run(t, "loop", but(well(4), map[string]script{
			"copy":   func(c call) (any, error) { return map[string]any{"done": string(c.Range) != `{"n":1}` || done(c)}, nil },
			"delete": func(c call) (any, error) { return map[string]any{"done": done(c)}, nil },
		}))
		wantSucceeded(t, got, goodSummary)
		if n := countRange(f.of("loop", "copy"), `{"n":1}`); n != 3 {
			t.Errorf("the long range was copied by %d calls, want 3", n)
		}
		if n := len(f.of("loop", "copy")); n != 6 {
			t.Errorf("%d copies, want 6", n)
		}
		if n := len(f.of("loop", "delete")); n != 3 {
			t.Errorf("%d deletes, want 3", n)
		}
	})

	t.Run("ThousandRanges", func(t *testing.T) {
		var now, most atomic.Int64
		var once sync.Once
		ten := make(chan struct{})
		begun := time.Now()
		got := run(t, "thousand", but(well(1000), map[string]script{
			"copy": func(call) (any, error) {
				n := now.Add(1)
				defer now.Add(-1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				if n == 10 {
					once.Do(func() { close(ten) })
				}
				<-ten // the first ten wait for each other
				return map[string]any{"done": true}, nil
			},
		}))
		wantSucceeded(t, got, goodSummary)
		t.Logf("1,000 ranges in %s, at most %d at a time", time.Since(begun).Round(time.Millisecond), most.Load())
		ranges := map[string]bool{}
		for _, c := range f.of("thousand", "copy") {
			ranges[string(c.Range)] = true
		}
		if len(ranges) != 1000 || len(f.of("thousand", "copy")) != 1000 {
			t.Errorf("%d ranges by %d copies, want 1000 by 1000", len(ranges), len(f.of("thousand", "copy")))
		}
		if most.Load() != 10 {
			t.Errorf("%d at a time, want 10", most.Load())
		}
	})
}

// What fails is tried again, then recorded, and the summary says it.
func TestStateMachineFailures(t *testing.T) {
	f := newFake()
	s := start(t, options(t, f))
	run := func(t *testing.T, name string, sc script) *sfn.DescribeExecutionOutput {
		t.Helper()
		f.on(name, sc)
		return await(t, s, execute(t, s, name, `{"mode":"initial"}`))
	}

	for name, failure := range map[string]error{
		"Throttled": stepfunctions.Throttled,
		"TimedOut":  functionError{"Sandbox.Timedout", "Task timed out after 900.00 seconds"},
		"Crashed":   functionError{"Runtime.ExitError", "exit status 2"},
		"Failed":    functionError{"errorString", "copy: connection reset"},
	} {
		t.Run("TriesAgainWhen"+name, func(t *testing.T) {
			ok := after(2)
			got := run(t, "again-"+name, but(well(3), map[string]script{"copy": func(c call) (any, error) {
				if string(c.Range) == `{"n":1}` && !ok(c) {
					return nil, failure
				}
				return map[string]any{"done": true}, nil
			}}))
			wantSucceeded(t, got, goodSummary)
			if n := countRange(f.of("again-"+name, "copy"), `{"n":1}`); n != 3 {
				t.Errorf("tried %d times, want 3", n)
			}
			if n := len(f.of("again-"+name, "failed")); n != 0 {
				t.Errorf("%d ranges were recorded as failed", n)
			}
		})
	}

	t.Run("OneRangeFails", func(t *testing.T) {
		got := run(t, "bad-range", but(well(30), map[string]script{
			"copy": func(c call) (any, error) {
				if string(c.Range) == `{"n":3}` {
					return nil, functionError{"errorString", `copy: "odd"`}
				}
				return map[string]any{"done": true}, nil
			},
			"summary": func(call) (any, error) { return map[string]any{"ok": false, "failed": 1}, nil },
		}))
		wantFailed(t, got, "Causeway.NotWell", `"failed":1`, `{"resume":"bad-range"}`)
		if n := countRange(f.of("bad-range", "copy"), `{"n":3}`); n != 5 {
			t.Errorf("the bad range was tried %d times, want 5", n)
		}
		if n := len(f.of("bad-range", "copy")); n != 29+5 {
			t.Errorf("%d copies, want %d: the others go on", n, 29+5)
		}
		failed := f.of("bad-range", "failed")
		if len(failed) != 1 || string(failed[0].Range) != `{"n":3}` || failed[0].Error.Error != "errorString" {
			t.Fatalf("recorded as failed: %+v", failed)
		}
		var doc struct{ ErrorType, ErrorMessage string }
		if err := json.Unmarshal([]byte(failed[0].Error.Cause), &doc); err != nil || doc.ErrorMessage != `copy: "odd"` {
			t.Errorf("cause = %s, want the function's error document (%v)", failed[0].Error.Cause, err)
		}
		if summaries := f.of("bad-range", "summary"); len(summaries) != 1 || summaries[0].Error != nil {
			t.Errorf("summaries: %+v, want one without an error", summaries)
		}
	})

	t.Run("OneRangeIsThrottledForever", func(t *testing.T) {
		got := run(t, "throttled", but(well(2), map[string]script{
			"copy":    func(call) (any, error) { return nil, stepfunctions.Throttled },
			"summary": func(call) (any, error) { return map[string]any{"ok": false}, nil },
		}))
		wantFailed(t, got, "Causeway.NotWell")
		for _, c := range f.of("throttled", "failed") {
			if c.Error.Error != "Lambda.TooManyRequestsException" {
				t.Errorf("recorded: %+v", c.Error)
			}
		}
		if n := len(f.of("throttled", "failed")); n != 2 {
			t.Errorf("%d recorded as failed, want 2", n)
		}
	})

	t.Run("AFailureCannotBeRecorded", func(t *testing.T) {
		got := run(t, "unrecorded", but(well(3), map[string]script{
			"copy":   fails("errorString", "copy: no"),
			"failed": fails("ledgerDown", "record: no"),
		}))
		wantMapFailed(t, f, got)
	})

	// States.ALL does not match that error, but the map is what fails.
	t.Run("AnAnswerBreaksTheContract", func(t *testing.T) {
		got := run(t, "vague", but(well(3), map[string]script{
			"copy": func(call) (any, error) { return map[string]any{}, nil },
		}))
		wantMapFailed(t, f, got)
	})

	// A step that fails ends the run: nothing after it but the summary.
	for step, want := range map[string]string{
		"preflight": "preflight summary",
		"plan":      "preflight plan summary",
		"guard":     "preflight plan copy plan guard summary",
		"delete":    "preflight plan copy plan guard delete summary",
	} {
		t.Run("Err"+strings.ToUpper(step[:1])+step[1:], func(t *testing.T) {
			got := run(t, "bad-"+step, but(well(2), map[string]script{step: fails("sideDown", step+": no answer")}))
			if step == "preflight" {
				wantFailed(t, got, "sideDown", "it has not begun", "preflight: no answer", "start a new execution with the same input")
				if n := len(f.of("bad-preflight", "preflight")); n != 1 {
					t.Errorf("checked %d times, want once", n)
				}
			} else {
				wantFailed(t, got, "sideDown", step+": no answer", `{"resume":"bad-`+step+`"}`)
			}
			if got := f.steps("bad-" + step); got != want {
				t.Errorf("steps: %s, want %s", got, want)
			}
			summary := f.of("bad-"+step, "summary")[0]
			if summary.Error == nil || summary.Error.Error != "sideDown" || !strings.Contains(summary.Error.Cause, step+": no answer") {
				t.Errorf("summary was called with %+v", summary.Error)
			}
		})
	}

	t.Run("ErrSummary", func(t *testing.T) {
		got := run(t, "bad-summary", but(well(1), map[string]script{"summary": fails("sideDown", "summary: no")}))
		wantFailed(t, got, "sideDown", "summary: no", `{"resume":"bad-summary"}`)
	})

	t.Run("ErrPlanTooLarge", func(t *testing.T) {
		got := run(t, "large", but(well(0), map[string]script{"plan": func(call) (any, error) {
			return map[string]any{"ranges": []string{strings.Repeat("x", 256<<10)}}, nil
		}}))
		wantFailed(t, got, "States.DataLimitExceeded", "'Plan'", "262144")
	})
}

// wantMapFailed checks that the run went from the map to the summary, with the
// error that a distributed map fails with.
func wantMapFailed(t *testing.T, f *fake, got *sfn.DescribeExecutionOutput) {
	t.Helper()
	const reason = "States.ExceedToleratedFailureThreshold"
	wantFailed(t, got, reason, "threshold was exceeded", `{"resume":"`+*got.Name+`"}`)
	if summaries := f.of(*got.Name, "summary"); len(summaries) != 1 || summaries[0].Error == nil || summaries[0].Error.Error != reason {
		t.Errorf("summaries: %+v, want one with the error", summaries)
	}
	if n := len(f.of(*got.Name, "guard")) + len(f.of(*got.Name, "delete")); n != 0 {
		t.Error("it went on from the map")
	}
}

func TestStopExecution(t *testing.T) {
	f := newFake()
	s := start(t, options(t, f))
	var wait sync.WaitGroup
	release := make(chan struct{})
	f.on("long", but(well(100), map[string]script{"copy": func(call) (any, error) {
		wait.Add(1)
		defer wait.Done()
		<-release
		return map[string]any{"done": false}, nil
	}}))
	arn := execute(t, s, "long", `{}`)
	eventually(t, func() bool { return len(f.of("long", "copy")) == 10 })

	reason, cause := "Causeway.Stopped", "Ctrl-C"
	out, err := client(s).StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: &arn, Error: &reason, Cause: &cause})
	if err != nil || time.Since(*out.StopDate) > time.Minute {
		t.Fatalf("StopExecution = %+v, %v", out, err)
	}
	got := await(t, s, arn)
	if got.Status != types.ExecutionStatusAborted || *got.Error != reason || *got.Cause != cause {
		t.Errorf("ended %s by %s: %s", got.Status, *got.Error, *got.Cause)
	}
	close(release) // what was under way ends
	wait.Wait()

	// Another execution passes through the runner after all that it had to say
	// of the first one.
	f.on("next", well(50))
	wantSucceeded(t, await(t, s, execute(t, s, "next", `{}`)), goodSummary)
	if n := len(f.of("long", "copy")); n != 10 || f.steps("long") != "preflight plan copy" {
		t.Errorf("after the stop it went on: %s, %d copies", f.steps("long"), n)
	}
	again, err := client(s).StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: &arn})
	if err != nil || !again.StopDate.Equal(*out.StopDate) {
		t.Errorf("second StopExecution = %+v, %v", again, err)
	}
}

// Every task outlasts its function, which AWS ends after 900 s, and tries again
// when Lambda has no room.
func TestTasks(t *testing.T) {
	text, err := os.ReadFile(stepfunctions.Definition(options(t, nil).Root))
	if err != nil {
		t.Fatal(err)
	}
	var definition map[string]any
	if err := json.Unmarshal(text, &definition); err != nil {
		t.Fatal(err)
	}
	tasks := map[string]map[string]any{}
	var walk func(machine map[string]any)
	walk = func(machine map[string]any) {
		for name, s := range machine["States"].(map[string]any) {
			state := s.(map[string]any)
			if inner, ok := state["ItemProcessor"].(map[string]any); ok {
				walk(inner)
			}
			if state["Type"] == "Task" {
				tasks[name] = state
			}
		}
	}
	walk(definition)
	if len(tasks) != 8 {
		t.Errorf("%d tasks, want 8", len(tasks))
	}
	for name, task := range tasks {
		if timeout, _ := task["TimeoutSeconds"].(float64); timeout <= 900 || timeout > 960 {
			t.Errorf("%s: time-out %v s", name, task["TimeoutSeconds"])
		}
		var first struct{ ErrorEquals []string }
		retry, _ := json.Marshal(task["Retry"].([]any)[0])
		if err := json.Unmarshal(retry, &first); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(first.ErrorEquals, "Lambda.TooManyRequestsException") && !slices.Contains(first.ErrorEquals, "States.ALL") {
			t.Errorf("%s: tries again first when %v", name, first.ErrorEquals)
		}
		if _, ok := task["Catch"]; !ok && name != "RecordFailure" {
			t.Errorf("%s: catches nothing", name)
		}
	}
}

// after is true from the n+1st call of a step on.
func after(n int) func(call) bool {
	var mu sync.Mutex
	seen := map[string]int{}
	return func(c call) bool {
		mu.Lock()
		defer mu.Unlock()
		seen[c.Step]++
		return cmp.Compare(seen[c.Step], n) > 0
	}
}

func countRange(calls []call, rng string) (n int) {
	for _, c := range calls {
		if string(c.Range) == rng {
			n++
		}
	}
	return n
}
