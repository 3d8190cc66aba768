package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/causeway-sync/causeway/core/canary"
	"github.com/causeway-sync/causeway/local/stack"
)

// stopGrace is how long a stack may take to stop. It takes a few seconds, even
// with a batch that is being handled.
const stopGrace = 45 * time.Second

type runCmd struct {
	Config string `help:"The manifest." default:"causeway.yaml" type:"path" env:"CONFIG"`
	Port   int    `help:"First of seven ports in a row; 0 takes free ones." default:"${port}" env:"PORT"`
	Faults bool   `help:"Open fault injection of the Ditto server, for tests."`
}

func (runCmd) Help() string {
	return `Starts MongoDB (MONGODB_URI, a mongod, or SecantusDB), a Ditto server (DITTO_URL and
DITTO_API_KEY, or the engine from npm), the queues, and the functions that are deployed.
What is missing is installed first. Once ready, documents that were there before are copied
(initialSync: true), while events flow; an initial sync that a stop interrupts is carried on
at the next start. Needs Go, Node.js 20, Python 3.10 and no account.

Examples:
  causeway run
  causeway run --config my.yaml --port 0
  MONGODB_URI='mongodb+srv://…' causeway run
  DITTO_URL=https://…/app-id DITTO_API_KEY=… DITTO_WEBHOOK_SECRET=… causeway run`
}

func (c runCmd) Run(e *env) error {
	root, err := e.root()
	if err != nil {
		return err
	}
	s, err := stack.Start(e.ctx, stack.Options{
		Root: root, Config: c.Config, Dir: e.dir, Port: c.Port, Faults: c.Faults, Page: true, Beat: canary.Period, Out: e.stdout,
	})
	if err != nil {
		if e.ctx.Err() != nil {
			return errors.New("stopped before it was ready")
		}
		return err
	}
	err = s.Wait(e.ctx)
	fmt.Fprintln(e.stdout, "stopping …")
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	if err := errors.Join(err, s.Stop(ctx)); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "stopped; the data is kept, `make clean-data` removes it")
	return nil
}
