package preflight

import (
	"fmt"
	"time"
)

const (
	// skewWarning is how far apart two clocks may be.
	skewWarning = time.Minute
	// skewProblem is short of the five minutes within which a webhook's
	// signature is good.
	skewProblem = 4 * time.Minute
)

// compareClocks compares a server's time, which is between from and to, with
// the time here when it answered, which was between at and until. What these
// ranges leave open counts as no difference.
func (r *run) compareClocks(whose string, from, to, at, until time.Time) {
	var apart time.Duration
	way := "ahead of"
	switch at, until = at.Round(0), until.Round(0); { // the wall clock
	case from.After(until):
		apart = from.Sub(until)
	case at.After(to):
		apart, way = at.Sub(to), "behind"
	}
	f := Finding{Side: Clock, Status: OK, What: "the clocks here and of " + whose + " agree"}
	if apart > skewWarning {
		f.Status, f.Code = Warning, ClockSkew
		f.What = fmt.Sprintf("the clock of %s is %s %s the clock here", whose, apart.Round(time.Second), way)
		f.Mend = "set the clock that is wrong, by NTP; webhooks are refused from five minutes on"
	}
	if apart > skewProblem {
		f.Status = Problem
	}
	r.clocks = append(r.clocks, f)
}
