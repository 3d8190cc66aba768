// Package leak finds secrets where none may be: in the output of the tests, and
// in the logs, queues and terminals of the stacks that they run (invariant 11).
// The secrets of the local stack are made so that they can be told from other
// text.
package leak

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Mark is how each secret of the local stack begins. Its length keeps base64
// what is base64.
const Mark = "CausewayLocalKey"

// Words are parts of every secret that a test uses: Mark, the password that
// tests write by hand, and the secret that signs the golden webhooks.
var Words = []string{Mark, "hunter2", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"}

// New makes a secret: an API key, or, since it is base64, a signing secret.
func New() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails
	return Mark + hex.EncodeToString(b)
}

// form is a spelling of a word.
type form struct {
	name string
	text []byte
}

var forms = allForms()

func allForms() (all []form) {
	for _, w := range Words {
		escaped := ""
		for _, c := range []byte(w) {
			escaped += fmt.Sprintf("%%%02X", c)
		}
		h := hex.EncodeToString([]byte(w))
		for name, text := range map[string]string{
			"as it is": w, "in hex": h, "in upper-case hex": strings.ToUpper(h), "URL-escaped": escaped, "URL-escaped in lower case": strings.ToLower(escaped),
		} {
			all = append(all, form{name, []byte(text)})
		}
		// What base64 makes of the word depends on how many bytes come before
		// it; the characters at its ends depend on the neighbours.
		for before := range 3 {
			from, whole := (before*8+5)/6, (before+len(w))*8/6
			for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				all = append(all, form{"in base64", []byte(e.EncodeToString([]byte(strings.Repeat("x", before) + w))[from:whole])})
			}
		}
	}
	return all
}

// Find says how a secret is spelled in text; empty if there is none.
func Find(text []byte) string {
	for _, f := range forms {
		if bytes.Contains(text, f.text) {
			return f.name
		}
	}
	return ""
}

// told are the lines by which `causeway run` tells its user the key of the
// engine that runs here: the key opens nothing else.
var told = [][]byte{[]byte("  API key    "), []byte(`--header "Authorization: bearer `)}

// Told reports whether line is one of those.
func Told(line []byte) bool {
	for _, t := range told {
		if bytes.Contains(line, t) {
			return true
		}
	}
	return false
}

// Check is an error for each line of text that has a secret, but for those by
// which the user is told. The error does not repeat it.
func Check(name string, text []byte) error {
	var errs []error
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for n := 1; lines.Scan(); n++ {
		if how := Find(lines.Bytes()); how != "" && !Told(lines.Bytes()) {
			errs = append(errs, fmt.Errorf("%s:%d: holds a secret, %s", name, n, how))
		}
	}
	return errors.Join(append(errs, lines.Err())...)
}

// Stack checks what a stack that was stopped left in its directory: its logs,
// and its dead letters. There must be logs.
func Stack(dir string) error {
	logs, err := filepath.Glob(filepath.Join(dir, "logs", "*"))
	if err == nil && len(logs) == 0 {
		err = fmt.Errorf("no logs in %s", dir)
	}
	errs := []error{err}
	for _, path := range append(logs, filepath.Join(dir, "data", "dead-letters.json")) {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		errs = append(errs, err, Check(path, text))
	}
	return errors.Join(errs...)
}
