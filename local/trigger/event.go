package trigger

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

const (
	account  = "123456789012"
	region   = "us-east-1"
	source   = "aws.partner/mongodb.com/stitch.trigger/000000000000000000000000"
	resource = "arn:aws:events:" + region + "::event-source/" + source
)

// envelope is an EventBridge event, in the order in which it arrives.
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// Event is a change event as the trigger sends it to EventBridge, with
// Extended JSON enabled.
func Event(change bson.Raw, now time.Time) ([]byte, error) {
	detail, err := bson.MarshalExtJSON(change, true, false)
	if err != nil {
		return nil, fmt.Errorf("encode change event: %w", err)
	}
	ns, _ := change.Lookup("ns").DocumentOK()
	db, _ := ns.Lookup("db").StringValueOK()
	name := db
	if coll, ok := ns.Lookup("coll").StringValueOK(); ok {
		name += "." + coll
	}
	return json.Marshal(envelope{
		Version:    "0",
		ID:         newID(),
		DetailType: "MongoDB Database Trigger for " + name,
		Source:     source,
		Account:    account,
		Time:       now.UTC().Format(time.RFC3339),
		Region:     region,
		Resources:  []string{resource},
		Detail:     detail,
	})
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
