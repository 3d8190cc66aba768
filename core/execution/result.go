package execution

import (
	"fmt"
	"strings"

	"github.com/causeway-sync/causeway/core/sweep"
)

// Result is what came of a run, in a line per collection, and of what was not
// done another one.
func Result(s *sweep.Summary) []string {
	var lines []string
	if s.Error != "" {
		lines = append(lines, "the run has stopped: "+Reason(s.Error))
	}
	for i := range s.Collections {
		c := &s.Collections[i]
		parts := []string{grouped(c.Compared) + " documents"}
		for _, n := range []struct {
			n    int64
			what string
		}{
			{c.ToDitto, "written to Ditto"},
			{c.ToMongoDB, "written to MongoDB"},
			{c.DeletesInDitto, "deleted in Ditto"},
			{c.DeletesInMongoDB, "deleted in MongoDB"},
			{c.Conflicts, "values lost a conflict"},
			{c.Unsynced, "cannot be synced"},
			{c.LeftAlone, "left as they are"},
			{c.Changing, "were being changed"},
		} {
			deleted := strings.HasPrefix(n.what, "deleted")
			if n.n > 0 && (!deleted || c.Refused == "" && s.Mode != sweep.Verify) {
				parts = append(parts, grouped(n.n)+" "+n.what)
			}
		}
		lines = append(lines, c.Collection+": "+strings.Join(parts, ", "))
		if c.Refused != "" {
			lines = append(lines, c.Collection+": nothing was deleted: "+c.Refused)
		}
		for _, f := range c.Failed {
			lines = append(lines, fmt.Sprintf("%s: failed: %s: %s", c.Collection, f.Range, f.Error))
		}
	}
	return lines
}
