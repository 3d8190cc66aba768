package ditto

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// answer is the union of what the endpoints answer. encoding/json takes names
// in any case, so mutatedDocumentIDs is read as well.
type answer struct {
	Txn     json.RawMessage   `json:"transactionId"`
	Items   []json.RawMessage `json:"items"`
	Mutated []json.RawMessage `json:"mutatedDocumentIds"`
	Error   json.RawMessage   `json:"error"`
	Message string            `json:"message"` // of an RpcError
}

// decode reads an answer's body. The description is empty for a success, whose
// `error` may be absent, null or an empty object.
func decode(body []byte, write bool) (r Response, description string, err error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return Response{}, "", syntaxOnly(err)
	}
	r = Response{Items: a.Items, Mutated: a.Mutated}
	r.Txn, _ = strconv.ParseInt(strings.Trim(string(a.Txn), `"`), 10, 64)
	if description = describe(a.Error); description == "" {
		description = a.Message
	}
	// JSON of somebody else's: taken for an answer to a read, it would say that
	// there are no documents. A write that is said to have mutated nothing is
	// looked at again anyway.
	ours := a.Items != nil || write && (a.Mutated != nil || a.Txn != nil || a.Error != nil)
	if description == "" && !ours {
		return Response{}, "", notJSON{}
	}
	return r, description, nil
}

// describe finds the message in an `error`: {"description": …}, {"message":
// …}, or a string.
func describe(e json.RawMessage) string {
	var text string
	if json.Unmarshal(e, &text) == nil {
		return text
	}
	var object struct{ Description, Message string }
	if json.Unmarshal(e, &object) != nil {
		return ""
	}
	if object.Description != "" {
		return object.Description
	}
	return object.Message
}

// notJSON is an answer that is none: a proxy's page, half an answer. What
// encoding/json says of it may quote it, so it is not kept.
type notJSON struct{ offset int64 }

func (e notJSON) Error() string {
	if e.offset == 0 {
		return "not the JSON of an answer"
	}
	return "not the JSON of an answer, at byte " + strconv.FormatInt(e.offset, 10)
}

func syntaxOnly(err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return notJSON{syntax.Offset}
	case errors.As(err, &typ):
		return notJSON{typ.Offset}
	}
	return notJSON{}
}
