package chaos_test

import (
	"flag"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
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
	s.run("Showers", (*storm).showers)
	s.run("Storm", (*storm).tempest)
}

// run is a subtest.
func (s *storm) run(name string, test func(*storm)) {
	s.t.Run(name, func(t *testing.T) { test(&storm{t, s.weather}) })
}

// showers: users write to 50 documents on both sides at random, inserts, fields
// of nested maps, deletes, counters, while events come twice and in another
// order, and Ditto answers 503, or 408 to writes that happened, or from a node
// that is behind. No event is lost and nobody killed: so events alone make the
// sides equal (invariants 2 and 3).
func (s *storm) showers() {
	s.weatherFor(*stormFor/3, slices.DeleteFunc(slices.Clone(mischiefs), func(m mischief) bool { return m.hard }))
	if err := s.ditto.ClearFaults(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.settle()
	s.settled()
}

// tempest: the same while events and keys are lost as well, functions killed,
// claims run out, and MongoDB is killed and started again. Then all keys that
// wait are lost, and one sweep follows. Both sides must be
// equal then, each value that Causeway overwrote must have been on the other
// side before, or be recorded, and no increment may be missing (invariants 1
// to 5, 7, 8).
//
// What it does not prove: that the same seed meets the same interleaving, it
// makes the same choices; anything about the Ditto server's own end, or about
// values that users write twice, for which there is the simulation. Counters
// that users reset are only compared.
func (s *storm) tempest() {
	s.weatherFor(*stormFor, mischiefs)
	s.calm()
	s.settled()
}

// leastWrites are the values that users take at least, however slow the machine.
const leastWrites = 500

// weatherFor lets users write while all of this goes wrong, for a time, and
// until each has happened and users have written enough.
func (s *storm) weatherFor(d time.Duration, of []mischief) {
	s.t.Helper()
	seed := *stormSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	s.t.Logf("the same choices again: go test -run TestUsers ./local/chaos -storm %s -seed %d", *stormFor, seed)
	random := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }
	if err := s.populate(random(0)); err != nil {
		s.t.Fatal(err)
	}
	began, before := time.Now(), s.written()
	var over atomic.Bool // all is done, or something has failed
	enough := func() bool { return over.Load() || time.Since(began) >= d && s.written()-before >= leastWrites }
	did := map[string]int{}
	users := func(n uint64, act func(*rand.Rand, place, string) error) func() error {
		return func() error {
			err := s.users(random(n), act, over.Load)
			if err != nil {
				over.Store(true)
			}
			return err
		}
	}
	err := while(
		users(1, s.mongoUser), users(2, s.mongoUser), users(3, s.dittoUser), users(4, s.dittoUser),
		func() error {
			defer over.Store(true)
			return s.goWrong(random(5), of, did, enough)
		},
	)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(did)) {
		s.t.Logf("%4d × %s", did[name], name)
	}
	s.t.Logf("users took %d values in %s", s.written()-before, time.Since(began).Round(time.Second))
}

// written is how many values users have taken; some are for a document that is
// not there.
func (s *storm) written() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

func portOf(uri string) (int, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(u.Port())
}
