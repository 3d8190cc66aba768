package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Limits of an HTTP API.
const (
	httpTimeout = 30 * time.Second
	httpMaxBody = 10 << 20
)

// HTTPAPI is an API Gateway HTTP API with one route, ANY, to a function: the
// event has payload format 2.0.
type HTTPAPI struct {
	Function Invoker
	Log      *slog.Logger
	Answered func() // called after each answer of the function; may be nil
}

// ServeHTTP passes the request to the function.
func (a *HTTPAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, httpMaxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			answer(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		} else {
			answer(w, http.StatusBadRequest, "Bad Request")
		}
		return
	}
	event, err := json.Marshal(request(r, body, time.Now()))
	if err != nil {
		answer(w, http.StatusBadRequest, "Bad Request")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), httpTimeout)
	defer cancel()
	out, err := a.Function.Invoke(ctx, event)
	if a.Answered != nil {
		defer a.Answered()
	}
	switch {
	case errors.Is(err, ErrTooLarge):
		answer(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	case errors.Is(err, context.DeadlineExceeded):
		answer(w, http.StatusServiceUnavailable, "Service Unavailable")
	case err != nil:
		a.Log.Warn("web request failed", "error", err)
		answer(w, http.StatusInternalServerError, "Internal Server Error")
	default:
		respond(w, out)
	}
}

// request is the event, payload format 2.0.
func request(r *http.Request, body []byte, now time.Time) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{
		Version:        "2.0",
		RouteKey:       "$default",
		RawPath:        r.URL.EscapedPath(),
		RawQueryString: r.URL.RawQuery,
		Headers:        map[string]string{"host": r.Host},
	}
	for name, values := range r.Header {
		name = strings.ToLower(name)
		if name == "cookie" {
			for _, v := range values {
				e.Cookies = append(e.Cookies, strings.Split(v, "; ")...)
			}
			continue
		}
		e.Headers[name] = strings.Join(values, ",")
	}
	if query := r.URL.Query(); len(query) > 0 {
		e.QueryStringParameters = map[string]string{}
		for name, values := range query {
			e.QueryStringParameters[name] = strings.Join(values, ",")
		}
	}
	sourceIP, _, _ := net.SplitHostPort(r.RemoteAddr)
	e.RequestContext = events.APIGatewayV2HTTPRequestContext{
		RouteKey:     "$default",
		AccountID:    Account,
		APIID:        "local",
		Stage:        "$default",
		RequestID:    newID(),
		DomainName:   r.Host,
		DomainPrefix: "local",
		Time:         now.UTC().Format("02/Jan/2006:15:04:05 -0700"),
		TimeEpoch:    now.UnixMilli(),
		HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
			Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: sourceIP, UserAgent: r.UserAgent(),
		},
	}
	if isText(r.Header.Get("Content-Type")) {
		e.Body = string(body)
	} else if len(body) > 0 {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// isText tells the bodies that an HTTP API passes on as text from those that it
// encodes in base64.
func isText(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return contentType == ""
	}
	return strings.HasPrefix(t, "text/") || t == "application/json" || t == "application/xml" ||
		t == "application/javascript" || strings.HasSuffix(t, "+json") || strings.HasSuffix(t, "+xml")
}

// respond writes what the function answered: a response of format 2.0 if it
// has a statusCode, else the answer itself as JSON.
func respond(w http.ResponseWriter, out []byte) {
	var res struct {
		StatusCode *int
		Headers    map[string]string
		Body       string
		Cookies    []string
		Base64     bool `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(out, &res); err != nil || res.StatusCode == nil {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(out)
		return
	}
	body := []byte(res.Body)
	if res.Base64 {
		decoded, err := base64.StdEncoding.DecodeString(res.Body)
		if err != nil {
			answer(w, http.StatusInternalServerError, "Internal Server Error")
			return
		}
		body = decoded
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for name, value := range res.Headers {
		w.Header().Set(name, value)
	}
	for _, cookie := range res.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.WriteHeader(*res.StatusCode)
	_, _ = w.Write(body)
}

func answer(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}
