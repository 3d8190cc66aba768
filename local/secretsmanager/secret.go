package secretsmanager

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// getSecretValue is the operation of that name, protocol AWS JSON 1.1.
func (s *Server) getSecretValue(w http.ResponseWriter, r *http.Request) {
	var in struct{ SecretId, VersionStage, VersionId string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		writeError(w, http.StatusBadRequest, "SerializationException", err.Error())
		return
	}
	key, region := caller(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	secret, ok := s.secrets[in.SecretId]
	switch {
	case key == "":
		writeError(w, http.StatusForbidden, "MissingAuthenticationTokenException", "the request is not signed")
	case !ok, secret.Region != "" && secret.Region != region:
		writeError(w, http.StatusBadRequest, "ResourceNotFoundException",
			"Secrets Manager can't find the specified secret.")
	case secret.Role != "" && s.sessions[key] != secret.Role:
		writeError(w, http.StatusBadRequest, "AccessDeniedException",
			"the caller is not authorized to perform secretsmanager:GetSecretValue on "+in.SecretId+
				": the role "+secret.Role+" must be assumed")
	default:
		s.reads[in.SecretId]++
		writeJSON(w, http.StatusOK, map[string]any{
			"ARN":           "arn:aws:secretsmanager:" + region + ":123456789012:secret:" + in.SecretId,
			"Name":          in.SecretId,
			"SecretString":  secret.Value,
			"VersionId":     fmt.Sprintf("00000000-0000-0000-0000-%012d", s.versions[in.SecretId]),
			"VersionStages": []string{"AWSCURRENT"},
		})
	}
}

// putSecretValue is the operation of that name, or CreateSecret. A secret that a
// role guards for reading is anybody's to write.
func (s *Server) putSecretValue(w http.ResponseWriter, r *http.Request, create bool) {
	var in struct{ SecretId, Name, SecretString string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		writeError(w, http.StatusBadRequest, "SerializationException", err.Error())
		return
	}
	id := in.SecretId
	if create {
		id = in.Name
	}
	key, region := caller(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	secret, ok := s.secrets[id]
	switch {
	case key == "":
		writeError(w, http.StatusForbidden, "MissingAuthenticationTokenException", "the request is not signed")
	case create && ok:
		writeError(w, http.StatusBadRequest, "ResourceExistsException", "The operation failed because the secret "+id+" already exists.")
	case !create && (!ok || secret.Region != "" && secret.Region != region):
		writeError(w, http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	default:
		if create {
			secret = Secret{ID: id, Region: region}
		}
		secret.Value = in.SecretString
		s.secrets[id] = secret
		s.versions[id]++
		writeJSON(w, http.StatusOK, map[string]any{
			"ARN":       "arn:aws:secretsmanager:" + region + ":123456789012:secret:" + id,
			"Name":      id,
			"VersionId": fmt.Sprintf("00000000-0000-0000-0000-%012d", s.versions[id]),
		})
	}
}

// caller reads the access key and the region out of a request's signature:
// AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, …
// The signature itself is not checked: there is no key to check it with.
func caller(r *http.Request) (accessKey, region string) {
	_, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !ok {
		return "", ""
	}
	scope, _, _ := strings.Cut(rest, ",")
	parts := strings.Split(scope, "/")
	if len(parts) != 5 {
		return "", ""
	}
	return parts[0], parts[2]
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-ErrorType", code)
	writeJSON(w, status, map[string]string{"__type": code, "Message": message})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
