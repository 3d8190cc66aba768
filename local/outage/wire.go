package outage

import (
	"bytes"
	"encoding/binary"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Operations of MongoDB's wire protocol.
const (
	opReply = 1
	opQuery = 2004 // of the first handshake only
	opMsg   = 2013
)

// hello is what a primary without anybody behind it says.
var hello = bson.D{
	{Key: "ok", Value: 1.0},
	{Key: "helloOk", Value: true},
	{Key: "ismaster", Value: true},
	{Key: "isWritablePrimary", Value: true},
	{Key: "maxBsonObjectSize", Value: int32(16 << 20)},
	{Key: "maxMessageSizeBytes", Value: int32(48_000_000)},
	{Key: "maxWriteBatchSize", Value: int32(100_000)},
	{Key: "minWireVersion", Value: int32(0)},
	{Key: "maxWireVersion", Value: int32(21)},
	{Key: "setName", Value: "rs"},
	{Key: "logicalSessionTimeoutMinutes", Value: int32(30)},
}

func isHandshake(name string) bool {
	switch name {
	case "", "hello", "isMaster", "ismaster", "endSessions":
		return true
	}
	return false
}

// command is the name of a request's command, "" if there is none.
func command(frame []byte) string {
	at := 21 // header, flags, the section's kind
	switch binary.LittleEndian.Uint32(frame[12:]) {
	case opMsg:
	case opQuery:
		end := bytes.IndexByte(frame[20:], 0) // header, flags, the collection's name
		if end < 0 {
			return ""
		}
		at = 20 + end + 1 + 8
	default:
		return ""
	}
	if at > len(frame) {
		return ""
	}
	first, err := bson.Raw(frame[at:]).IndexErr(0)
	if err != nil {
		return ""
	}
	return first.Key()
}

// reply is doc as the answer to a request.
func reply(request []byte, doc bson.D) []byte {
	body, err := bson.Marshal(doc)
	if err != nil {
		panic(err) // a document of this package
	}
	var b []byte
	op := uint32(opMsg)
	head := make([]byte, 5) // flags, the section's kind
	if binary.LittleEndian.Uint32(request[12:]) == opQuery {
		op, head = opReply, make([]byte, 20)
		head[16] = 1 // documents
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(16+len(head)+len(body)))
	b = binary.LittleEndian.AppendUint32(b, 1)
	b = append(b, request[4:8]...)
	b = binary.LittleEndian.AppendUint32(b, op)
	return append(append(b, head...), body...)
}
