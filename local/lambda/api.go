package lambda

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// MappingsPath is where Lambda's API has its event source mappings.
const MappingsPath = "/2015-03-31/event-source-mappings/"

// API answers for the part of Lambda's API that looks at event source mappings,
// and switches them on and off.
type API struct {
	Mappings map[string]*Mapping // by UUID
	// Switched is told of a mapping that is to be on or off, before it is. An
	// error is the answer.
	Switched func(uuid string, on bool) error
}

// mappingView is an event source mapping as the API shows it.
type mappingView struct {
	UUID           string
	EventSourceArn string
	BatchSize      int
	State          string
	LastModified   float64
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+MappingsPath+"{uuid}", a.mapping(func(_ http.ResponseWriter, _ *http.Request, _ string, _ *Mapping) bool { return true }))
	mux.HandleFunc("PUT "+MappingsPath+"{uuid}", a.mapping(a.update))
	mux.ServeHTTP(w, r)
}

// mapping finds the mapping that a request names, and shows it once act is done
// with it.
func (a *API) mapping(act func(http.ResponseWriter, *http.Request, string, *Mapping) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		uuid := r.PathValue("uuid")
		m := a.Mappings[uuid]
		if m == nil {
			decline(w, http.StatusNotFound, "ResourceNotFoundException", "The resource you requested does not exist.")
			return
		}
		if act(w, r, uuid, m) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(mappingView{uuid, m.QueueARN, m.BatchSize, m.State(), float64(time.Now().Unix())})
		}
	}
}

func (a *API) update(w http.ResponseWriter, r *http.Request, uuid string, m *Mapping) bool {
	var in struct{ Enabled *bool }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
		decline(w, http.StatusBadRequest, "InvalidParameterValueException", fmt.Sprintf("the request is not JSON: %v", err))
		return false
	}
	if in.Enabled == nil {
		return true
	}
	if a.Switched != nil {
		if err := a.Switched(uuid, *in.Enabled); err != nil {
			decline(w, http.StatusInternalServerError, "ServiceException", err.Error())
			return false
		}
	}
	if *in.Enabled {
		m.Resume()
	} else {
		m.Pause()
	}
	return true
}

func decline(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Type": "User", "message": message})
}
