package events_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// receiverRow is one golden event of the receiver: what it answers and queues,
// and what the worker makes of that.
type receiverRow struct {
	files  []string
	given  []step
	answer string
	queue  []string // "txn": "now" is Ditto's present transaction
	worker outcome  // where there is something in the queue
}

// The receiver answers, and queues keys alone; what it queued makes the worker
// write what is needed, and nothing when the event came twice.
func TestReceiver(t *testing.T) { receivers(t, use(t)) }

func receivers(t *testing.T, w *world) {
	for _, r := range receiverRows {
		for _, file := range r.files {
			t.Run(file, func(t *testing.T) {
				w := w.in(t)
				w.clean()
				for _, do := range r.given {
					do(w)
				}
				payload := w.payload(file)
				for _, when := range []string{"first time", "second time"} {
					want := r.worker
					if when == "second time" {
						want.Writes, want.Claims = nil, 0
					}
					before := w.documents()
					before.Answer, before.Queue = r.answer, r.queue
					w.begin()
					w.compare(when+", receiver", before, w.finish(w.invoke(receiver, payload)))
					if len(r.queue) == 0 {
						continue
					}
					w.begin()
					w.compare(when+", worker", want, w.finish(w.invoke(dittoToMongo, w.batch())))
				}
			})
		}
	}
}

// While the queue takes no keys, a webhook is not acknowledged, and Kafka's
// records come again: Ditto's events are still Ditto's.
func TestQueueDown(t *testing.T) {
	w := use(t)
	w.clean()
	const name = "receiver-without-queue"
	w.start(name, dittoToMongo, "receiver", "nowhere")
	for file, want := range map[string]string{
		"ditto-to-mongo/receiver/webhook-insert": `503 {"accepted":0,"error":"keys cannot be queued now"}`,
		"ditto-to-mongo/receiver/kafka":          "fails: receive Kafka records: send to queue: ",
	} {
		payload := w.payload(file)
		w.begin()
		got := w.finish(w.invoke(name, payload))
		if !strings.HasPrefix(got.Answer, want) || got.Queue != nil {
			t.Errorf("%s: %s, queue %q, want %s", file, got.Answer, got.Queue, want)
		}
	}
}

// batch is what the queue held at the last finish, as Lambda hands it over.
func (w *world) batch() []byte {
	w.t.Helper()
	var e events.SQSEvent
	for _, m := range w.queued {
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: *m.MessageId, Body: *m.Body, EventSource: "aws:sqs",
			Attributes: map[string]string{"SentTimestamp": strconv.FormatInt(time.Now().UnixMilli(), 10)},
		})
	}
	b, err := json.Marshal(e)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// restampRequest is a golden event of the receiver as if it was sent now. Each
// signature that was right is right again; the others stay as wrong as they
// were.
func (w *world) restampRequest(file []byte) []byte {
	w.t.Helper()
	var e map[string]any
	if err := json.Unmarshal(file, &e); err != nil {
		w.t.Fatal(err)
	}
	if _, ok := e["records"]; ok {
		return w.restampRecords(file)
	}
	body, ok := e["body"].(string)
	if !ok {
		return file
	}
	raw := []byte(body)
	encoded, _ := e["isBase64Encoded"].(bool)
	if encoded {
		raw = decode(w.t, body)
	}
	now := []byte(w.renumber(string(raw)))
	headers := e["headers"].(map[string]any)
	if sig, ok := headers["ditto-signature"].(string); ok {
		headers["ditto-signature"] = w.sign(sig, raw, now)
	}
	e["body"] = string(now)
	if encoded {
		e["body"] = base64.StdEncoding.EncodeToString(now)
	}
	b, err := json.Marshal(e)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

var signature = regexp.MustCompile(`^t=(\d+)((?:,v1=[0-9a-f]+)+)$`)

// sign moves a signature of a body to the present time and body.
func (w *world) sign(sig string, was, is []byte) string {
	w.t.Helper()
	m := signature.FindStringSubmatch(sig)
	if m == nil {
		return sig
	}
	secs, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		w.t.Fatal(err)
	}
	t := strconv.FormatInt(time.Now().Unix()+secs-happened.Unix(), 10)
	return "t=" + t + strings.ReplaceAll(m[2], hmacOf(w.t, webhookKey, m[1], was), hmacOf(w.t, w.webhookKey, t, is))
}

// hmacOf is Ditto's signature over a time and a body.
func hmacOf(t *testing.T, key, at string, body []byte) string {
	t.Helper()
	mac := hmac.New(sha256.New, decode(t, key))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return fmt.Sprintf("%x", mac.Sum(nil))
}

var kafkaValue = regexp.MustCompile(`"value":\s*"([A-Za-z0-9+/=]+)"`)

func (w *world) restampRecords(file []byte) []byte {
	w.t.Helper()
	return kafkaValue.ReplaceAllFunc(w.restamp(file), func(m []byte) []byte {
		value := decode(w.t, string(kafkaValue.FindSubmatch(m)[1]))
		return fmt.Appendf(nil, `"value":%q`, base64.StdEncoding.EncodeToString([]byte(w.renumber(string(value)))))
	})
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
