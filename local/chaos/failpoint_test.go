package chaos_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/overlay"
)

const (
	mongoToDitto = "mongo-to-ditto"
	dittoToMongo = "ditto-to-mongo"
)

// failpointEnv names the passage at which a function kills itself:
// "<name>:<n>", the n-th time that it comes by.
const failpointEnv = "CAUSEWAY_FAILPOINT"

// waitEnv names a passage at which a function asks an address whether it may
// go on: "<name>:<n> <URL>".
const waitEnv = "CAUSEWAY_FAILPOINT_WAIT"

// failpointPackage exists in these builds only.
const failpointPackage = `package failpoint

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
)

var (
	mu     sync.Mutex
	passed = map[string]int{}
)

// Hit is a passage of the failpoint of that name.
func Hit(name string) {
	mu.Lock()
	passed[name]++
	passage := fmt.Sprintf("%s:%d", name, passed[name])
	mu.Unlock()
	if at, url, _ := strings.Cut(os.Getenv("` + waitEnv + `"), " "); at == passage {
		answer, err := http.Get(url)
		if err != nil {
			panic(err)
		}
		answer.Body.Close()
	}
	if os.Getenv("` + failpointEnv + `") == passage {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
`

// failpoints are where the protocol of core/bridge can be cut off.
var failpoints = overlay.Overlay{
	Import: "github.com/causeway-sync/causeway/core/failpoint",
	Files:  map[string]string{"core/failpoint/failpoint.go": failpointPackage},
	Edits: []overlay.Edit{
		before("ledger-read", "bridge.go", `t.report.Pairs = len(t.pairs)`),
		deferred("mongodb-read", "read.go", `func() error { `, `return t.readMongo(ctx, of) },`),
		deferred("ditto-read", "read.go", `func() error { `, `return t.readDitto(ctx, of) },`),
		before("decided", "run.go", `t.writeAll(ctx, planned(active))`),
		before("before-claim", "write.go", `t.claimed = t.cfg.Now()`),
		after("claimed", "write.go", `pairs = t.claim(inTime, pairs)`),
		after("recorded", "write.go", `pairs = t.record(inTime, pairs)`),
		before("before-ditto", "write.go", `c := dittoCollection(pairs[0].rules)`),
		before("ditto-written", "write.go", `for id := range r.Won {`),
		around("before-mongodb", "mongodb-written", "write.go", `outcomes, reasons, err := t.mongo.Write(ctx, of[0].rules.Name, changes)`),
		around("before-settle", "settled", "run.go", `won, err := t.put(ctx, puts)`),
		edit("run.go", `if _, err := t.put(ctx, puts); err != nil {`,
			hit("before-release")+`; _, err := t.put(ctx, puts); `+hit("released")+`; if err != nil {`),
		before("before-park", "park.go", `if err := t.records.PutUnsynced(ctx, records); err != nil {`),
		around("park-recorded", "parked", "park.go", `won, err := t.put(ctx, puts)`),
	},
}

func hit(name string) string { return `failpoint.Hit("` + name + `")` }

func edit(file, from, to string) overlay.Edit {
	return overlay.Edit{File: "core/bridge/" + file, From: from, To: to}
}

func before(name, file, code string) overlay.Edit { return edit(file, code, hit(name)+"\n"+code) }

func after(name, file, code string) overlay.Edit { return edit(file, code, code+"\n"+hit(name)) }

func around(first, second, file, code string) overlay.Edit {
	return edit(file, code, hit(first)+"\n"+code+"\n"+hit(second))
}

func deferred(name, file, head, tail string) overlay.Edit {
	return edit(file, head+tail, head+"defer "+hit(name)+"; "+tail)
}

// cut is where the functions that can be killed are, built once, by name.
var cut = sync.OnceValues(func() (string, error) {
	root, err := install.Root("")
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	dir := filepath.Join(scratch, "cut")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	return dir, failpoints.Build(ctx, root, "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w",
		"-o", dir, "./functions/"+mongoToDitto, "./functions/"+dittoToMongo)
})
