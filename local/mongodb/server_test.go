package mongodb_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/mongodb"
	"github.com/causeway-sync/causeway/local/process"
)

// TestMain doubles as the parent that a test kills: with a directory in
// CAUSEWAY_TEST_PARENT it starts a server there and waits.
func TestMain(m *testing.M) {
	if dir := os.Getenv("CAUSEWAY_TEST_PARENT"); dir != "" {
		s, err := mongodb.Start(context.Background(), mongodb.Options{Dir: dir})
		if err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Stdout.WriteString(strconv.Itoa(s.PID) + "\n")
		select {}
	}
	os.Exit(m.Run())
}

func TestStart(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	s := start(t, mongodb.Options{Dir: dir})
	db := "causeway_test_" + bson.NewObjectID().Hex()

	t.Run("ChangeStream", func(t *testing.T) {
		coll := connect(t, s.URI).Database(db).Collection("c")
		if _, err := coll.InsertOne(ctx, bson.D{{Key: "_id", Value: "first"}}); err != nil {
			t.Fatal(err)
		}
		stream, err := coll.Database().Watch(ctx, mongo.Pipeline{})
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close(ctx)
		if _, err := coll.InsertOne(ctx, bson.D{{Key: "_id", Value: "second"}}); err != nil {
			t.Fatal(err)
		}
		if !stream.Next(ctx) {
			t.Fatal(stream.Err())
		}
		if id, _ := stream.Current.Lookup("documentKey", "_id").StringValueOK(); id != "second" {
			t.Errorf("event names %q, want second", id)
		}
	})

	t.Run("ErrPortInUse", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		_, err = mongodb.Start(ctx, mongodb.Options{Port: port, Getenv: withoutURI})
		if err == nil || !strings.Contains(err.Error(), "port "+strconv.Itoa(port)+" is in use") {
			t.Errorf("error = %v, want one that names the port", err)
		}
	})

	t.Run("DataSurvivesStop", func(t *testing.T) {
		if s.Kind == mongodb.External {
			t.Log("the server is the user's own: it is not stopped")
			return
		}
		if err := s.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		s := start(t, mongodb.Options{Dir: dir})
		n, err := connect(t, s.URI).Database(db).Collection("c").CountDocuments(ctx, bson.D{})
		if err != nil || n != 2 {
			t.Errorf("count = %d, %v; want 2", n, err)
		}
	})
}

func TestStartOnUsersServer(t *testing.T) {
	s := start(t, mongodb.Options{})
	env := func(key string) string {
		if key == "MONGODB_URI" {
			return s.URI
		}
		return os.Getenv(key)
	}
	own, err := mongodb.Start(t.Context(), mongodb.Options{Getenv: env})
	if err != nil {
		t.Fatal(err)
	}
	if own.Kind != mongodb.External || own.PID != 0 || own.URI != s.URI {
		t.Errorf("server = %+v, want the one named by MONGODB_URI", own)
	}
	if err := own.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := connect(t, s.URI).Ping(t.Context(), nil); err != nil {
		t.Errorf("Stop ended a server that it had not started: %v", err)
	}

	t.Run("ErrBadURI", func(t *testing.T) {
		_, err := mongodb.Start(t.Context(), mongodb.Options{Getenv: func(key string) string {
			return map[string]string{"MONGODB_URI": "mongo//nowhere"}[key]
		}})
		if err == nil || !strings.Contains(err.Error(), "MONGODB_URI: ") {
			t.Errorf("error = %v, want one that names MONGODB_URI", err)
		}
	})
}

func TestStartWithoutPython(t *testing.T) {
	if _, err := exec.LookPath("mongod"); err == nil {
		t.Setenv("PATH", filepath.Join(t.TempDir(), "empty"))
	}
	_, err := mongodb.Start(t.Context(), mongodb.Options{Getenv: func(key string) string {
		return map[string]string{"PYTHON": "no-such-python"}[key]
	}})
	if !errors.Is(err, install.ErrNoPython) {
		t.Errorf("error = %v, want ErrNoPython", err)
	}
}

// The child must not outlive a parent that had no chance to stop it.
func TestServerDiesWithItsParent(t *testing.T) {
	if os.Getenv("MONGODB_URI") != "" {
		t.Setenv("MONGODB_URI", "")
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "CAUSEWAY_TEST_PARENT="+t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	parent.Stderr = &stderr
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 32)
	n, err := out.Read(line)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	deadline := time.Now().Add(10 * time.Second)
	for process.Alive(pid) {
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("server %d outlived its parent", pid)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func start(t *testing.T, opts mongodb.Options) *mongodb.Server {
	t.Helper()
	opts.Notice = func(s string) { t.Log(s) }
	s, err := mongodb.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

func connect(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client
}

func withoutURI(key string) string {
	if key == "MONGODB_URI" {
		return ""
	}
	return os.Getenv(key)
}

func TestNoRust(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secantusd-rs"), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	s, err := mongodb.Start(t.Context(), mongodb.Options{NoRust: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	if s.Kind == mongodb.SecantusRust {
		t.Error("the Rust edition was started")
	}
	if _, err := mongodb.Start(t.Context(), mongodb.Options{}); s.Kind == mongodb.SecantusPy && err == nil {
		t.Error("without NoRust, the one on PATH was not")
	}
}
