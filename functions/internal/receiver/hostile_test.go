package receiver_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/functions/internal/receiver"
	"github.com/causeway-sync/causeway/functions/internal/webhook"
)

// sent is a request of the internet, and the answer that it deserves.
type sent struct {
	name    string
	body    string
	headers map[string]string
	base64  bool
	want    receiver.Answer
	queued  []string
}

func (s sent) test(t *testing.T) {
	t.Helper()
	h := newHarness()
	out, err := h.Invoke(t.Context(), webRequest(t, s.body, s.base64, s.headers))
	if err != nil {
		t.Fatal(err)
	}
	res := out.(events.APIGatewayV2HTTPResponse)
	var got receiver.Answer
	if err := json.Unmarshal([]byte(res.Body), &got); err != nil {
		t.Fatal(err)
	}
	got.Status = res.StatusCode
	if diff := cmp.Diff(s.want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(s.queued, h.queued()); diff != "" {
		t.Errorf("queued (-want +got):\n%s", diff)
	}
	if got.Status != http.StatusOK && len(h.queue.sent) > 0 {
		t.Errorf("answered %d, and queued %q", got.Status, h.queue.sent)
	}
	for _, secret := range []string{secretOne, strings.ToUpper(secretOne), hexOf(secretOne)} {
		if strings.Contains(h.log.String()+h.metrics.String()+res.Body, secret) {
			t.Errorf("the secret is shown:\n%s%s", h.log.String(), res.Body)
		}
	}
}

func hexOf(secret string) string {
	b, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(b)
}

func refused(err error) receiver.Answer { return receiver.Answer{Status: 401, Error: err.Error()} }

var accepted = receiver.Answer{Status: 200, Accepted: 1}

func TestHostileSignatures(t *testing.T) {
	body, other := event("a", 5), event("b", 6)
	u := strconv.FormatInt(now.Unix(), 10)
	sig, foreign := signature(t, body), signature(t, other)
	_, v1, _ := strings.Cut(sig, ",v1=")
	raw, err := hex.DecodeString(v1)
	if err != nil {
		t.Fatal(err)
	}
	with := func(v string) map[string]string { return map[string]string{"ditto-signature": v} }
	auth := func(v string) map[string]string { return map[string]string{"authorization": v} }
	key := []string{`upsert "a" 5`}
	for _, tc := range []sent{
		{"OfAnotherBody", body, with(foreign), false, refused(webhook.ErrMismatch), nil},
		{"BodyLonger", body + " ", with(sig), false, refused(webhook.ErrMismatch), nil},
		{"BodyShorter", body[:len(body)-1], with(sig), false, refused(webhook.ErrMismatch), nil},
		{"HexHalf", body, with(sig[:len(sig)-32]), false, refused(webhook.ErrMismatch), nil},
		{"HexDigitLess", body, with(sig[:len(sig)-1]), false, refused(webhook.ErrMalformed), nil},
		{"HexByteMore", body, with(sig + "00"), false, refused(webhook.ErrMismatch), nil},
		{"HexTwice", body, with(sig + v1), false, refused(webhook.ErrMismatch), nil},
		{"Zeros", body, with("t=" + u + ",v1=" + strings.Repeat("0", 64)), false, refused(webhook.ErrMismatch), nil},
		{"Empty", body, with("t=" + u + ",v1="), false, refused(webhook.ErrMismatch), nil},
		{"UpperHex", body, with("t=" + u + ",v1=" + strings.ToUpper(v1)), false, accepted, key},
		{"UpperHeader", body, map[string]string{"DITTO-SIGNATURE": sig}, false, accepted, key},
		{"UpperNames", body, with("T=" + u + ",V1=" + v1), false, refused(webhook.ErrMalformed), nil},
		{"InBase64", body, with("t=" + u + ",v1=" + base64.StdEncoding.EncodeToString(raw)), false, refused(webhook.ErrMalformed), nil},
		{"InURLBase64", body, with("t=" + u + ",v1=" + base64.RawURLEncoding.EncodeToString(raw)), false, refused(webhook.ErrMalformed), nil},
		{"BodyInBase64", body, with(sig), true, accepted, key},
		{"BodyInBase64Unsaid", base64.StdEncoding.EncodeToString([]byte(body)), with(sig), false, refused(webhook.ErrMismatch), nil},
		{"HeaderTwice", body, with(sig + "," + sig), false, refused(webhook.ErrMalformed), nil},
		{"HeaderTwiceForgedFirst", body, with(foreign + "," + sig), false, refused(webhook.ErrMalformed), nil},
		{"HeaderInTwoCases", body, map[string]string{"ditto-signature": sig, "Ditto-Signature": sig}, false, refused(webhook.ErrMalformed), nil},
		{"SeveralOneRight", body, with("t=" + u + ",v1=" + strings.Repeat("ab", 32) + ",v1=" + v1 + ",v1=00"), false, accepted, key},
		{"SeveralNoneRight", body, with(foreign + ",v1=" + strings.Repeat("ab", 32)), false, refused(webhook.ErrMismatch), nil},
		{"ThousandOneRight", body, with("t=" + u + strings.Repeat(",v1="+strings.Repeat("ab", 32), 1000) + ",v1=" + v1), false, accepted, key},
		{"SeveralOneNotHex", body, with(sig + ",v1=xyz"), false, refused(webhook.ErrMalformed), nil},
		{"SeveralTimes", body, with("t=" + u + "," + sig), false, refused(webhook.ErrMalformed), nil},
		{"OtherVersionsAlone", body, with("t=" + u + ",v0=" + v1 + ",v2=" + v1), false, refused(webhook.ErrMalformed), nil},
		{"TimeWithPoint", body, with("t=" + u + ".0,v1=" + v1), false, refused(webhook.ErrMalformed), nil},
		{"TimeOverflows", body, with("t=92233720368547758080,v1=" + v1), false, refused(webhook.ErrMalformed), nil},
		{"TimeFarOff", body, with("t=9223372036854775807,v1=" + v1), false, refused(webhook.ErrStale), nil},
		{"TimeNegative", body, with("t=-" + u + ",v1=" + v1), false, refused(webhook.ErrStale), nil},
		{"TimeInOtherDigits", body, with("t=١٧٦٣,v1=" + v1), false, refused(webhook.ErrMalformed), nil},
		{"NUL", body, with(sig + "\x00"), false, refused(webhook.ErrMalformed), nil},
		{"LineBreak", body, with("t=" + u + "\r\n,v1=" + v1), false, accepted, key},
		{"None", body, nil, false, refused(webhook.ErrUnsigned), nil},
		{"BlankHeader", body, with(""), false, refused(webhook.ErrUnsigned), nil},

		{"BearerNoToken", body, auth("Bearer"), false, refused(webhook.ErrUnsigned), nil},
		{"BearerPrefix", body, auth("Bearer " + secretOne[:16]), false, refused(webhook.ErrMismatch), nil},
		{"BearerLonger", body, auth("Bearer " + secretOne + "l"), false, refused(webhook.ErrMismatch), nil},
		{"BearerUpper", body, auth("Bearer " + strings.ToUpper(secretOne)), false, refused(webhook.ErrMismatch), nil},
		{"BearerNUL", body, auth("Bearer " + secretOne + "\x00"), false, refused(webhook.ErrMismatch), nil},
		{"BearerTwice", body, auth("Bearer " + secretOne + ",Bearer " + secretOne), false, refused(webhook.ErrMismatch), nil},
		{"BearerInBase64", body, auth("Bearer " + base64.StdEncoding.EncodeToString([]byte(secretOne))), false, refused(webhook.ErrMismatch), nil},
		{"BearerInBasic", body, auth("Basic " + secretOne), false, refused(webhook.ErrUnsigned), nil},
		{"BearerWrongBesideSignature", body, map[string]string{"authorization": "Bearer x", "ditto-signature": sig}, false, accepted, key},
		{"BearerInDittosHeader", body, with("Bearer " + secretOne), false, refused(webhook.ErrMalformed), nil},
	} {
		t.Run(tc.name, tc.test)
	}
	for seconds, want := range map[int]receiver.Answer{
		0: accepted, 299: accepted, -299: accepted, 300: accepted, -300: accepted,
		301: refused(webhook.ErrStale), -301: refused(webhook.ErrStale), 86400: refused(webhook.ErrStale), -86400: refused(webhook.ErrStale),
	} {
		var queued []string
		if want.Status == 200 {
			queued = key
		}
		req := signed(t, secretOne, body, now.Add(time.Duration(seconds)*time.Second))
		t.Run(fmt.Sprintf("Skew%+d", seconds), sent{"", body, with(req.Header("ditto-signature")), false, want, queued}.test)
	}
}

func TestHostileBodies(t *testing.T) {
	unread := func(reason string) receiver.Answer { return receiver.Answer{Status: 400, Unread: 1, Error: reason} }
	// doc is an event of a document, of which js is the value.
	doc := func(js string) string {
		return `{"txnId":5,"type":"documentChanged","collection":"tasks","change":{"method":"upsert","newValue":` + js + `}}`
	}
	nested := func(open, js, shut string, n int) string {
		return strings.Repeat(open, n) + js + strings.Repeat(shut, n)
	}
	in64 := func(s string) string { return `"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"` }
	key := []string{`upsert "a" 5`}
	const notJSON = "event is not JSON"
	for _, tc := range []sent{
		{name: "TenMegabytes", body: strings.Repeat(" ", 10<<20), want: receiver.Answer{Status: 413, Error: "body is over 6 MiB"}},
		{name: "OneByteOver", body: doc(`{"_id":"a"}`) + strings.Repeat(" ", receiver.MaxBody+1-len(doc(`{"_id":"a"}`))), want: receiver.Answer{Status: 413, Error: "body is over 6 MiB"}},
		{name: "AsLargeAsMayBe", body: doc(`{"_id":"a"}`) + strings.Repeat(" ", receiver.MaxBody-len(doc(`{"_id":"a"}`))), want: accepted, queued: key},
		{name: "LargeDocument", body: doc(`{"_id":"a","x":"` + strings.Repeat("x", 5<<20) + `"}`), want: accepted, queued: key},
		{name: "DeepArrays", body: doc(`{"_id":"a","x":` + nested("[", "1", "]", 1000) + "}"), want: accepted, queued: key},
		{name: "DeepObjects", body: doc(`{"x":` + nested(`{"x":`, "1", "}", 1000) + `,"_id":"a"}`), want: accepted, queued: key},
		{name: "DeepID", body: doc(`{"_id":` + nested("[", "1", "]", 1000) + "}"), want: unread("ditto event of tasks: _id: the Ditto _id is malformed: nested too deeply")},
		{name: "DeepEvents", body: nested("[", "", "]", 1000), want: unread("ditto event: type is neither documentChanged nor requeryRequired")},
		{name: "DeeperThanJSON", body: doc(`{"_id":"a","x":` + nested("[", "1", "]", 100_000) + "}"), want: unread(notJSON)},
		{name: "UnclosedArrays", body: strings.Repeat("[", 6<<20), want: unread(notJSON)},
		{name: "Truncated", body: doc(`{"_id":"a"}`)[:90], want: unread(notJSON)},
		{name: "Doubled", body: doc(`{"_id":"a"}`) + doc(`{"_id":"a"}`), want: unread(notJSON)},
		{name: "TwoLines", body: doc(`{"_id":"a"}`) + "\n" + doc(`{"_id":"b"}`), want: unread(notJSON)},
		{name: "BadUTF8ID", body: doc("{\"_id\":\"a\xff\"}"), base64: true, want: unread(notJSON)},
		{name: "BadUTF8Value", body: doc("{\"_id\":\"a\",\"x\":\"\xc3\x28\"}"), base64: true, want: unread(notJSON)},
		{name: "BadUTF8Name", body: doc("{\"_id\":\"a\",\"\xed\xa0\x80\":1}"), base64: true, want: unread(notJSON)},
		{name: "BadUTF8Wrapped", body: doc(in64("{\"_id\":\"a\xff\"}")), want: unread("ditto event of tasks: _id: the Ditto _id is malformed: not valid JSON: byte 0: a string that is not UTF-8")},
		{name: "LoneSurrogate", body: doc(`{"_id":"\ud800"}`), want: unread("ditto event of tasks: _id: the Ditto _id is malformed: not valid JSON: byte 1: half a surrogate pair")},
		{name: "UTF16", body: "\xff\xfe{\x00}\x00", base64: true, want: unread(notJSON)},
		{name: "ByteOrderMark", body: "\xef\xbb\xbf" + doc(`{"_id":"a"}`), want: accepted, queued: key},
		// Of a name that is repeated the last counts, as in Ditto.
		{name: "TwoIDs", body: doc(`{"_id":"b","_id":"a"}`), want: accepted, queued: key},
		{name: "TwoIDsLastNull", body: doc(`{"_id":"a","_id":null}`), want: unread("ditto event of tasks: the document has no _id")},
		{name: "TwoValues", body: doc(`{"_id":"b"},"newValue":{"_id":"a"}`), want: accepted, queued: key},
		{name: "TwoSpellings", body: doc(`{"_id":"b"},"new_value":{"_id":"a"}`), want: accepted, queued: key},
		{name: "EscapedSpelling", body: doc(`{"_id":"b","\u005fid":"a"}`), want: accepted, queued: key},
		{name: "TwoMethods", body: doc(`{"_id":"a"},"method":"remove"`), want: accepted, queued: []string{`remove "a" 5`}},
		{name: "TwoCollections", body: strings.Replace(doc(`{"_id":"a"}`), `"txnId"`, `"collection":"__causeway_ledger","txnId"`, 1), want: accepted, queued: key},
		{name: "TwoTypes", body: strings.Replace(doc(`{"_id":"a"}`), `"type"`, `"type":"requeryRequired","type"`, 1), want: accepted, queued: key},
		{name: "IDNull", body: doc(`{"_id":null}`), want: unread("ditto event of tasks: the document has no _id")},
		{name: "IDOfNUL", body: doc(`{"_id":"\u0000"}`), want: accepted, queued: []string{`upsert "\u0000" 5`}},
		{name: "IDBreaksDQL", body: doc("{\"_id\":\"a`' OR 1=1 --\\\"\"}"), want: accepted, queued: []string{"upsert \"a`' OR 1=1 --\\\"\" 5"}},
		{name: "IDIsOperator", body: doc(`{"_id":{"$where":"sleep(1)"}}`), want: accepted, queued: []string{`upsert {"$where":"sleep(1)"} 5`}},
		{name: "TxnOverflows", body: strings.Replace(doc(`{"_id":"a"}`), `:5,`, `:1e40,`, 1), want: unread("ditto event: txnId is not an integer")},
		{name: "AtlasEvent", body: `{"operationType":"delete","ns":{"db":"test-db","coll":"tasks"},"documentKey":{"_id":"a"}}`, want: unread("ditto event: type is neither documentChanged nor requeryRequired")},
		{name: "QueueMessage", body: `{"v":1,"collection":"tasks","mongoId":"a","op":"remove"}`, want: unread("ditto event: type is neither documentChanged nor requeryRequired")},
		{name: "Ledger", body: strings.Replace(doc(`{"_id":"a"}`), `"tasks"`, `"__causeway_ledger"`, 1), want: receiver.Answer{Status: 200, Ignored: 1}},
	} {
		tc.headers = map[string]string{"ditto-signature": signature(t, tc.body)}
		t.Run(tc.name, tc.test)
		t.Run(tc.name+"/Unsigned", func(t *testing.T) {
			tc.headers, tc.queued = nil, nil
			if tc.want.Status != 413 {
				tc.want = refused(webhook.ErrUnsigned)
			}
			tc.test(t)
		})
	}
}

// What is not signed costs no more memory than to hold it.
func TestHostileMemory(t *testing.T) {
	for name, body := range map[string]string{
		"Deep": strings.Repeat("[", 6<<20),
		"Wide": "[" + strings.Repeat("5,", 3<<20-2) + "5]",
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness()
			req := receiver.Request{Body: []byte(body), Header: func(string) string { return "" }}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			a := h.Webhook(t.Context(), req)
			runtime.ReadMemStats(&after)
			if spent := after.TotalAlloc - before.TotalAlloc; a.Status != 401 || spent > 1<<20 {
				t.Errorf("answer %+v after %d bytes", a, spent)
			}
		})
	}
}
