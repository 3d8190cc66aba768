package secretsmanager

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Secret is one secret and who may read it.
type Secret struct {
	ID         string
	Value      string
	Role       string // ARN that must be assumed to read it; any caller if empty
	ExternalID string // with Role: what AssumeRole must be called with
	Region     string // where it is; anywhere if empty
}

// Server answers for both services at one address.
type Server struct {
	Endpoint string

	http *http.Server
	done chan struct{}

	mu       sync.Mutex
	secrets  map[string]Secret
	versions map[string]int
	reads    map[string]int
	sessions map[string]string // access key of an assumed role: its ARN
}

// Start listens on loopback; port 0 takes a free one.
func Start(port int, secrets ...Secret) (*Server, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("start Secrets Manager stand-in: port %d is in use: %w", port, err)
	}
	s := &Server{
		Endpoint: "http://" + l.Addr().String(),
		done:     make(chan struct{}),
		secrets:  map[string]Secret{},
		versions: map[string]int{},
		reads:    map[string]int{},
		sessions: map[string]string{},
	}
	for _, secret := range secrets {
		s.Put(secret)
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l)
	}()
	return s, nil
}

// Put stores a secret, or a new version of it.
func (s *Server) Put(secret Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[secret.ID] = secret
	s.versions[secret.ID]++
}

// Remove deletes a secret.
func (s *Server) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.secrets, id)
}

// Reads is how often a secret was given out.
func (s *Server) Reads(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[id]
}

// Stop ends the server.
func (s *Server) Stop(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	<-s.done
	return err
}

// ServeHTTP tells the services apart as their protocols do: Secrets Manager's
// requests name their operation in a header, those of STS are forms.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	switch target := r.Header.Get("X-Amz-Target"); target {
	case "secretsmanager.GetSecretValue":
		s.getSecretValue(w, r)
	case "secretsmanager.PutSecretValue", "secretsmanager.CreateSecret":
		s.putSecretValue(w, r, target == "secretsmanager.CreateSecret")
	case "":
		s.assumeRole(w, r)
	default:
		writeError(w, http.StatusBadRequest, "UnknownOperationException", "the stand-in knows no "+target)
	}
}
