package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/mongodb"
)

type installCmd struct{}

func (installCmd) Help() string {
	return `What run, invoke and the tests need, and what they install themselves when it is
missing: npm packages, SecantusDB unless there is another MongoDB, the functions' binaries.`
}

func (installCmd) Run(e *env) error {
	root, err := e.root()
	if err != nil {
		return err
	}
	notice := func(line string) { fmt.Fprintln(e.stdout, line) }
	if _, err := install.FindNode(e.ctx, os.Getenv); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(e.ctx)
	g.Go(func() error { return install.Modules(ctx, root, notice) })
	g.Go(func() error { return install.Bootstraps(ctx, root, notice) })
	g.Go(func() error {
		return mongodb.Install(ctx, mongodb.Options{Tools: filepath.Join(root, ".causeway", "tools"), Notice: notice})
	})
	return g.Wait()
}
