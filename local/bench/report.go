package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// row is one line of the table: a figure, taken several times.
type row struct {
	what   string
	unit   string
	values []float64
	aim    aim
}

// aim is what a figure should be; none if text is empty.
type aim struct {
	text   string
	value  float64
	atMost bool
}

func atLeast(v float64) aim { return aim{"≥ " + figure(v), v, false} }
func atMost(v float64) aim  { return aim{"≤ " + figure(v), v, true} }

// add keeps a row for the table, and says it.
func (b *bench) add(r row) {
	b.rows = append(b.rows, r)
	lo, mid, hi := spread(r.values)
	b.say("  %s: %s / %s / %s %s", r.what, figure(lo), figure(mid), figure(hi), r.unit)
}

// cost is the CPU time that each part took for n documents.
type cost struct {
	what string
	n    int
	took time.Duration
	by   usage
}

// plus adds what n more documents took.
func (c cost) plus(n int, took time.Duration, by usage) cost {
	if c.by == nil {
		c.by = usage{}
	}
	c.by.plus(by)
	c.n, c.took = c.n+n, c.took+took
	return c
}

// tables are what was measured, as Markdown.
func (b *bench) tables() string {
	var s strings.Builder
	s.WriteString("| measure | unit | minimum | median | maximum | taken | aim | met |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range b.rows {
		lo, mid, hi := spread(r.values)
		fmt.Fprintf(&s, "| %s | %s | %s | %s | %s | %d | %s | %s |\n",
			r.what, r.unit, figure(lo), figure(mid), figure(hi), len(r.values), r.aim.text, r.aim.met(mid))
	}
	if len(b.costs) == 0 {
		return s.String()
	}
	s.WriteString("\nCPU time in milliseconds per 1,000 documents, by process, and how many of the cores that keeps busy:\n\n| measure")
	for _, part := range parts {
		fmt.Fprintf(&s, " | %s", part)
	}
	s.WriteString(" | sum | cores |\n|---" + strings.Repeat("|---", len(parts)+2) + "|\n")
	for _, c := range b.costs {
		fmt.Fprintf(&s, "| %s", c.what)
		var sum time.Duration
		for _, part := range parts {
			sum += c.by[part]
			fmt.Fprintf(&s, " | %s", figure(perThousand(c.by[part], c.n)))
		}
		fmt.Fprintf(&s, " | %s | %.1f |\n", figure(perThousand(sum, c.n)), sum.Seconds()/c.took.Seconds())
	}
	return s.String()
}

func perThousand(d time.Duration, n int) float64 { return d.Seconds() * 1000 * 1000 / float64(n) }

// met says whether the median keeps the aim, and what part of it was reached.
func (a aim) met(v float64) string {
	switch {
	case a.text == "":
		return ""
	case a.atMost && v <= a.value, !a.atMost && v >= a.value:
		return "yes"
	case a.atMost:
		return fmt.Sprintf("no: %s times it", figure(v/a.value))
	}
	return fmt.Sprintf("no: %s of it", figure(v/a.value))
}

// spread is the least, the middle and the greatest of the values, which are at
// least one.
func spread(values []float64) (lo, mid, hi float64) {
	v := slices.SortedFunc(slices.Values(values), cmp.Compare[float64])
	n := len(v)
	return v[0], (v[(n-1)/2] + v[n/2]) / 2, v[n-1]
}

// quantile is the value below which a share q of them lies.
func quantile(values []float64, q float64) float64 {
	v := slices.SortedFunc(slices.Values(values), cmp.Compare[float64])
	return v[min(len(v)-1, int(q*float64(len(v))))]
}

// figure is a number with three digits or all that stand before the point, in
// groups of three.
func figure(v float64) string {
	switch {
	case v < 0:
		return "-" + figure(-v)
	case v < 9.995:
		return strings.TrimSuffix(fmt.Sprintf("%.2f", v), ".00")
	case v < 99.95:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
