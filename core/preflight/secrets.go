package preflight

import (
	"context"
	"errors"
	"strings"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/secret"
)

// readSecrets reads each secret. One that cannot be read is a problem here, and
// its side is not looked at.
func (r *run) readSecrets(ctx context.Context) {
	before := len(r.findings)
	r.noMongo = r.ConnectionString == nil || !r.readConnectionString(ctx)
	r.noDitto = r.Endpoint == "" || r.Keys == nil || !r.readAPIKey(ctx)
	switch {
	case r.Webhook == nil:
		r.add(Secrets, Skipped, NotLooked, "webhook secret: not looked at", "")
	default:
		if err := r.Webhook(ctx); err != nil {
			r.badSecret(WebhookSecret, "webhook secret", err)
		}
	}
	if r.Webhook != nil && len(r.findings) == before {
		r.ok(Secrets, "connection string, API key and webhook secret can be read")
	}
}

func (r *run) readConnectionString(ctx context.Context) bool {
	uri, err := r.ConnectionString(ctx, false)
	if err != nil {
		r.badSecret(ConnectionSecret, "connection string", err)
		return false
	}
	var bad *manifest.URIError
	if errors.As(manifest.CheckConnectionString(manifest.Redacted(uri)), &bad) {
		r.add(MongoDB, Problem, ConnectionString, invalidString+" "+bad.What, bad.Mend)
		return false
	}
	return true
}

func (r *run) readAPIKey(ctx context.Context) bool {
	key, err := r.Keys.Key(ctx, false)
	if err == nil {
		err = checkKey(strings.TrimSpace(key))
	}
	if err != nil {
		r.badSecret(APIKeySecret, "API key", err)
	}
	return err == nil
}

// checkKey tells what no HTTP header can carry.
func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("it is empty")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("it holds white space, or characters that no API key has")
	}
	return nil
}

func (r *run) badSecret(code Code, name string, err error) {
	what, mend := err.Error(), "store it anew, in the form of docs/configuration.md"
	var known *secret.Error
	if errors.As(err, &known) {
		if known.Mend != "" {
			mend = known.Mend
		} else {
			mend = "see that AWS Secrets Manager answers, and try again"
		}
		what = strings.TrimSuffix(what, " ("+known.Mend+")")
	}
	r.add(Secrets, Problem, code, name+": "+strings.TrimPrefix(what, name+": "), mend)
}
