package ditto

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	smithytime "github.com/aws/smithy-go/time"
)

// KeySource gives the API key. With refresh, the key was refused: the source
// must fetch it anew, since it may have been rotated.
type KeySource interface {
	Key(ctx context.Context, refresh bool) (string, error)
}

// StaticKey is a key that never changes.
type StaticKey string

// Key is the key itself.
func (k StaticKey) Key(context.Context, bool) (string, error) { return string(k), nil }

// String keeps the key out of logs.
func (StaticKey) String() string { return "[redacted]" }

// GoString keeps the key out of logs.
func (StaticKey) GoString() string { return "[redacted]" }

// ClientConfig is what a Client needs: Endpoint and Keys.
type ClientConfig struct {
	// Endpoint is Ditto's Cloud URL Endpoint. It may have a path; without a
	// scheme it is https.
	Endpoint string
	Keys     KeySource

	Transport      http.RoundTripper // NewTransport() if nil
	Attempts       int               // at most so many tries of one statement; 5 if 0
	AttemptTimeout time.Duration     // of one try; 20 s if 0
	MaxResponse    int64             // bytes; 64 MiB if 0
	// Jitter picks the wait before another try, at most d; at random between
	// d/2 and d if nil.
	Jitter func(d time.Duration) time.Duration
}

// Client runs statements over Ditto's HTTP API. It is safe for concurrent use.
type Client struct {
	cfg  ClientConfig
	base string
	http *http.Client
}

var errEndpoint = errors.New("ditto endpoint")

// NewClient checks the endpoint; it contacts nothing.
func NewClient(cfg ClientConfig) (*Client, error) {
	base, err := BaseURL(cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errEndpoint, err)
	}
	if cfg.Keys == nil {
		return nil, errors.New("ditto client: no key source")
	}
	if cfg.Transport == nil {
		cfg.Transport = NewTransport()
	}
	if cfg.Attempts == 0 {
		cfg.Attempts = 5
	}
	if cfg.AttemptTimeout == 0 {
		cfg.AttemptTimeout = 20 * time.Second
	}
	if cfg.MaxResponse == 0 {
		cfg.MaxResponse = 64 << 20
	}
	if cfg.Jitter == nil {
		cfg.Jitter = func(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
	}
	return &Client{cfg: cfg, base: base, http: &http.Client{
		Transport: cfg.Transport,
		// A redirect would carry the key elsewhere, and turn POST into GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// NewTransport is a transport for a function that handles one batch at a time:
// a few connections, kept alive between invocations.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          8,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       50 * time.Second, // below the 60 s of AWS load balancers
		DisableCompression:    true,
	}
}

// BaseURL is the endpoint with a scheme, and without "/api/v…" and what follows.
func BaseURL(endpoint string) (string, error) {
	s := strings.TrimSpace(endpoint)
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "", errors.New("is no URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("scheme %q: want https", u.Scheme)
	case u.Host == "":
		return "", errors.New("has no host")
	case u.User != nil:
		return "", errors.New("must not hold a user or password")
	case u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("must not have a query or fragment")
	}
	s = strings.TrimRight(u.String(), "/")
	for _, end := range []string{"/store/execute", "/api/v4", "/api/v5", "/api"} {
		s = strings.TrimRight(strings.TrimSuffix(s, end), "/")
	}
	return s, nil
}

// Execute runs one statement. Reads are tried again after 408, 429, 5xx and
// network errors; writes only where the server cannot have run them: when it
// was not reached, and after 429 and 503. What becomes of other failed writes
// only a read can tell.
func (c *Client) Execute(ctx context.Context, r Request) (Response, error) {
	body, err := encode(r)
	if err != nil {
		return Response{}, &Error{API: r.API, Unsent: true, Err: err}
	}
	refresh, refreshed := false, false
	for attempt := 1; ; attempt++ {
		resp, wait, err := c.once(ctx, r, body, refresh)
		refresh = false
		if err == nil {
			return resp, nil
		}
		if err.Status == http.StatusUnauthorized && !refreshed && ctx.Err() == nil {
			refresh, refreshed = true, true
			attempt--
			continue
		}
		again := IsUnavailable(err) && !IsTooLarge(err) && (!r.Write || !IsAmbiguous(err))
		if !again || attempt >= c.cfg.Attempts || !c.wait(ctx, attempt, wait) {
			return Response{}, err
		}
	}
}

// Waits between tries double from firstWait to longestWait.
const (
	firstWait   = 100 * time.Millisecond
	longestWait = 3 * time.Second
)

// wait reports false, at once, when the deadline would pass before the wait.
func (c *Client) wait(ctx context.Context, attempt int, atLeast time.Duration) bool {
	d := max(c.cfg.Jitter(min(firstWait<<(attempt-1), longestWait)), min(atLeast, longestWait))
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	return smithytime.SleepWithContext(ctx, d) == nil
}

// encode is the request's body. The arguments are JSON already.
func encode(r Request) ([]byte, error) {
	statement, err := json.Marshal(r.Statement)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(statement)+len(r.Args)+32)
	b = append(b, `{"statement":`...)
	b = append(b, statement...)
	if len(r.Args) > 0 {
		b = append(b, `,"args":`...)
		b = append(b, r.Args...)
	}
	return append(b, '}'), nil
}

// once sends the statement one time. wait is how long the server asks to wait
// before another try.
func (c *Client) once(ctx context.Context, r Request, body []byte, refresh bool) (_ Response, wait time.Duration, _ *Error) {
	fail := &Error{API: r.API, Txn: r.Txn}
	key, err := c.cfg.Keys.Key(ctx, refresh)
	if err != nil {
		fail.Unsent, fail.Err = true, fmt.Errorf("read api key: %w", err)
		return Response{}, 0, fail
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.AttemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/api/"+string(r.API)+"/store/execute", bytes.NewReader(body))
	if err != nil {
		fail.Unsent, fail.Err = true, err
		return Response{}, 0, fail
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(key))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if r.Txn != 0 {
		req.Header.Set("X-DITTO-TXN-ID", strconv.FormatInt(r.Txn, 10))
	}
	res, err := c.http.Do(req)
	if err != nil {
		fail.Unsent, fail.Err = neverSent(err), cause(err)
		return Response{}, 0, fail
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, c.cfg.MaxResponse+1))
	switch {
	case err != nil:
		fail.Err = fmt.Errorf("read answer: %w", err)
		return Response{}, 0, fail
	case int64(len(text)) > c.cfg.MaxResponse:
		fail.Err = fmt.Errorf("%w: over %d bytes", errTooLarge, c.cfg.MaxResponse)
		return Response{}, 0, fail
	}
	fail.Status = res.StatusCode
	resp, description, err := decode(text, r.Write)
	switch {
	case res.StatusCode != http.StatusOK:
		fail.Description = description
		return Response{}, retryAfter(res), fail
	case err != nil:
		fail.Err = fmt.Errorf("read answer: %w", err)
		return Response{}, 0, fail
	case description != "":
		fail.Description = description
		return Response{}, 0, fail
	}
	return resp, 0, nil
}

func retryAfter(res *http.Response) time.Duration {
	n, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// neverSent reports whether the connection was not even made.
func neverSent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns)
}

// cause drops the URL that http.Client adds.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
