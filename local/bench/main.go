package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"

	"github.com/causeway-sync/causeway/local/install"
)

// settings are what a person may choose.
type settings struct {
	rounds    int    // how often each figure is taken
	documents int    // in the collection and the ledger before live sync is measured
	changes   int    // of one round
	large     bool   // the cost of growth at 1,000,000 documents too
	profiles  string // a folder for CPU profiles of this program, one per measure
	batch     int    // messages of one invocation
	data      string // where the databases' files are
	root      string // the repository
}

// bench is one run of the program.
type bench struct {
	settings
	log   io.Writer
	rows  []row
	costs []cost
}

// measure is what BENCH chooses from.
type measure struct {
	name string
	run  func(context.Context, *bench) error
}

var measures = []measure{
	{"codec", codec},
	{"memory", inMemory},
	{"live", live},
	{"initial", initialSync},
	{"hot", hot},
	{"latency", latency},
	{"start", coldStart},
	{"steady", steady},
	{"growth", growth},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures what args choose, writes the tables to out, and what goes on to
// log.
func run(ctx context.Context, args []string, out, log io.Writer) error {
	b := &bench{log: log}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(log)
	choice := fs.String("run", "", "measure what matches this regular `expression`; everything by default")
	list := fs.Bool("list", false, "print the names of the measures")
	write := fs.String("write", "", "write the tables into this `file` too, between its bench marks")
	fs.IntVar(&b.rounds, "rounds", 5, "how often each figure is taken")
	fs.IntVar(&b.documents, "documents", 100_000, "documents in the collection and the ledger before live sync is measured")
	fs.IntVar(&b.changes, "changes", 5000, "changes of one round")
	fs.IntVar(&b.batch, "batch", 500, "messages that a function is handed at once, while rates are measured")
	fs.StringVar(&b.data, "data", memoryFolder(), "a `folder` for the databases; in memory where Linux has such, so that no disk is measured")
	fs.StringVar(&b.profiles, "profiles", "", "write a CPU profile of this program per measure into this `folder`")
	if err := fs.Parse(args); err != nil {
		return err
	}
	b.large = os.Getenv("CAUSEWAY_BENCH_LARGE") != ""
	chosen, err := regexp.Compile(*choice)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	if b.rounds < 1 || b.documents < 1 || b.changes < 1 {
		return errors.New("-rounds, -documents and -changes are at least 1")
	}
	if b.root, err = install.Root(""); err != nil {
		return err
	}
	for _, m := range measures {
		if !chosen.MatchString(m.name) {
			continue
		}
		if *list {
			fmt.Fprintln(out, m.name)
			continue
		}
		if err := b.one(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	if *list {
		return nil
	}
	if len(b.rows) == 0 {
		return fmt.Errorf("no measure matches %q: `-list` prints their names", *choice)
	}
	text := b.tables()
	fmt.Fprint(out, "\n", text)
	if *write == "" {
		return nil
	}
	return replaceMarked(*write, text)
}

// memoryFolder is one whose files stay in memory; the usual temporary one where
// there is none.
func memoryFolder() string {
	const shared = "/dev/shm"
	if info, err := os.Stat(shared); err == nil && info.IsDir() {
		return shared
	}
	return os.TempDir()
}

// one runs a measure, under the profiler if that is asked for.
func (b *bench) one(ctx context.Context, m measure) error {
	b.say("%s …", m.name)
	defer func(from time.Time) { b.say("%s: %s", m.name, time.Since(from).Round(time.Second)) }(time.Now())
	if b.profiles == "" {
		return m.run(ctx, b)
	}
	if err := os.MkdirAll(b.profiles, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(b.profiles, m.name+".pprof"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return m.run(ctx, b)
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.log, format+"\n", args...) }

// Marks around what -write replaces.
const (
	markBegin = "<!-- bench: written by `make bench WRITE=docs/performance.md` -->\n"
	markEnd   = "<!-- /bench -->"
)

// replaceMarked replaces what stands between the marks of a file.
func replaceMarked(path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(old), markBegin)
	_, after, closed := strings.Cut(rest, markEnd)
	if !ok || !closed {
		return fmt.Errorf("%s lacks the lines %q and %q, between which the tables are written", path, strings.TrimSpace(markBegin), markEnd)
	}
	return os.WriteFile(path, []byte(before+markBegin+"\n"+text+"\n"+markEnd+after), 0o644)
}
