package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/local/stack"
)

// checkTimeout bounds the look at each side.
const checkTimeout = 30 * time.Second

type checkCmd struct {
	Config string `arg:"" optional:"" help:"The manifest." default:"causeway.yaml" type:"path" env:"CONFIG"`
}

func (checkCmd) Help() string {
	return `Reads the manifest and tells everything that is wrong with it, with line, reason and
mend. Then looks at both sides: those of the running stack, or MONGODB_URI and DITTO_URL
with DITTO_API_KEY. The exit status is 0 only if nothing is wrong; warnings do not count.

Examples:
  causeway check
  causeway check my.yaml
  MONGODB_URI='mongodb+srv://…' causeway check`
}

// finding is one thing that was looked at.
type finding struct {
	Side   string `json:"side"`   // manifest, mongodb, ditto
	Status string `json:"status"` // ok, warning, problem, skipped
	What   string `json:"what"`
	Mend   string `json:"mend,omitempty"`
}

const (
	statusOK      = "ok"
	statusWarning = "warning"
	statusProblem = "problem"
	statusSkipped = "skipped"
)

func (c checkCmd) Run(e *env) error {
	findings, err := c.findings(e)
	if err != nil {
		return err
	}
	problems := 0
	for _, f := range findings {
		if f.Status == statusProblem {
			problems++
		}
	}
	if e.json {
		err = e.printJSON(findings)
	} else {
		err = printFindings(e, findings)
	}
	if err == nil && problems > 0 {
		err = errReported
	}
	return err
}

func (c checkCmd) findings(e *env) ([]finding, error) {
	m, err := manifest.Load(c.Config)
	if err != nil {
		var all *manifest.Errors
		if !errors.As(err, &all) {
			return nil, err
		}
		var findings []finding
		for _, p := range all.Problems {
			findings = append(findings, finding{"manifest", statusProblem, fmt.Sprintf("%s:%d: %s: %s", all.File, p.Line, p.Path, p.What), p.Mend})
		}
		return findings, nil
	}
	findings := []finding{{"manifest", statusOK, fmt.Sprintf("%s: database %s, %d collections", c.Config, m.Database, len(m.Collections)), ""}}
	uri, ditto := os.Getenv("MONGODB_URI"), stack.Ditto{URL: os.Getenv("DITTO_URL"), APIKey: os.Getenv("DITTO_API_KEY")}
	info, err := e.info()
	switch {
	case err == nil:
		uri, ditto = cmp.Or(uri, info.MongoDB), info.Ditto
	case !errors.Is(err, stack.ErrNotRunning):
		return nil, err
	}
	ctx, cancel := context.WithTimeout(e.ctx, checkTimeout)
	defer cancel()
	if uri == "" {
		findings = append(findings, finding{"mongodb", statusSkipped, "not looked at", "start `make run`, or set MONGODB_URI"})
	} else {
		findings = append(findings, checkMongoDB(ctx, uri, m)...)
	}
	if ditto.URL == "" {
		findings = append(findings, finding{"ditto", statusSkipped, "not looked at", "start `make run`, or set DITTO_URL and DITTO_API_KEY"})
	} else if err := stack.CheckDitto(ctx, ditto, m); err != nil {
		findings = append(findings, finding{"ditto", statusProblem, err.Error(), ""})
	} else {
		findings = append(findings, finding{"ditto", statusOK, fmt.Sprintf("%s answers for %d collections", ditto.URL, len(m.Collections)), ""})
	}
	return findings, nil
}

func printFindings(e *env, findings []finding) error {
	marks := map[string]string{statusOK: "ok", statusWarning: "warning", statusProblem: "PROBLEM", statusSkipped: "skipped"}
	for _, f := range findings {
		if _, err := fmt.Fprintf(e.stdout, "%-8s  %-7s  %s\n", f.Side, marks[f.Status], f.What); err != nil {
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
