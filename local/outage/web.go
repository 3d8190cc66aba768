package outage

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
)

// Web stands before an HTTP server.
type Web struct {
	URL string

	proxy  http.Handler
	mu     sync.Mutex
	fault  http.Handler
	server *http.Server
	addr   string
}

// NewWeb listens on loopback, before the server at upstream.
func NewWeb(upstream string) (*Web, error) {
	u, err := url.Parse(upstream)
	if err != nil {
		return nil, fmt.Errorf("stand before %s: %w", upstream, err)
	}
	w := &Web{proxy: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}}
	if err := w.listen(); err != nil {
		return nil, err
	}
	w.URL = "http://" + w.addr
	return w, nil
}

func (w *Web) listen() error {
	l, err := listen(w.addr)
	if err != nil {
		return fmt.Errorf("stand before the server: %w", err)
	}
	w.addr = l.Addr().String()
	w.server = &http.Server{Handler: http.HandlerFunc(w.serve)}
	go func(s *http.Server) { _ = s.Serve(l) }(w.server)
	return nil
}

func (w *Web) serve(res http.ResponseWriter, req *http.Request) {
	w.mu.Lock()
	h := w.fault
	w.mu.Unlock()
	if h == nil {
		h = w.proxy
	}
	h.ServeHTTP(res, req)
}

// Fail lets h answer from now on; it may pass a request on to Pass.
func (w *Web) Fail(h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = h
}

// Pass passes one request on.
func (w *Web) Pass(res http.ResponseWriter, req *http.Request) { w.proxy.ServeHTTP(res, req) }

// Refuse refuses connections from now on.
func (w *Web) Refuse() error { return w.server.Close() }

// End ends Fail or Refuse.
func (w *Web) End() error {
	w.mu.Lock()
	w.fault = nil
	w.mu.Unlock()
	if err := w.server.Close(); err != nil { // what hangs
		return err
	}
	return w.listen()
}

// Close stops listening.
func (w *Web) Close() error { return w.server.Close() }
