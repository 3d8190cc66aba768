package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

const apiPrefix = "/2018-06-01/runtime/"

// api is the Lambda Runtime API, version 2018-06-01.
func (e *environment) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+apiPrefix+"invocation/next", e.handleNext)
	mux.HandleFunc("POST "+apiPrefix+"invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		e.handleAnswer(w, r, false)
	})
	mux.HandleFunc("POST "+apiPrefix+"invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) {
		e.handleAnswer(w, r, true)
	})
	mux.HandleFunc("POST "+apiPrefix+"init/error", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, MaxPayload))
		select {
		case e.initFail <- parseError(body, r.Header.Get("Lambda-Runtime-Function-Error-Type")):
		default:
		}
		accepted(w)
	})
	return mux
}

func (e *environment) handleNext(w http.ResponseWriter, r *http.Request) {
	e.once.Do(func() { close(e.ready) })
	select {
	case <-r.Context().Done():
	case inv := <-e.next:
		e.mu.Lock()
		e.current = inv
		e.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", e.arn)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
		_, _ = w.Write(inv.event)
	}
}

func (e *environment) handleAnswer(w http.ResponseWriter, r *http.Request, failed bool) {
	e.mu.Lock()
	inv := e.current
	if inv == nil || inv.id != r.PathValue("id") {
		e.mu.Unlock()
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "no such invocation is running")
		return
	}
	e.mu.Unlock()
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload+1))
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
		return
	}
	res := result{payload: body}
	switch {
	case failed:
		res = result{err: parseError(body, r.Header.Get("Lambda-Runtime-Function-Error-Type"))}
	case len(body) > MaxPayload:
		res = result{err: newError("Function.ResponseSizeTooLarge", "the response is over "+strconv.Itoa(MaxPayload)+" bytes")}
	}
	e.mu.Lock()
	e.current = nil
	e.mu.Unlock()
	if res.err != nil && !failed {
		refuse(w, http.StatusRequestEntityTooLarge, res.err.Type, res.err.Message)
	} else {
		accepted(w)
	}
	inv.done <- res
}

// parseError reads the error document that a runtime posts.
func parseError(body []byte, typ string) *Error {
	var doc struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return newError("Runtime.InvalidError", "the error document is not JSON")
	}
	if doc.Type == "" {
		doc.Type = typ
	}
	return &Error{Type: doc.Type, Message: doc.Message, Payload: body}
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, typ, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": typ, "errorMessage": message})
}
