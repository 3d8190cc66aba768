package bridge

import (
	"context"
	"crypto/rand"
	"log/slog"
	mathrand "math/rand/v2"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"
)

func withDefaults(cfg Config) Config {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NewOwner == nil {
		cfg.NewOwner = rand.Text
	}
	if cfg.NewID == nil {
		cfg.NewID = bson.NewObjectID
	}
	if cfg.Jitter == nil {
		cfg.Jitter = mathrand.Int64N
	}
	if cfg.Wait == nil {
		cfg.Wait = wait
	}
	if cfg.Both == nil {
		cfg.Both = inParallel
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func inParallel(f, g func() error) error {
	var both errgroup.Group
	both.Go(f)
	both.Go(g)
	return both.Wait()
}
