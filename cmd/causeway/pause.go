package main

import (
	"context"
	"fmt"
	"time"

	"github.com/causeway-sync/causeway/cmd/causeway/internal/site"
)

// switchTimeout is how long a worker may take to end what it handles, and AWS to
// switch: a minute or two.
const switchTimeout = 5 * time.Minute

type pauseCmd struct{ where }

func (pauseCmd) Help() string {
	return `Stops the sync in both directions, once what is being handled is done. Events go on being
queued; a queue keeps them for 14 days. Nothing is lost: resume goes on where it was. Runs are
not stopped, and the daily repair of a deployed stack is not started.

Of a deployed stack the canary is paused too, and its alarm says so after some minutes.

Examples:
  causeway pause
  causeway pause --stack example`
}

func (c pauseCmd) Run(e *env) error {
	return e.toggle(c.where, "paused: events are queued until `causeway resume", (*site.Switch).Pause)
}

type resumeCmd struct{ where }

func (resumeCmd) Help() string {
	return `Goes on after pause: what was queued meanwhile is handled, then what comes.

Examples:
  causeway resume
  causeway resume --stack example`
}

func (c resumeCmd) Run(e *env) error {
	return e.toggle(c.where, "running: what was queued is being handled, see `causeway status", (*site.Switch).Resume)
}

func (e *env) toggle(w where, done string, act func(*site.Switch, context.Context) error) error {
	at, err := e.site(w)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(e.ctx, switchTimeout)
	defer cancel()
	if err := act(at.Switch, ctx); err != nil {
		return err
	}
	if e.json {
		state, err := at.Switch.State(ctx)
		if err != nil {
			return err
		}
		return e.printJSON(map[string]site.State{"state": state})
	}
	if w.Stack != "" {
		done += " --stack " + w.Stack
	}
	_, err = fmt.Fprintf(e.stdout, "%s is %s`\n", at.Describe(), done)
	return err
}
