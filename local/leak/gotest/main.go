// Gotest runs `go test` with its arguments, shows what go test shows, and fails
// also when a secret is in the output of any test, shown or not (invariant 11).
// With -v it shows what tests that passed say too.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/causeway-sync/causeway/local/leak"
)

func main() { os.Exit(run(os.Stdout, os.Stderr, "", os.Args[1:]...)) }

// run is go test in dir, and the status to exit with.
func run(stdout, stderr io.Writer, dir string, args ...string) int {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Dir, cmd.Stderr = dir, stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(stderr, "run go test:", err)
		return 2
	}
	r := reader{out: stdout, all: slices.Contains(args, "-v"), kept: map[test][]string{}, tails: map[test]string{}}
	readErr := r.read(out)
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil || readErr != nil:
		fmt.Fprintln(stderr, "run go test:", errors.Join(err, readErr))
		return 2
	case r.leaks > 0:
		return 1
	}
	return 0
}

// test is a test, or a package where the name is empty.
type test struct{ pkg, name string }

// event is a line of `go test -json`.
type event struct{ Action, Package, Test, Output string }

// reader turns the events into what go test shows.
type reader struct {
	out   io.Writer
	all   bool              // show the output of tests that passed
	kept  map[test][]string // output of tests that are not over
	tails map[test]string   // its end: a line may come in pieces
	leaks int
}

func (r *reader) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *reader) line(line []byte) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil { // what the go command itself says
		e = event{Action: "output", Output: string(line)}
	}
	t := test{e.Package, e.Test}
	switch e.Action {
	case "output", "build-output":
		r.look(t, e.Output)
		switch {
		case t.name != "":
			r.kept[t] = append(r.kept[t], e.Output)
		case e.Output != "PASS\n":
			fmt.Fprint(r.out, e.Output)
		}
	case "fail":
		for k, text := range r.kept {
			if k == t || t.name == "" && k.pkg == t.pkg {
				r.show(text)
			}
		}
		delete(r.kept, t)
	case "pass", "skip":
		if r.all {
			r.show(r.kept[t])
		}
		delete(r.kept, t)
	}
}

func (r *reader) show(text []string) {
	for _, s := range text {
		if !strings.HasPrefix(s, "=== ") {
			fmt.Fprint(r.out, s)
		}
	}
}

// look searches a piece of output, together with the end of what came before
// on the same line.
func (r *reader) look(t test, piece string) {
	line := r.tails[t] + piece
	if how := leak.Find([]byte(line)); how != "" && !leak.Told([]byte(line)) {
		r.leaks++
		fmt.Fprintf(r.out, "LEAK: %s %s prints a secret, %s\n", t.pkg, t.name, how)
		line = ""
	}
	if strings.HasSuffix(line, "\n") {
		line = ""
	}
	r.tails[t] = line
}
