package stack

import (
	"context"
	"errors"
	"fmt"
	"time"

	coreditto "github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/preflight"
	"github.com/causeway-sync/causeway/local/ditto"
)

// dittoKeys are the user's own when DITTO_URL is set, else those kept for the
// local server.
func (s *Stack) dittoKeys() (keys, error) {
	if s.opts.Getenv("DITTO_URL") == "" {
		return loadKeys(s.opts.data("keys.json"))
	}
	k := keys{APIKey: s.opts.Getenv("DITTO_API_KEY"), Webhook: s.opts.Getenv("DITTO_WEBHOOK_SECRET")}
	if k.APIKey == "" {
		return k, errors.New("DITTO_URL is set and DITTO_API_KEY is not: set it to an API key of that Ditto Server")
	}
	if k.Webhook == "" {
		kept, err := loadKeys(s.opts.data("keys.json"))
		if err != nil {
			return k, err
		}
		k.Webhook = kept.Webhook
	}
	return k, nil
}

// startDitto starts the local Ditto server, or looks at the user's own.
func (s *Stack) startDitto(ctx context.Context, m *manifest.Manifest, node string, k keys) error {
	s.info.WebhookSecret = k.Webhook
	if url := s.opts.Getenv("DITTO_URL"); url != "" {
		s.info.Ditto = Ditto{URL: url, APIKey: k.APIKey, External: true}
		return checkDitto(ctx, s.info.Ditto, m)
	}
	log, err := s.log("ditto")
	if err != nil {
		return err
	}
	s.ditto, err = ditto.Start(ctx, ditto.Options{
		Local: s.opts.Root + "/local", Dir: s.opts.data("ditto"), Port: s.opts.ports().ditto, APIKey: k.APIKey,
		Webhook: s.info.Webhook, WebhookSecret: k.Webhook, Faults: s.opts.Faults, Node: node, Stderr: log,
	})
	if err != nil {
		return err
	}
	s.onStop("Ditto", func(context.Context) error { return s.ditto.Stop() })
	s.info.Ditto = Ditto{URL: s.ditto.URL, APIKey: k.APIKey}
	s.child("ditto", s.ditto.PID)
	s.watch("the Ditto server", s.ditto.Done(), func() error { return errors.New("see ditto.log") })
	s.background("Ditto checkpoint", s.checkpoint)
	return nil
}

// checkpoint lets the Ditto server's outbox forget what the worker has done:
// what was delivered before its queue was seen empty.
func (s *Stack) checkpoint(ctx context.Context) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.checkpointOnce(ctx); err != nil && ctx.Err() == nil {
			s.logger.Warn("keep the Ditto server's outbox", "error", err)
		}
	}
}

func (s *Stack) checkpointOnce(ctx context.Context) error {
	state, err := s.ditto.State(ctx)
	if err != nil || state.Delivered <= state.Checkpoint {
		return err
	}
	if empty, err := s.empty(DittoToMongo)(ctx); err != nil || !empty {
		return err
	}
	return s.ditto.Checkpoint(ctx, state.Delivered)
}

// checkDitto looks at the user's own Ditto Server as a preflight does.
func checkDitto(ctx context.Context, d Ditto, m *manifest.Manifest) error {
	for _, f := range (preflight.Checker{Manifest: m, Endpoint: d.URL, Keys: coreditto.StaticKey(d.APIKey)}).Run(ctx) {
		if f.Status == preflight.Problem {
			return fmt.Errorf("DITTO_URL and DITTO_API_KEY: %s: %s", f.What, f.Mend)
		}
	}
	return nil
}
