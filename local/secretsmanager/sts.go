package secretsmanager

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"strings"
	"time"
)

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

type assumeRoleResponse struct {
	XMLName xml.Name         `xml:"AssumeRoleResponse"`
	Space   string           `xml:"xmlns,attr"`
	Result  assumeRoleResult `xml:"AssumeRoleResult"`
	Request requestMetadata  `xml:"ResponseMetadata"`
}

type assumeRoleResult struct {
	User struct {
		ID  string `xml:"AssumedRoleId"`
		ARN string `xml:"Arn"`
	} `xml:"AssumedRoleUser"`
	Credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string `xml:"SecretAccessKey"`
		SessionToken    string `xml:"SessionToken"`
		Expiration      string `xml:"Expiration"`
	} `xml:"Credentials"`
}

type requestMetadata struct {
	ID string `xml:"RequestId"`
}

type stsError struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	Space   string   `xml:"xmlns,attr"`
	Error   struct {
		Type    string `xml:"Type"`
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	} `xml:"Error"`
	ID string `xml:"RequestId"`
}

// assumeRole is the operation of that name, protocol AWS query. It gives the
// roles that secrets name, and no other.
func (s *Server) assumeRole(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("Action") != "AssumeRole" {
		writeSTSError(w, http.StatusBadRequest, "InvalidAction", "the stand-in knows AssumeRole alone")
		return
	}
	role, externalID := r.PostForm.Get("RoleArn"), r.PostForm.Get("ExternalId")
	session := r.PostForm.Get("RoleSessionName")
	if key, _ := caller(r); key == "" || session == "" {
		writeSTSError(w, http.StatusForbidden, "MissingAuthenticationToken", "the request is not signed, or lacks RoleSessionName")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mayAssume(role, externalID) {
		writeSTSError(w, http.StatusForbidden, "AccessDenied",
			"User is not authorized to perform: sts:AssumeRole on resource: "+role)
		return
	}
	out := assumeRoleResponse{Space: stsNamespace, Request: requestMetadata{token(8)}}
	out.Result.User.ID = "AROA" + strings.ToUpper(token(8)) + ":" + session
	out.Result.User.ARN = strings.Replace(strings.Replace(role, ":iam:", ":sts:", 1), ":role/", ":assumed-role/", 1) + "/" + session
	creds := &out.Result.Credentials
	creds.AccessKeyID = "ASIA" + strings.ToUpper(token(8))
	creds.SecretAccessKey, creds.SessionToken = token(20), token(32)
	creds.Expiration = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	s.sessions[creds.AccessKeyID] = role
	writeXML(w, http.StatusOK, out)
}

func (s *Server) mayAssume(role, externalID string) bool {
	for _, secret := range s.secrets {
		if role != "" && secret.Role == role && secret.ExternalID == externalID {
			return true
		}
	}
	return false
}

func writeSTSError(w http.ResponseWriter, status int, code, message string) {
	out := stsError{Space: stsNamespace, ID: token(8)}
	out.Error.Type, out.Error.Code, out.Error.Message = "Sender", code, message
	writeXML(w, status, out)
}

func writeXML(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(v)
}

func token(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
