package leak_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/local/leak"
)

// The check bites: on every spelling of every secret.
func TestFind(t *testing.T) {
	escape := func(s string) string {
		out := ""
		for _, c := range []byte(s) {
			out += "%" + hex.EncodeToString([]byte{c})
		}
		return out
	}
	for _, word := range leak.Words {
		for name, text := range map[string]string{
			"Plain":       "mongodb://user:" + word + "@host",
			"Query":       url.QueryEscape("mongodb://user:" + word + "@host"),
			"Escaped":     escape("user:" + word + "@host"),
			"EscapedUp":   strings.ToUpper(escape(word)),
			"Hex":         hex.EncodeToString([]byte("x" + word)),
			"HexUp":       strings.ToUpper(hex.EncodeToString([]byte(word))),
			"Base64":      base64.StdEncoding.EncodeToString([]byte(word)),
			"Base64One":   base64.StdEncoding.EncodeToString([]byte("\xff" + word + "\xff")),
			"Base64Two":   base64.URLEncoding.EncodeToString([]byte("\xff\xff" + word + "??")),
			"Base64Later": base64.RawURLEncoding.EncodeToString([]byte(`{"connectionString":"mongodb://u:` + word + `@h"}`)),
		} {
			if leak.Find([]byte(`level=INFO msg="`+text+`"`)) == "" {
				t.Errorf("%s of %q is not found", name, word)
			}
		}
	}
	for _, clean := range []string{"", "level=INFO msg=hunter", "causewaylocalkey", "AAECAwQFBgcI"} {
		if how := leak.Find([]byte(clean)); how != "" {
			t.Errorf("%q holds a secret, %s", clean, how)
		}
	}
}

func TestNew(t *testing.T) {
	a, b := leak.New(), leak.New()
	if _, err := base64.StdEncoding.DecodeString(a); err != nil || a == b || leak.Find([]byte(a)) == "" {
		t.Errorf("%q, %q, %v", a, b, err)
	}
}

// A secret that is planted into a log, or into a dead letter, is found; what the
// user is told is not one.
func TestStack(t *testing.T) {
	secret := leak.New()
	for name, c := range map[string]struct{ file, text, want string }{
		"Clean":      {"logs/ditto.log", "level=INFO msg=received\n", ""},
		"Log":        {"logs/ditto-to-mongo.log", "level=INFO msg=received\nlevel=WARN msg=\"401 for Bearer " + secret + "\"\n", "ditto-to-mongo.log:2: "},
		"DeadLetter": {"data/dead-letters.json", `{"q":["{\"v\":1,\"apiKey\":\"` + secret + `\"}"]}`, "dead-letters.json:1: "},
		"Told":       {"logs/run.log", "  API key    " + secret + "\n    --header \"Authorization: bearer " + secret + "\" \\\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for path, text := range map[string]string{"logs/other.log": "quiet\n", c.file: c.text} {
				path = filepath.Join(dir, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			switch err := leak.Stack(dir); {
			case (err != nil) != (c.want != ""):
				t.Errorf("error %v", err)
			case err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret)):
				t.Errorf("error %v, want one about %q that does not repeat it", err, c.want)
			}
		})
	}
	if leak.Stack(t.TempDir()) == nil {
		t.Error("a stack without logs passes")
	}
}
