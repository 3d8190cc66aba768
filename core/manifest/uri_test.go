package manifest_test

import (
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/manifest"
)

func TestCheckConnectionString(t *testing.T) {
	const encoded = "must be encoded"
	tests := map[string]struct{ uri, want string }{
		"OK":                    {"mongodb://u:s3cr3t@host:27017/db?authSource=admin", ""},
		"OKSRV":                 {"mongodb+srv://u:s3cr3t@cluster0.abcde.mongodb.net/?retryWrites=true&w=majority", ""},
		"OKNoUser":              {"mongodb://localhost", ""},
		"OKHosts":               {"mongodb://a:1,b:2,c/db?replicaSet=rs", ""},
		"OKIPv6":                {"mongodb://u:p@[::1]:27017", ""},
		"OKIPv6NoPort":          {"mongodb://[::1]", ""},
		"OKSocket":              {"mongodb://%2Ftmp%2Fmongodb-27017.sock/db", ""},
		"OKEncoded":             {"mongodb://u%40x:p%3A%2F@host", ""},
		"OKNoPassword":          {"mongodb://CN=x,OU=y@host/?authMechanism=MONGODB-X509", ""},
		"OKAWS":                 {"mongodb+srv://host/?authSource=%24external&authMechanism=MONGODB-AWS", ""},
		"OKAtInQuery":           {"mongodb://host/db?appName=a@b", ""},
		"ErrEmpty":              {"", "is empty"},
		"ErrScheme":             {"postgres://u:s3cr3t@host", "must begin with mongodb://"},
		"ErrNoScheme":           {"host:27017", "must begin with mongodb://"},
		"ErrUpperCase":          {"MongoDB://host", "must begin with mongodb://"},
		"ErrPlaceholder":        {"mongodb+srv://u:<db_password>@c.mongodb.net", "placeholder"},
		"ErrPlaceholderUser":    {"mongodb+srv://<username>:s3cr3t@c.mongodb.net", "placeholder"},
		"ErrSpace":              {"mongodb://u:s3cr3t s@host", "white space"},
		"ErrLineBreak":          {"mongodb://u:s3cr3t@host\n", "white space"},
		"ErrAtInPassword":       {"mongodb://u:s3cr3t@x@host", encoded},
		"ErrSlashInPassword":    {"mongodb://u:s3cr3t/x@host", encoded},
		"ErrColonInPassword":    {"mongodb://u:s3cr3t:x@host", encoded},
		"ErrHashInPassword":     {"mongodb://u:s3cr3t#x@host", encoded},
		"ErrQuestionInPassword": {"mongodb://u:s3cr3t?x@host", encoded},
		"ErrPercentInPassword":  {"mongodb://u:s3cr3t%x@host", encoded},
		"ErrPercentAtEnd":       {"mongodb://u:s3cr3t%@host", encoded},
		"ErrPercentHalf":        {"mongodb://u:s3cr3t%4@host", encoded},
		"ErrNoUser":             {"mongodb://:s3cr3t@host", "no user name"},
		"ErrNoHost":             {"mongodb://u:s3cr3t@/db", "names no host"},
		"ErrNothing":            {"mongodb://", "names no host"},
		"ErrEmptyHost":          {"mongodb://a,,b", "names no host"},
		"ErrPort":               {"mongodb://host:port", "not a number"},
		"ErrPortRange":          {"mongodb://host:65536", "not a number"},
		"ErrPortZero":           {"mongodb://host:0", "not a number"},
		"ErrSRVPort":            {"mongodb+srv://host:27017", "looks up by itself"},
		"ErrSRVHosts":           {"mongodb+srv://a,b", "looks up by itself"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := manifest.CheckConnectionString(manifest.Redacted(tt.uri))
			switch {
			case (err == nil) != (tt.want == ""):
				t.Errorf("error %v, want %q", err, tt.want)
			case err != nil && !strings.Contains(err.Error(), tt.want):
				t.Errorf("error %v, want %q", err, tt.want)
			case err != nil && strings.Contains(err.Error(), "s3cr3t"):
				t.Errorf("the secret is in the error: %v", err)
			}
		})
	}
}
