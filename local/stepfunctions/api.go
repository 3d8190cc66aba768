package stepfunctions

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// apiError is an error of the API, by the code that the SDK knows.
type apiError struct{ Code, Message string }

// in is what the operations take.
type in struct {
	StateMachineArn, ExecutionArn string
	Name                          string
	Input                         string
	StatusFilter                  string
	MaxResults                    int
	NextToken                     string
	Error, Cause                  string
}

// ServeHTTP speaks AWS JSON 1.0. Its requests name their operation in a header.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AWSStepFunctions.")
	if !ok || r.Method != http.MethodPost {
		writeError(w, &apiError{"UnknownOperationException", "this is a stand-in of AWS Step Functions: use it with an AWS SDK"})
		return
	}
	var req in
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&req); err != nil {
		writeError(w, &apiError{"SerializationException", err.Error()})
		return
	}
	answer, err := s.call(operation, req)
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) call(operation string, req in) (any, *apiError) {
	switch operation {
	case "StartExecution", "ListExecutions", "DescribeStateMachine":
		if req.StateMachineArn != s.StateMachineARN {
			return nil, &apiError{"StateMachineDoesNotExist", "State Machine Does Not Exist: '" + req.StateMachineArn + "'"}
		}
	}
	switch operation {
	case "StartExecution":
		e, err := s.begin(cmp.Or(req.Name, rand.Text()), cmp.Or(req.Input, "{}"))
		if err != nil {
			return nil, err
		}
		return map[string]any{"executionArn": e.arn, "startDate": seconds(e.start)}, nil
	case "DescribeExecution":
		e, err := s.describe(req.ExecutionArn)
		if err != nil {
			return nil, err
		}
		return s.description(e), nil
	case "ListExecutions":
		return s.page(req)
	case "StopExecution":
		e, err := s.abort(req.ExecutionArn, req.Error, req.Cause)
		if err != nil {
			return nil, err
		}
		return map[string]any{"stopDate": seconds(e.stop)}, nil
	case "DescribeStateMachine":
		return map[string]any{
			"stateMachineArn": s.StateMachineARN, "name": s.name, "status": "ACTIVE", "type": "STANDARD",
			"definition": s.definition, "creationDate": seconds(s.created),
			"roleArn": "arn:aws:iam::" + Account + ":role/" + s.name,
		}, nil
	}
	return nil, &apiError{"UnknownOperationException", "the stand-in knows no " + operation}
}

// item is an execution as it is listed.
func (s *Server) item(e execution) map[string]any {
	m := map[string]any{
		"executionArn": e.arn, "stateMachineArn": s.StateMachineARN, "name": e.name,
		"status": e.status, "startDate": seconds(e.start), "redriveCount": 0,
	}
	if !e.stop.IsZero() {
		m["stopDate"] = seconds(e.stop)
	}
	return m
}

func (s *Server) description(e execution) map[string]any {
	m := s.item(e)
	m["input"] = e.input
	for key, v := range map[string]string{"output": e.output, "error": e.reason, "cause": e.cause} {
		if v != "" {
			m[key] = v
		}
	}
	return m
}

// page lists executions; the token is how many were listed before.
func (s *Server) page(req in) (any, *apiError) {
	const most, usual = 1000, 100
	all, skip := s.list(req.StatusFilter), 0
	if req.NextToken != "" {
		n, err := strconv.Atoi(req.NextToken)
		if err != nil || n < 0 || n > len(all) {
			return nil, &apiError{"InvalidToken", fmt.Sprintf("Invalid Token: '%s'", req.NextToken)}
		}
		skip = n
	}
	end := min(len(all), skip+min(cmp.Or(req.MaxResults, usual), most))
	items := []map[string]any{}
	for _, e := range all[skip:end] {
		items = append(items, s.item(e))
	}
	answer := map[string]any{"executions": items}
	if end < len(all) {
		answer["nextToken"] = strconv.Itoa(end)
	}
	return answer, nil
}

// seconds is how the protocol writes a time.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func writeError(w http.ResponseWriter, err *apiError) {
	status := http.StatusBadRequest
	if err.Code == "InternalServerError" {
		status = http.StatusInternalServerError
	}
	w.Header().Set("X-Amzn-ErrorType", err.Code)
	writeJSON(w, status, map[string]string{"__type": err.Code, "message": err.Message})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
