package stepfunctions

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"
)

// maxPayload is the size of an input at most, in bytes.
const maxPayload = 256 << 10

// maxName is the length of an execution's name at most.
const maxName = 80

// The states that an execution may be in.
const (
	running   = "RUNNING"
	succeeded = "SUCCEEDED"
	failed    = "FAILED"
	aborted   = "ABORTED"
)

// execution is one run of the state machine; the server's mutex guards it.
type execution struct {
	name, arn     string
	input         string
	status        string
	start, stop   time.Time
	output        string
	reason, cause string
}

// begin starts an execution, or returns the running one of the same name and
// input.
func (s *Server) begin(name, input string) (execution, *apiError) {
	switch {
	case !validName(name):
		return execution{}, &apiError{"InvalidName", "Invalid Name: '" + name + "'"}
	case !json.Valid([]byte(input)):
		return execution{}, &apiError{"InvalidExecutionInput", "Invalid State Machine Execution Input: it is not JSON"}
	case len(input) > maxPayload:
		return execution{}, &apiError{"InvalidExecutionInput", "Invalid State Machine Execution Input: it is over 256 KiB"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.byName[name]; ok {
		if e.status == running && e.input == input {
			return *e, nil
		}
		return execution{}, &apiError{"ExecutionAlreadyExists", "Execution Already Exists: '" + e.arn + "'"}
	}
	arn := strings.Replace(s.StateMachineARN, ":stateMachine:", ":execution:", 1) + ":" + name
	e := &execution{name: name, arn: arn, input: input, status: running, start: time.Now()}
	err := s.runner.send(message{
		Type: "run", Execution: name, Input: json.RawMessage(input),
		ARN: map[string]string{"execution": arn, "stateMachine": s.StateMachineARN},
	})
	if err != nil {
		return execution{}, &apiError{"InternalServerError", "the runner of executions has ended: " + err.Error()}
	}
	s.byName[name] = e
	s.executions = append(s.executions, e)
	return *e, nil
}

// ended records what the runner says of an execution that has ended.
func (s *Server) ended(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byName[m.Execution]
	if e == nil || e.status != running {
		return // it was stopped before
	}
	e.stop = time.Now()
	if m.Error != "" {
		e.status, e.reason, e.cause = failed, m.Error, m.Cause
		return
	}
	e.status, e.output = succeeded, string(m.Output)
}

// abort stops an execution; what its tasks invoked runs on to its end. One
// that has ended stays as it is.
func (s *Server) abort(arn, reason, cause string) (execution, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(arn)
	if e == nil {
		return execution{}, noExecution(arn)
	}
	if e.status == running {
		e.status, e.stop, e.reason, e.cause = aborted, time.Now(), reason, cause
		_ = s.runner.send(message{Type: "stop", Execution: e.name}) // fails only when all has ended
	}
	return *e, nil
}

// describe returns an execution. When the runner has died, none runs any more.
func (s *Server) describe(arn string) (execution, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	e := s.find(arn)
	if e == nil {
		return execution{}, noExecution(arn)
	}
	return *e, nil
}

// list returns the executions with a status, or all, the newest first.
func (s *Server) list(status string) []execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	var out []execution
	for i := len(s.executions) - 1; i >= 0; i-- {
		if e := s.executions[i]; cmp.Or(status, e.status) == e.status {
			out = append(out, *e)
		}
	}
	return out
}

// settle fails what still runs when the runner has died. Called with the lock.
func (s *Server) settle() {
	select {
	case <-s.runner.read:
	default:
		return
	}
	for _, e := range s.executions {
		if e.status == running {
			e.status, e.stop = failed, time.Now()
			e.reason, e.cause = "States.Runtime", "the runner of executions has ended"
			if err := s.Exited(); err != nil {
				e.cause = err.Error()
			}
		}
	}
}

func (s *Server) find(arn string) *execution {
	e := s.byName[arn[strings.LastIndex(arn, ":")+1:]]
	if e == nil || e.arn != arn {
		return nil
	}
	return e
}

func noExecution(arn string) *apiError {
	return &apiError{"ExecutionDoesNotExist", "Execution Does Not Exist: '" + arn + "'"}
}

func validName(name string) bool {
	return name != "" && len(name) <= maxName &&
		!strings.ContainsAny(name, " \t\r\n<>{}[]?*\"#%\\^|~`$&,;:/") &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 })
}
