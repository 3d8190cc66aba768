package execution

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/causeway-sync/causeway/core/sweep"
)

// Meter shows how far a run got: on a terminal in one line that it keeps, else
// in a line every few seconds.
type Meter struct {
	w        io.Writer
	label    string
	terminal bool
	now      func() time.Time

	begun       time.Time
	first, last int64 // documents done at the first look, at the last line
	said        time.Time
	wide        int
}

// pause is how long a Meter says nothing where there is no terminal.
const pause = 5 * time.Second

// NewMeter returns a meter that writes to w.
func NewMeter(w io.Writer, label string, now func() time.Time) *Meter {
	return &Meter{w: w, label: label, terminal: isTerminal(w), now: now}
}

// Show shows p.
func (m *Meter) Show(p sweep.Progress) {
	now := m.now()
	if m.begun.IsZero() {
		m.begun, m.first, m.said = now, p.Done, now
	}
	line := m.Line(p)
	switch {
	case m.terminal:
		fmt.Fprint(m.w, "\r"+line+strings.Repeat(" ", max(0, m.wide-len(line))))
		m.wide = len(line)
	case now.Sub(m.said) >= pause && p.Done > m.last:
		fmt.Fprintln(m.w, line)
		m.said, m.last = now, p.Done
	}
}

// Line is p in words: documents done, of how many, how fast, time left.
func (m *Meter) Line(p sweep.Progress) string {
	line := fmt.Sprintf("%s: %s of %s documents", m.label, grouped(p.Done), grouped(p.Total))
	if p.Total > 0 {
		line += fmt.Sprintf(", %d %%", p.Done*100/p.Total)
	}
	seconds := m.now().Sub(m.begun).Seconds()
	if m.begun.IsZero() || seconds < 1 || p.Done <= m.first {
		return line
	}
	rate := float64(p.Done-m.first) / seconds
	line += fmt.Sprintf(", %s a second", grouped(int64(rate+0.5)))
	if left := p.Total - p.Done; left > 0 {
		line += fmt.Sprintf(", %s left", time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))
	}
	return line
}

// Clear takes the line away.
func (m *Meter) Clear() {
	if m.terminal && m.wide > 0 {
		fmt.Fprint(m.w, "\r"+strings.Repeat(" ", m.wide)+"\r")
		m.wide = 0
	}
}

// grouped is n with its thousands apart.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	stat, err := f.Stat()
	return err == nil && stat.Mode()&os.ModeCharDevice != 0
}
