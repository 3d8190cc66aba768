package page

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/execution"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

//go:embed static
var static embed.FS

// Stack is the running stack, as the page watches and disturbs it.
type Stack interface {
	// Queues are the workers' queues, mongo-to-ditto first.
	Queues(ctx context.Context) ([]QueueState, error)
	// Redrive moves a worker's dead letters back into its queue.
	Redrive(ctx context.Context, function string) (int, error)
	// Switch pauses or resumes a worker.
	Switch(function string, on bool) error
	// Worker says what is wrong with the name of a worker, if anything is.
	Worker(name string) error
	// KillWorker ends a worker's processes at once.
	KillWorker(function string) int
}

// Config says what the page shows. Feed and Disturb may be nil: a Ditto Server
// of the user's own tells neither its writes, nor may it be disturbed.
type Config struct {
	Manifest *manifest.Manifest
	Mongo    *mongodb.Client // closed with the page
	Ditto    ditto.Executor
	Feed     Feed
	Disturb  Disturber
	Machine  *execution.Machine
	Stack    Stack
	Token    string // a fresh one if empty
}

// Page is the page's server.
type Page struct {
	cfg     Config
	hub     hub
	flow    flow
	health  health
	lab     *lab
	runs    runs
	queues  sync.Mutex        // one look at them at a time
	indexes map[string]*index // by collection
	byDitto map[string]*index // by the collection's name in Ditto

	mu    sync.Mutex
	sides map[value.Side]sideState

	web   *http.Server
	lines chan logged

	life context.Context // ends with Stop
	stop context.CancelFunc
	done sync.WaitGroup
}

// New returns a page; nothing is contacted before Start.
func New(cfg Config) *Page {
	p := &Page{cfg: cfg, indexes: map[string]*index{}, byDitto: map[string]*index{}, sides: map[value.Side]sideState{}, lines: make(chan logged, remembered)}
	p.flow.hub, p.flow.now = &p.hub, time.Now
	for i := range cfg.Manifest.Collections {
		c := &cfg.Manifest.Collections[i]
		x := newIndex(c, cfg.Mongo, cfg.Ditto)
		p.indexes[c.Name], p.byDitto[c.DittoName] = x, x
	}
	p.lab = newLab(p)
	return p
}

// Start listens on a port of this machine, 0 for a free one, and returns the
// page's address, which holds its token.
func (p *Page) Start(port int) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return "", fmt.Errorf("start page: %w", err)
	}
	if p.cfg.Token == "" {
		p.cfg.Token = newToken()
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.life, p.stop = ctx, cancel
	p.web = &http.Server{
		Handler:           p.handler(l.Addr().String()),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	for _, f := range []func(context.Context){p.watchMongo, p.watchDitto, p.measure, p.readLog} {
		p.done.Go(func() { f(ctx) })
	}
	p.done.Go(func() { _ = p.web.Serve(l) })
	return "http://" + l.Addr().String() + "/" + p.cfg.Token + "/", nil
}

// Stop ends the page. What a run is doing goes on without it.
func (p *Page) Stop(ctx context.Context) error {
	p.stop() // ends the streams, which Shutdown would wait for
	err := p.web.Shutdown(ctx)
	if err != nil {
		err = p.web.Close()
	}
	p.done.Wait()
	p.cfg.Mongo.Close(context.WithoutCancel(ctx))
	return err
}

// handler answers for the page at host.
func (p *Page) handler(host string) http.Handler {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the folder is embedded
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.Handle("GET /api/events", &p.hub)
	get := func(path string, f func(r *http.Request) (any, error)) { mux.Handle("GET /api/"+path, answer(f)) }
	post := func(path string, f func(r *http.Request) (any, error)) { mux.Handle("POST /api/"+path, answer(f)) }
	get("setup", p.getSetup)
	get("pairs", p.getPairs)
	get("pair", p.getPair)
	get("value", p.getValue)
	get("steps", p.getSteps)
	get("health", p.getHealth)
	get("trouble", p.getTrouble)
	get("runs", p.getRuns)
	post("edit", p.postEdit)
	post("retry", p.postRetry)
	post("redrive", p.postRedrive)
	post("take", p.postTake)
	post("settle", p.postSettle)
	post("run", p.postRun)
	post("switch", p.postSwitch)
	post("disturb", p.postDisturb)
	return &guard{host: host, token: p.cfg.Token, next: mux}
}

// maxBody is what one may type in: a document of Ditto's largest, in JSON.
const maxBody = 16 << 20

// patience is how long a question may take, so that none waits forever for a
// database that hangs: the first look at a large collection takes longest.
const patience = time.Minute

var errPatience = fmt.Errorf("no answer within %s", patience)

// refused is an answer that tells a person what to mend.
type refused struct {
	status int
	err    error
}

func (e refused) Error() string { return e.err.Error() }
func (e refused) Unwrap() error { return e.err }

// answer writes what f returns as JSON, or its error.
func answer(f func(r *http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		ctx, cancel := context.WithTimeoutCause(r.Context(), patience, errPatience)
		defer cancel()
		out, err := f(r.WithContext(ctx))
		status := http.StatusOK
		if err != nil {
			status = http.StatusUnprocessableEntity
			if e := (refused{}); errors.As(err, &e) {
				status = e.status
			}
			out = map[string]string{"error": valid(err.Error())}
		}
		b, err := json.Marshal(out)
		if err != nil {
			status, b = http.StatusInternalServerError, []byte(`{"error":"the answer has no JSON"}`)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write(b) // the page may be gone
	})
}

// decode reads a request's JSON body.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return refused{http.StatusBadRequest, fmt.Errorf("request: %w", err)}
	}
	return nil
}

func (p *Page) index(name string) (*index, error) {
	if x := p.indexes[name]; x != nil {
		return x, nil
	}
	return nil, refused{http.StatusNotFound, fmt.Errorf("collection %q is not configured", name)}
}
