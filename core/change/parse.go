package change

import (
	"bytes"
	"encoding/json"

	"github.com/causeway-sync/causeway/core/docid"
)

// parseID stands in for docid.Parse until that is there.
func parseID(b []byte) (docid.ID, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", err
	}
	if v == nil {
		return "", errorf("is null")
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return docid.ID(bytes.TrimSpace(out.Bytes())), err
}
