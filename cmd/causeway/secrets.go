package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"golang.org/x/term"

	"github.com/causeway-sync/causeway/cmd/causeway/internal/site"
	"github.com/causeway-sync/causeway/cmd/causeway/internal/upload"
	"github.com/causeway-sync/causeway/core/manifest"
)

type secretsCmd struct {
	Put secretsPut `cmd:"" help:"Upload a secret to AWS Secrets Manager."`
}

type secretsPut struct {
	What   string `arg:"" optional:"" help:"connection-string (default), api-key or webhook."`
	Config string `help:"The manifest, which names the secrets." default:"causeway.yaml" type:"path" env:"CONFIG"`

	Kafka       bool   `help:"Upload Ditto's certificates for Kafka instead."`
	Certificate string `help:"With --kafka: the user's certificate and key, PKCS#12." placeholder:"FILE.p12" type:"existingfile"`
	CA          string `help:"With --kafka: the cluster's CA, PKCS#12 or PEM." placeholder:"FILE" type:"existingfile" name:"ca"`
	Secret      string `help:"With --kafka: AWS secret of the client's certificate (default: kafka.secret of the Deployment, or causeway/<stack>/kafka)." placeholder:"NAME"`
	CASecret    string `help:"With --kafka: AWS secret of the CA (default: its kafka.caSecret, or causeway/<stack>/kafka-ca)." placeholder:"NAME" name:"ca-secret"`
}

func (secretsPut) Help() string {
	return `The connection string comes from the v1 Secret of the manifest, if it has one, else from
standard input, as do the others: asked for without echo at a terminal, never as an argument,
so that it is in no shell's history, and in no template. What is there already is not written
again; other fields of a JSON secret stay.

--kafka turns Ditto's PKCS#12 into the PEM that Lambda wants. The passwords come from
standard input, a line each: first the certificate's, then the CA's.

Examples:
  causeway secrets put
  causeway secrets put api-key
  pass show ditto/webhook | causeway secrets put webhook
  causeway secrets put --kafka --certificate user.p12 --ca cluster.p12`
}

// uploaded is what became of a secret, for scripts.
type uploaded struct {
	Secret string      `json:"secret"`
	Region string      `json:"region"`
	Done   upload.Done `json:"done"`
}

func (c secretsPut) Run(e *env) error {
	switch c.What {
	case "", "connection-string", "api-key", "webhook":
	default: // may be the secret itself, so it is not repeated
		return errors.New("the argument says which secret, connection-string, api-key or webhook; its value comes from standard input. " +
			"If you have just typed a secret, it is in your shell's history: remove it there, and change it")
	}
	m, err := manifest.Load(c.Config)
	if err != nil {
		return err
	}
	secrets, err := c.secrets(e, m)
	if err != nil {
		return err
	}
	cfg, err := site.AWS(e.ctx)
	if err != nil {
		return err
	}
	all := []uploaded{}
	for _, s := range secrets {
		region := cfg.Region
		if s.ID == m.Secret.ID {
			region = cmp.Or(m.Secret.Region, region)
		}
		client := secretsmanager.NewFromConfig(cfg, func(o *secretsmanager.Options) { o.Region = region })
		done, err := upload.Put(e.ctx, client, s)
		if err != nil {
			return err
		}
		all = append(all, uploaded{s.ID, region, done})
	}
	if e.json {
		return e.printJSON(all)
	}
	for _, u := range all {
		fmt.Fprintf(e.stdout, "%s in %s: %s\n", u.Secret, u.Region, u.Done)
	}
	return nil
}

// secrets are those to put, with their values.
func (c secretsPut) secrets(e *env, m *manifest.Manifest) ([]upload.Secret, error) {
	if c.Kafka {
		return c.kafka(e, m)
	}
	if c.Certificate != "" || c.CA != "" || c.Secret != "" || c.CASecret != "" {
		return nil, errors.New("--certificate, --ca, --secret and --ca-secret are for --kafka: add it")
	}
	switch c.What {
	case "", "connection-string":
		return connectionString(e, m)
	}
	if m.Deployment == nil {
		return nil, fmt.Errorf("%s has no Deployment, which names the secret: add it, see docs/configuration.md", c.Config)
	}
	s := upload.Secret{ID: m.Deployment.APIKey, Description: "Causeway: API key of Ditto"}
	if c.What == "webhook" {
		s = upload.Secret{ID: m.Deployment.Webhook, Description: "Causeway: secret of Ditto's webhook"}
	}
	if s.ID == "" {
		return nil, fmt.Errorf("%s names no ditto.webhookSecret: Ditto's changes come through Kafka alone", c.Config)
	}
	in := e.input()
	v, err := in.all(c.What)
	if err != nil {
		return nil, err
	}
	if c.What == "api-key" && strings.ContainsFunc(string(v), func(r rune) bool { return r <= ' ' || r > '~' }) && !strings.HasPrefix(string(v), "{") {
		return nil, errors.New("the API key holds white space, or characters that no API key has: give the key alone")
	}
	s.Value = v
	return []upload.Secret{s}, nil
}

// connectionString is that of the manifest's v1 Secret, or of standard input.
func connectionString(e *env, m *manifest.Manifest) ([]upload.Secret, error) {
	v := m.ConnectionString
	if v == "" {
		var err error
		if v, err = e.input().all("connection string"); err != nil {
			return nil, fmt.Errorf("%w; the manifest has no v1 Secret that holds it", err)
		}
		if err := manifest.CheckConnectionString(v); err != nil {
			return nil, err
		}
	}
	return []upload.Secret{{
		ID: m.Secret.ID, Description: "Causeway: connection string of MongoDB",
		Fields: map[string]manifest.Redacted{cmp.Or(m.Secret.Key, "connectionString"): v},
	}}, nil
}

func (c secretsPut) kafka(e *env, m *manifest.Manifest) ([]upload.Secret, error) {
	client, ca := c.Secret, c.CASecret
	switch {
	case c.What != "":
		return nil, fmt.Errorf("either %s or --kafka", c.What)
	case c.Certificate == "" && c.CA == "":
		return nil, errors.New("--kafka needs --certificate, the PKCS#12 of the user, --ca, the cluster's CA, or both")
	case m.Deployment != nil:
		prefix := "causeway/" + m.Deployment.Name + "/"
		var named manifest.Kafka
		if m.Deployment.Kafka != nil {
			named = *m.Deployment.Kafka
		}
		client = cmp.Or(client, named.Secret, prefix+"kafka")
		ca = cmp.Or(ca, named.CA, prefix+"kafka-ca")
	case c.Certificate != "" && c.Secret == "" || c.CA != "" && c.CASecret == "":
		return nil, fmt.Errorf("%s has no Deployment to name the secrets by: give --secret and --ca-secret", c.Config)
	}
	in := e.input()
	var out []upload.Secret
	add := func(file, id, description string, decode func([]byte, manifest.Redacted) (map[string]manifest.Redacted, error)) error {
		b, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read certificate: %w", err)
		}
		var password manifest.Redacted
		if !upload.IsPEM(b) {
			if password, err = in.line("password of " + file); err != nil {
				return err
			}
		}
		fields, err := decode(b, password)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		out = append(out, upload.Secret{ID: id, Description: description, Fields: fields})
		return nil
	}
	if c.Certificate != "" {
		err := add(c.Certificate, client, "Causeway: client certificate for Ditto's Kafka",
			func(b []byte, p manifest.Redacted) (map[string]manifest.Redacted, error) {
				return upload.ClientCertificate(b, p, time.Now())
			})
		if err != nil {
			return nil, err
		}
	}
	if c.CA != "" {
		err := add(c.CA, ca, "Causeway: CA of Ditto's Kafka", upload.RootCertificate)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// input is where secrets are read from.
type input struct {
	lines  *bufio.Reader
	prompt io.Writer
	fd     int // of a terminal; -1 for anything else
}

func (e *env) input() *input {
	in := &input{lines: bufio.NewReader(e.stdin), prompt: e.stderr, fd: -1}
	if f, ok := e.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		in.fd = int(f.Fd())
	}
	return in
}

// all is the whole input, or what is typed without echo.
func (in *input) all(what string) (manifest.Redacted, error) {
	if in.fd >= 0 {
		v, err := in.line(what)
		if v = manifest.Redacted(strings.TrimSpace(string(v))); err == nil && v == "" {
			err = fmt.Errorf("no %s was typed", what)
		}
		return v, err
	}
	const most = 64 << 10 // of a secret, by AWS
	b, err := io.ReadAll(io.LimitReader(in.lines, most+1))
	switch v := strings.TrimSpace(string(b)); {
	case err != nil:
		return "", fmt.Errorf("read %s from standard input: %w", what, err)
	case v == "":
		return "", fmt.Errorf("no %s: write it to standard input", what)
	case len(b) > most:
		return "", fmt.Errorf("the %s is over 64 KiB, which AWS Secrets Manager does not take", what)
	default:
		return manifest.Redacted(v), nil
	}
}

// line is the next line of the input, or what is typed without echo.
func (in *input) line(what string) (manifest.Redacted, error) {
	if in.fd >= 0 {
		fmt.Fprintf(in.prompt, "%s: ", what)
		b, err := term.ReadPassword(in.fd)
		fmt.Fprintln(in.prompt)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", what, err)
		}
		return manifest.Redacted(b), nil
	}
	s, err := in.lines.ReadString('\n')
	if err != nil && (!errors.Is(err, io.EOF) || s == "") {
		return "", fmt.Errorf("no %s: write it to standard input, in a line of its own", what)
	}
	return manifest.Redacted(strings.TrimRight(s, "\r\n")), nil
}
