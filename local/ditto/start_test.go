package ditto_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/local/ditto"
)

func TestStartErrors(t *testing.T) {
	node := func(t *testing.T, script string) string {
		path := filepath.Join(t.TempDir(), "node")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bare := t.TempDir() // the program without the engine
	if err := os.MkdirAll(filepath.Join(bare, "ditto"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bare, "ditto", "server.mjs"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	port := taken.Addr().(*net.TCPAddr).Port
	busy := t.TempDir()
	start(t, ditto.Options{Dir: busy})

	for _, tt := range []struct {
		name string
		o    ditto.Options
		want []string
	}{
		{"NoDir", ditto.Options{Local: ".."}, []string{"Dir are required"}},
		{"KeyWithComma", ditto.Options{Local: "..", Dir: t.TempDir(), APIKey: "a,b"}, []string{"no commas"}},
		{"NotTheDirectory", ditto.Options{Local: t.TempDir(), Dir: t.TempDir()}, []string{"no Ditto server program in"}},
		{"NoEngine", ditto.Options{Local: bare, Dir: t.TempDir()}, []string{"not installed in " + bare, "npm ci --ignore-scripts"}},
		{"NoNode", ditto.Options{Local: "..", Dir: t.TempDir(), Node: "no-such-node"}, []string{`"no-such-node" was not found`, "install Node.js 20 or newer"}},
		{"OldNode", ditto.Options{Local: "..", Dir: t.TempDir(), Node: node(t, "echo v18.19.1")}, []string{"v18.19.1, too old", "install Node.js 20 or newer"}},
		{"StrangeNode", ditto.Options{Local: "..", Dir: t.TempDir(), Node: node(t, "echo hello")}, []string{`printed "hello"`}},
		{"BrokenNode", ditto.Options{Local: "..", Dir: t.TempDir(), Node: node(t, "echo lib missing >&2; exit 3")}, []string{"lib missing"}},
		{"EndsAtOnce", ditto.Options{Local: "..", Dir: t.TempDir(), Node: node(t, "[ $1 = --version ] && echo v20.1.0 && exit; echo oops >&2; exit 4")}, []string{"before it was ready: exit status 4", "oops"}},
		{"PortTaken", ditto.Options{Local: "..", Dir: t.TempDir(), Port: port}, []string{fmt.Sprintf("port %d on 127.0.0.1 is in use", port)}},
		{"DirInUse", ditto.Options{Local: "..", Dir: busy}, []string{"in use by another Ditto server"}},
		{"BadSecret", ditto.Options{Local: "..", Dir: t.TempDir(), WebhookSecret: "§"}, []string{"DITTO_WEBHOOK_SECRET is not base64"}},
		{"BadWebhook", ditto.Options{Local: "..", Dir: t.TempDir(), Webhook: "ftp://x"}, []string{"--webhook is not"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := ditto.Start(t.Context(), tt.o)
			if err == nil {
				_ = s.Stop()
				t.Fatal("started")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "trace filter") {
				t.Errorf("the engine's chatter: %s", err)
			}
		})
	}
}

// TestOrphan: a server ends when the process that started it is killed.
func TestOrphan(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOrphanParent$")
	cmd.Env = append(os.Environ(), "DITTO_TEST_PARENT="+t.TempDir())
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address = strings.TrimSpace(strings.TrimPrefix(address, "http://"))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	until(t, "the server is gone", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

// TestOrphanParent is the process that TestOrphan kills; on its own it starts
// a server and stops it.
func TestOrphanParent(t *testing.T) {
	dir := os.Getenv("DITTO_TEST_PARENT")
	s := start(t, ditto.Options{Dir: dir})
	fmt.Println(s.URL)
	if dir != "" {
		<-s.Done()
	}
}
