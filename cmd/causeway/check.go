package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/causeway-sync/causeway/cmd/causeway/internal/site"
	coreditto "github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/preflight"
	"github.com/causeway-sync/causeway/local/stack"
)

type checkCmd struct {
	Stack  string `help:"Look at the sides of the deployed stack of this name, with its secrets." placeholder:"NAME"`
	Config string `arg:"" optional:"" help:"The manifest." default:"causeway.yaml" type:"path" env:"CONFIG"`
}

func (checkCmd) Help() string {
	return `Reads the manifest and tells everything that is wrong with it, with line, reason and
mend. Then looks at both sides: those of the running stack, or MONGODB_URI and DITTO_URL
with DITTO_API_KEY. To try the rights, it asks both for writes to a document that does not
exist; it changes nothing. The exit status is 0 only if nothing is wrong; warnings do not
count. With --stack it reads the secrets as the functions do, and looks from this machine:
a network that only the functions can use is not seen.

Examples:
  causeway check
  causeway check --stack example
  causeway check my.yaml
  MONGODB_URI='mongodb+srv://…' causeway check`
}

func (c checkCmd) Run(e *env) error {
	findings, err := c.findings(e)
	if err != nil {
		return err
	}
	if e.json {
		err = e.printJSON(findings)
	} else {
		err = printFindings(e, findings)
	}
	if err == nil && preflight.HasProblem(findings) {
		err = errReported
	}
	return err
}

func (c checkCmd) findings(e *env) ([]preflight.Finding, error) {
	m, err := manifest.Load(c.Config)
	if err != nil {
		var all *manifest.Errors
		if !errors.As(err, &all) {
			return nil, err
		}
		var findings []preflight.Finding
		for _, p := range all.Problems {
			what := fmt.Sprintf("%s:%d: %s: %s", all.File, p.Line, p.Path, p.What)
			findings = append(findings, preflight.Finding{Side: preflight.Manifest, Status: preflight.Problem, What: what, Mend: p.Mend})
		}
		return findings, nil
	}
	findings := []preflight.Finding{{
		Side: preflight.Manifest, Status: preflight.OK,
		What: fmt.Sprintf("%s: database %s, %d collections", c.Config, m.Database, len(m.Collections)),
	}}
	if c.Stack != "" {
		at, err := site.Deployed(e.ctx, c.Stack, c.Config)
		if err != nil {
			return nil, err
		}
		return append(findings, at.Checker().Run(e.ctx)...), nil
	}
	uri, ditto := os.Getenv("MONGODB_URI"), stack.Ditto{URL: os.Getenv("DITTO_URL"), APIKey: os.Getenv("DITTO_API_KEY")}
	info, err := e.info()
	switch {
	case err == nil:
		uri, ditto = cmp.Or(uri, info.MongoDB), info.Ditto
	case !errors.Is(err, stack.ErrNotRunning):
		return nil, err
	}
	check := preflight.Checker{Manifest: m, Endpoint: ditto.URL, Keys: coreditto.StaticKey(ditto.APIKey)}
	if uri != "" {
		check.ConnectionString = func(context.Context, bool) (string, error) { return uri, nil }
	}
	for _, f := range check.Run(e.ctx) {
		f.Mend = mendHere(f)
		findings = append(findings, f)
	}
	return findings, nil
}

// mendHere is f's mend where addresses and keys come from the environment, or
// from the running stack.
func mendHere(f preflight.Finding) string {
	from := func(name string) string {
		if os.Getenv(name) == "" {
			return f.Mend
		}
		return f.Mend + " (here it comes from " + name + ")"
	}
	switch f.Code {
	case preflight.NotLooked:
		switch f.Side {
		case preflight.MongoDB:
			return cmp.Or(f.Mend, "start `make run`, or set MONGODB_URI")
		case preflight.Ditto:
			return cmp.Or(f.Mend, "start `make run`, or set DITTO_URL and DITTO_API_KEY")
		}
		return cmp.Or(f.Mend, "nothing: the preflight of a deployment reads it")
	case preflight.ConnectionString, preflight.MongoUnavailable, preflight.MongoUnauthorized:
		return from("MONGODB_URI")
	case preflight.DittoEndpoint, preflight.DittoUnavailable:
		return from("DITTO_URL")
	case preflight.DittoUnauthorized, preflight.DittoForbidden:
		return from("DITTO_API_KEY")
	case preflight.APIKeySecret:
		return "set DITTO_API_KEY to an API key of that Ditto Server"
	}
	return f.Mend
}

func printFindings(e *env, findings []preflight.Finding) error {
	for _, f := range findings {
		mark := string(f.Status)
		if f.Status == preflight.Problem {
			mark = "PROBLEM"
		}
		if _, err := fmt.Fprintf(e.stdout, "%-8s  %-7s  %s\n", f.Side, mark, f.What); err != nil {
			return err
		}
		if f.Mend != "" {
			if _, err := fmt.Fprintf(e.stdout, "%-8s  %-7s  → %s\n", "", "", f.Mend); err != nil {
				return err
			}
		}
	}
	return nil
}
