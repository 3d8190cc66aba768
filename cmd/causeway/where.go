package main

import (
	"context"

	"github.com/causeway-sync/causeway/cmd/causeway/internal/site"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sweep"
)

// where says which stack a command works on.
type where struct {
	Stack  string `help:"Work on the deployed stack of this name, not on the local one." placeholder:"NAME"`
	Config string `help:"With --stack: the manifest that it was deployed from." default:"causeway.yaml" type:"path" env:"CONFIG"`
}

// site is the stack that a command works on.
func (e *env) site(w where) (*site.Site, error) {
	if w.Stack != "" {
		return site.Deployed(e.ctx, w.Stack, w.Config)
	}
	if _, err := e.root(); err != nil && e.dir == "" {
		return nil, err
	}
	return site.Local(e.dir)
}

// opened is a stack with its database, and the records of its runs.
type opened struct {
	*site.Site
	client *mongodb.Client
	runner *sweep.Runner // for its records alone
}

// open opens the database of the stack that a command works on. The caller
// closes it.
func (e *env) open(w where) (*opened, error) {
	s, err := e.site(w)
	if err != nil {
		return nil, err
	}
	client, err := s.Connect(e.ctx)
	if err != nil {
		return nil, err
	}
	return &opened{s, client, &sweep.Runner{Manifest: s.Manifest, DB: client}}, nil
}

func (o *opened) close(e *env) { o.client.Close(context.WithoutCancel(e.ctx)) }
