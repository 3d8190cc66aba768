package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/preflight"
	"github.com/causeway-sync/causeway/local/mongodb"
)

// createCollections makes the configured collections and Causeway's own where
// they are missing, before anything else writes: SecantusDB hangs when one
// connection creates a collection while another's first insert does.
func createCollections(ctx context.Context, db *mongo.Database, m *manifest.Manifest) error {
	names, err := db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return fmt.Errorf("list collections: %w", err)
	}
	have := map[string]bool{}
	for _, name := range names {
		have[name] = true
	}
	wanted := preflight.Own()
	for _, c := range m.Collections {
		wanted = append(wanted, c.Name)
	}
	for _, name := range wanted {
		if have[name] {
			continue
		}
		if err := db.CreateCollection(ctx, name); err != nil {
			return fmt.Errorf("create collection %s: %w", name, err)
		}
	}
	return nil
}

// sourceName tells one MongoDB from another, for the resume token. It holds no
// secret: of a user's own server it is a hash.
func (s *Stack) sourceName() string {
	if s.mongo.Kind != mongodb.External {
		return "local " + string(s.mongo.Kind)
	}
	sum := sha256.Sum256([]byte(s.mongo.URI))
	return "external " + hex.EncodeToString(sum[:8])
}
