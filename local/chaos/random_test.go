package chaos_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"
)

var (
	stormFor  = flag.Duration("storm", 6*time.Second, "how long users write at random")
	stormSeed = flag.Uint64("seed", 0, "seed of what they choose; 0 picks one")
)

// TestUsers: users write on both sides at once, and all goes wrong around the
// functions. What must hold then is in settled.
func TestUsers(t *testing.T) {
	s := openStorm(t, stormCollections, slices.Concat(stormPlaces, []place{duelPlace})...)
	runs(t, 6) // both databases, the queue, two workers, a receiver
	s.run("Duels", (*storm).duels)
	s.run("Storm", (*storm).random)
}

// run is a subtest.
func (s *storm) run(name string, test func(*storm)) {
	s.t.Run(name, func(t *testing.T) { test(&storm{t, s.weather}) })
}

// random: users write to 50 documents on both sides at random, inserts, fields
// of nested maps, deletes, counters, while events come twice, in another order
// and not at all, Ditto answers 503, or 408 to writes that happened, or from a
// node that is behind, functions are killed, claims run out, and MongoDB is
// killed and started again. Then all keys that are still on their way are lost,
// and one sweep follows. Both sides must be equal then, each value that
// Causeway overwrote must have been on the other side before, or be recorded,
// and no increment may be missing (invariants 1 to 5, 7, 8).
//
// What it does not prove: that the same seed meets the same interleaving, it
// makes the same choices; anything about the Ditto server's own end, or about
// values that users write twice, for which there is the simulation. Counters
// that users reset are only compared.
func (s *storm) random() {
	t, seed := s.t, *stormSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("the same choices again: go test -run TestUsers/Storm ./local/chaos -storm %s -seed %d", *stormFor, seed)
	random := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }
	if err := s.populate(random(0)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), *stormFor)
	defer cancel()
	did := map[string]int{}
	err := while(
		func() error { return s.users(ctx, random(1), s.mongoUser) },
		func() error { return s.users(ctx, random(2), s.mongoUser) },
		func() error { return s.users(ctx, random(3), s.dittoUser) },
		func() error { return s.users(ctx, random(4), s.dittoUser) },
		func() error { return s.mischief(ctx, random(5), did) },
		func() error { return s.restarts(ctx, did) },
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(did)) {
		t.Logf("%4d × %s", did[name], name)
	}
	s.calm()
	s.settled()
}

// restarts kills MongoDB in the middle, and once in 20 s of a longer storm.
func (s *storm) restarts(ctx context.Context, did map[string]int) error {
	every := min(*stormFor/2, 20*time.Second)
	n := 0
	defer func() { did["MongoDB killed"] = n }()
	for tick := time.NewTicker(every); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			if n == 0 {
				return fmt.Errorf("MongoDB was not restarted")
			}
			return nil
		case <-tick.C:
			if err := s.restartMongoDB(); err != nil {
				return err
			}
			n++
		}
	}
}

func portOf(uri string) (int, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(u.Port())
}
