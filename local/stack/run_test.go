package stack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/local/leak"
	"github.com/causeway-sync/causeway/local/stack"
)

// The guide prints two manifests, with a Kubernetes Secret and with AWS
// Secrets Manager, and a walkthrough: both must work as printed, from the
// command that people use. Ctrl-C must leave no process behind.
func TestMakeRun(t *testing.T) {
	for _, secret := range []string{
		"kubernetesSecret:\n          name: example-mongo-connector",
		"awsSecretsManager:\n          secretId: dittocluster/app-id/mongo-connector\n" +
			"          roleArn: arn:aws:iam::123456789012:role/dittocluster/mongo-connector-app-id\n          region: us-east-1",
	} {
		kind, _, _ := strings.Cut(secret, ":")
		t.Run(kind, func(t *testing.T) {
			r := makeRun(t, guideManifest(t, secret))
			printed := r.awaitReady(t)
			w := open(t, *r.info(t))
			cmds := commands(printed)
			if len(cmds) != 4 {
				t.Fatalf("%d commands were printed, want 4:\n%s", len(cmds), printed)
			}
			curl(t, cmds[0])
			await(t, "task-001 in MongoDB", `{"_id":"task-001","status":"active","title":"Complete documentation"}`,
				func() string { return w.mongo("tasks", d("_id", "task-001")) })
			if out := shell(t, cmds[1]); !strings.Contains(out, "Complete documentation") {
				t.Errorf("%s\nprinted %s", cmds[1], out)
			}
			if out := shell(t, cmds[2]); !strings.Contains(out, "acknowledged: true") {
				t.Errorf("%s\nprinted %s", cmds[2], out)
			}
			await(t, "task-002 in Ditto", `[{"_id":"task-002","status":"pending","title":"Review PR"}]`, func() string {
				items, err := json.Marshal(curl(t, cmds[3]))
				if err != nil {
					t.Fatal(err)
				}
				return string(items)
			})
			t.Run("ErrStartedTwice", func(t *testing.T) {
				_, err := stack.Start(t.Context(), stack.Options{Root: repository(t), Config: r.config, Dir: r.dir})
				if err == nil || !strings.Contains(err.Error(), "process "+strconv.Itoa(w.info.PID)) {
					t.Errorf("error = %v, want one that names the process", err)
				}
			})
			r.interrupt(t)
		})
	}
}

// Killed without a chance to stop anything, it leaves no process behind
// either, and carries on with the data that it had.
func TestMakeRunKilled(t *testing.T) {
	r := makeRun(t, guideManifest(t, "kubernetesSecret:\n          name: example-mongo-connector"))
	r.awaitReady(t)
	w := open(t, *r.info(t))
	w.dql("v5", "INSERT INTO tasks DOCUMENTS (:d)", "d", map[string]any{"_id": "a", "n": 1})
	await(t, "a in MongoDB", `{"_id":"a","n":{"$numberInt":"1"}}`, func() string { return w.mongo("tasks", d("_id", "a")) })
	w.quiet()
	// Changes that nobody has handled yet when everything ends. (A handler that
	// is killed at work leaves claims, which the simulation covers: they take
	// 90 s to expire.)
	if err := syscall.Kill(w.info.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if _, err := w.db.Collection("tasks").InsertOne(t.Context(), d("_id", fmt.Sprint("m", i))); err != nil {
			t.Fatal(err)
		}
		w.dql("v5", "INSERT INTO tasks DOCUMENTS (:d)", "d", map[string]any{"_id": fmt.Sprint("d", i)})
	}
	if err := syscall.Kill(w.info.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.awaitGone(t)

	again := r.again(t)
	again.awaitReady(t)
	w = open(t, *again.info(t))
	for i := range 20 {
		for _, id := range []string{fmt.Sprint("m", i), fmt.Sprint("d", i)} {
			want := `{"_id":"` + id + `"}`
			await(t, id+" in Ditto", want, func() string { return w.ditto("v5", "tasks", `"`+id+`"`) })
			await(t, id+" in MongoDB", want, func() string { return w.mongo("tasks", d("_id", id)) })
		}
	}
	again.interrupt(t)
}

func guideManifest(t *testing.T, secret string) string {
	t.Helper()
	text := `apiVersion: ditto.live/v1alpha1
kind: BigPeerDataBridge
metadata:
  labels:
    ditto.live/app: example-app
  name: example-mongo-connector
  namespace: ditto
spec:
  bridge:
    mongoConnector:
      connectionSecret:
        ` + secret + `
      database: ` + database() + `
      collections:
        tasks:
          fields:
            - _id
          initialSync: true
          mode: ejson
          dqlStrictMode: false
  description: MongoDB Connector for syncing tasks collection.
`
	path := filepath.Join(t.TempDir(), "causeway.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// running is a `make run`, in a session of its own, as in a terminal.
type running struct {
	config, dir string
	cmd         *exec.Cmd
	out         *output
	ended       chan error
}

func makeRun(t *testing.T, config string) *running {
	t.Helper()
	return startMake(t, config, t.TempDir())
}

// again starts it with the data of before.
func (r *running) again(t *testing.T) *running {
	t.Helper()
	return startMake(t, r.config, r.dir)
}

func startMake(t *testing.T, config, dir string) *running {
	t.Helper()
	r := &running{config: config, dir: dir, out: &output{}, ended: make(chan error, 1)}
	r.cmd = exec.Command("make", "--no-print-directory", "run", "PORT=0", "CONFIG="+config, "DIR="+dir)
	r.cmd.Dir = repository(t)
	r.cmd.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool { // of a make that runs this test
		return strings.HasPrefix(kv, "MAKE") || strings.HasPrefix(kv, "MFLAGS=")
	})
	r.cmd.Stdout, r.cmd.Stderr = r.out, r.out
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	r.cmd.WaitDelay = 5 * time.Second
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.ended <- r.cmd.Wait() }()
	t.Cleanup(func() {
		for pid := range sessionOf(t, r.cmd.Process.Pid) { // none, unless the test failed
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return r
}

func (r *running) awaitReady(t *testing.T) string {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		text := r.out.String()
		if strings.Contains(text, "Causeway is ready") && strings.Count(text, "--data-raw") == 2 && strings.HasSuffix(text, "\n") {
			return text
		}
		select {
		case err := <-r.ended:
			t.Fatalf("make run ended: %v\n%s", err, r.out)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("make run is not ready:\n%s", text)
		}
	}
}

func (r *running) info(t *testing.T) *stack.Info {
	t.Helper()
	info, err := stack.ReadInfo(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// interrupt does what Ctrl-C in a terminal does: the whole foreground group
// gets the signal.
func (r *running) interrupt(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.ended:
	case <-time.After(time.Minute):
		t.Fatalf("make run did not end:\n%s", r.out)
	}
	if text := r.out.String(); !strings.Contains(text, "stopped; the data is kept") {
		t.Errorf("make run did not stop in order:\n%s", text)
	}
	if err := errors.Join(leak.Check("make run", []byte(r.out.String())), leak.Stack(r.dir)); err != nil {
		t.Error(err)
	}
	r.awaitGone(t)
	if _, err := os.Stat(filepath.Join(r.dir, "local.json")); err == nil {
		t.Error("local.json is there after the stop")
	}
}

// awaitGone waits until no process of the session is left.
func (r *running) awaitGone(t *testing.T) {
	t.Helper()
	await(t, "processes left", "map[]", func() string { return fmt.Sprint(sessionOf(t, r.cmd.Process.Pid)) })
}

// sessionOf lists the living processes of a session, with their commands.
// Children may leave a process group, but not the session.
func sessionOf(t *testing.T, sid int) map[int]string {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pid=,sess=,stat=,args=").Output()
	if err != nil {
		return sessionFromProc(t, sid)
	}
	left := map[int]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) > 3 && f[1] == strconv.Itoa(sid) && !strings.HasPrefix(f[2], "Z") {
			pid, _ := strconv.Atoi(f[0])
			left[pid] = strings.Join(f[3:], " ")
		}
	}
	return left
}

func sessionFromProc(t *testing.T, sid int) map[int]string {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Fatal("neither ps nor /proc is here to list processes")
	}
	left := map[int]string{}
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		head, rest, _ := strings.Cut(string(b), ") ")
		f := strings.Fields(rest) // state, parent, group, session
		if len(f) > 3 && f[3] == strconv.Itoa(sid) && f[0] != "Z" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			left[pid] = head
		}
	}
	return left
}

// commands are the shell commands of the walkthrough.
func commands(printed string) (cmds []string) {
	_, text, _ := strings.Cut(printed, "Try it")
	more := false
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch {
		case more:
			cmds[len(cmds)-1] += line
		case strings.HasPrefix(trimmed, "curl ") || strings.Contains(trimmed, "mongosh "):
			cmds = append(cmds, line)
		default:
			continue
		}
		more = strings.HasSuffix(trimmed, `\`)
	}
	return cmds
}

// shell runs a printed command as it is.
func shell(t *testing.T, command string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = repository(t)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
	return string(out)
}

// curl does what a printed curl command does, on machines without curl too:
// the shell splits the words, Go sends the request.
func curl(t *testing.T, command string) []json.RawMessage {
	t.Helper()
	words := strings.Split(strings.TrimSuffix(shell(t, `curl() { printf '%s\0' "$@"; }`+"\n"+command), "\x00"), "\x00")
	method, url, body := http.MethodGet, "", ""
	header := http.Header{}
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "-X":
			i++
			method = words[i]
		case "--header":
			i++
			name, value, _ := strings.Cut(words[i], ": ")
			header.Set(name, value)
		case "--data-raw":
			i++
			body = words[i]
		default:
			url = words[i]
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	return query(t, req)
}

// output is a bytes.Buffer that a process writes while a test reads.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
