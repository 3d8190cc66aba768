package e2e_test

import "sync"

// lockstep lets tests that run at the same time take their rounds together:
// all act, and when nothing is on its way any more, all look.
type lockstep struct {
	mu               sync.Mutex
	members, waiting int
	next             *meeting

	pauses        int
	pause, resume func()
}

// meeting is where all members wait for each other.
type meeting struct {
	over chan struct{}
	do   func() error // what one of them does for all
	err  error
}

func newLockstep(pause, resume func()) *lockstep {
	return &lockstep{next: &meeting{over: make(chan struct{})}, pause: pause, resume: resume}
}

func (l *lockstep) join() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.members++
}

func (l *lockstep) leave() {
	l.mu.Lock()
	l.members--
	begin := l.complete()
	l.mu.Unlock()
	begin()
}

// meet waits until all members have come. Then do, which all bring along, is
// called once, and all go on with its result.
func (l *lockstep) meet(do func() error) error {
	l.mu.Lock()
	m := l.next
	m.do = do
	l.waiting++
	begin := l.complete()
	l.mu.Unlock()
	begin()
	<-m.over
	return m.err
}

// complete returns what ends the meeting, if all have come.
func (l *lockstep) complete() func() {
	if l.waiting == 0 || l.waiting < l.members {
		return func() {}
	}
	m := l.next
	l.next, l.waiting = &meeting{over: make(chan struct{})}, 0
	return func() {
		m.err = m.do()
		close(m.over)
	}
}

// whilePaused calls f while the functions hear of nothing.
func (l *lockstep) whilePaused(f func()) {
	l.hold(1, l.pause)
	defer l.hold(-1, l.resume)
	f()
}

// hold calls f for the first who pauses, and for the last who resumes.
func (l *lockstep) hold(n int, f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pauses += n; l.pauses == max(n, 0) {
		f()
	}
}
