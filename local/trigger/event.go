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

// Event is a change event as the trigger sends it to EventBridge, with
// Extended JSON enabled, and as that has it: in the order in which it arrives.
func Event(change bson.Raw, now time.Time) ([]byte, error) {
	detail, err := bson.MarshalExtJSON(change, true, false)
	if err != nil {
		return nil, fmt.Errorf("encode change event: %w", err)
	}
	ns, _ := change.Lookup("ns").DocumentOK()
	name, _ := ns.Lookup("db").StringValueOK()
	if coll, ok := ns.Lookup("coll").StringValueOK(); ok {
		name += "." + coll
	}
	detailType, err := json.Marshal("MongoDB Database Trigger for " + name)
	if err != nil {
		return nil, fmt.Errorf("encode change event: %w", err)
	}
	b := make([]byte, 0, 512+len(detail))
	b = append(b, `{"version":"0","id":"`...)
	b = append(b, newID()...)
	b = append(b, `","detail-type":`...)
	b = append(b, detailType...)
	b = append(b, `,"source":"`+source+`","account":"`+account+`","time":"`...)
	b = now.UTC().AppendFormat(b, time.RFC3339)
	b = append(b, `","region":"`+region+`","resources":["`+resource+`"],"detail":`...)
	b = append(b, detail...)
	return append(b, '}'), nil
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
