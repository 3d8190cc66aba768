package lambda_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/causeway-sync/causeway/local/lambda"
)

func TestHTTPAPI(t *testing.T) {
	answered := 0
	srv := httptest.NewServer(&lambda.HTTPAPI{
		Function: function(t, "web", lambda.Config{}),
		Log:      slog.New(slog.DiscardHandler),
		Answered: func() { answered++ },
	})
	t.Cleanup(srv.Close)
	post := func(t *testing.T, path, contentType string, body []byte) (*http.Response, []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Ditto-Signature", "t=1,v1=00")
		req.Header.Add("X-Twice", "a")
		req.Header.Add("X-Twice", "b")
		req.Header.Set("Cookie", "k=v; l=w")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		out, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, out
	}

	t.Run("Text", func(t *testing.T) {
		res, out := post(t, "/echo?a=1&a=2&b=%20", "application/json; charset=utf-8", []byte(`{"x":1}`))
		if res.StatusCode != 202 || res.Header.Get("X-Answer") != "yes" {
			t.Errorf("status %d, headers %v", res.StatusCode, res.Header)
		}
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(out, &e); err != nil {
			t.Fatal(err)
		}
		if e.Version != "2.0" || e.Body != `{"x":1}` || e.IsBase64Encoded || e.RawPath != "/echo" ||
			e.RawQueryString != "a=1&a=2&b=%20" || e.QueryStringParameters["a"] != "1,2" ||
			e.Headers["ditto-signature"] != "t=1,v1=00" || e.Headers["x-twice"] != "a,b" ||
			strings.Join(e.Cookies, "|") != "k=v|l=w" || e.RequestContext.HTTP.Method != http.MethodPost ||
			e.RequestContext.HTTP.SourceIP != "127.0.0.1" || e.RequestContext.RequestID == "" {
			t.Errorf("event = %s", out)
		}
	})
	t.Run("Binary", func(t *testing.T) {
		body := []byte{0, 1, 255}
		_, out := post(t, "/echo", "application/octet-stream", body)
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(out, &e); err != nil {
			t.Fatal(err)
		}
		if !e.IsBase64Encoded || e.Body != base64.StdEncoding.EncodeToString(body) {
			t.Errorf("event = %s", out)
		}
	})
	t.Run("AnswerWithoutStatus", func(t *testing.T) {
		res, out := post(t, "/plain", "text/plain", nil)
		if res.StatusCode != 200 || string(out) != `{"hello":"world"}` || res.Header.Get("Content-Type") != "application/json" {
			t.Errorf("status %d, body %s", res.StatusCode, out)
		}
	})
	t.Run("ErrFunction", func(t *testing.T) {
		if res, out := post(t, "/none", "text/plain", nil); res.StatusCode != 500 || !strings.Contains(string(out), "Internal Server Error") {
			t.Errorf("status %d, body %s", res.StatusCode, out)
		}
	})
	t.Run("ErrOverTenMegabytes", func(t *testing.T) {
		if res, _ := post(t, "/echo", "text/plain", make([]byte, 10<<20+1)); res.StatusCode != 413 {
			t.Errorf("status %d, want 413", res.StatusCode)
		}
	})
	t.Run("ErrOverLambdasLimit", func(t *testing.T) {
		if res, _ := post(t, "/echo", "text/plain", bytes.Repeat([]byte("x"), lambda.MaxPayload)); res.StatusCode != 413 {
			t.Errorf("status %d, want 413", res.StatusCode)
		}
	})
	if answered != 5 {
		t.Errorf("answered = %d, want 5", answered)
	}
}
