// Command causeway runs Causeway on one machine, checks a configuration,
// invokes the functions, and shows what is synced and what is not.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/stack"
)

const description = `Causeway keeps MongoDB Atlas and Ditto in sync, both ways.

  causeway run                                       everything on this machine
  causeway check                                     is my configuration right?
  causeway status                                    is it healthy, how far behind?
  causeway verify                                    do both sides agree?
  causeway repair                                    settle what an event was lost of
  causeway invoke mongo-to-ditto EVENT.json          one event through the real function`

// program is the command line.
type program struct {
	Dir  string `help:"Folder of the local stack (default: .causeway of the repository)." type:"path" placeholder:"DIR"`
	JSON bool   `help:"Print JSON, for scripts." name:"json"`

	Run       runCmd       `cmd:"" help:"Start everything on this machine, until Ctrl-C."`
	Check     checkCmd     `cmd:"" help:"Check the manifest, then MongoDB and Ditto."`
	Invoke    invokeCmd    `cmd:"" help:"Run a function on one event."`
	Sync      syncCmd      `cmd:"" help:"Copy what was there before the first event."`
	Verify    verifyCmd    `cmd:"" help:"Compare both sides, and write nothing."`
	Repair    repairCmd    `cmd:"" help:"Settle every pair, or some: what an event was lost of."`
	Runs      runsCmd      `cmd:"" help:"Syncs, verifications and repairs: what they found."`
	Status    statusCmd    `cmd:"" help:"Show per collection what is synced, and the queues."`
	Unsynced  unsyncedCmd  `cmd:"" help:"Documents that cannot be synced."`
	Conflicts conflictsCmd `cmd:"" help:"Values that lost a conflict."`
	Redrive   redriveCmd   `cmd:"" help:"Put dead letters back into their queues."`
	Pause     pauseCmd     `cmd:"" help:"Stop taking messages; events go on being queued."`
	Resume    resumeCmd    `cmd:"" help:"Go on after pause."`
	Secrets   secretsCmd   `cmd:"" help:"Upload secrets to AWS."`
	Trigger   triggerCmd   `cmd:"" help:"The Atlas trigger that a deployment needs."`
	Install   installCmd   `cmd:"" help:"Install what is missing, and start nothing."`
}

// env is what the commands share.
type env struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	dir    string
	json   bool
}

// errReported ends the program with status 1 when everything has been said.
var errReported = errors.New("reported")

func main() {
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// A second Ctrl-C ends the program at once; its children end with it.
	context.AfterFunc(ctx, release)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program: its exit status is 0 only on success.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (status int) {
	var p program
	exited := false
	parser, err := kong.New(&p,
		kong.Name("causeway"),
		kong.Description(description),
		kong.UsageOnError(),
		kong.Vars{"port": strconv.Itoa(stack.DefaultPort)},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited, status = true, code }),
	)
	if err != nil {
		fmt.Fprintln(stderr, "causeway:", err)
		return 2
	}
	kctx, err := parser.Parse(args)
	if exited { // --help
		return status
	}
	if err != nil {
		parser.FatalIfErrorf(err)
		return 2
	}
	e := &env{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, dir: p.Dir, json: p.JSON}
	if err := kctx.Run(e); err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintln(stderr, "causeway:", err)
		}
		return 1
	}
	return 0
}

// root is the repository, and sets the stack's folder unless it was given.
func (e *env) root() (string, error) {
	root, err := install.Root("")
	if err != nil {
		return "", err
	}
	if e.dir == "" {
		e.dir = filepath.Join(root, ".causeway")
	}
	return root, nil
}

// info is what the running local stack says of itself.
func (e *env) info() (*stack.Info, error) {
	if _, err := e.root(); err != nil && e.dir == "" {
		return nil, err
	}
	return stack.ReadInfo(e.dir)
}
