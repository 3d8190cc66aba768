package sim_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain collects garbage less often: a history leaves next to nothing, and
// with the usual setting a third of the time would go into looking for it.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}
