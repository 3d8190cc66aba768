package e2e_test

import "sync"

// lockstep lets tests that run at the same time take their rounds together:
// each round ends when nothing is on its way any more, for all of them at once.
type lockstep struct {
	mu               sync.Mutex
	members, waiting int
	next             chan struct{} // closed when the round begins

	pauses        int
	pause, resume func()
}

func newLockstep(pause, resume func()) *lockstep {
	return &lockstep{next: make(chan struct{}), pause: pause, resume: resume}
}

func (l *lockstep) join() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.members++
}

func (l *lockstep) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.members--
	l.begin()
}

// round waits until all members want to begin a round.
func (l *lockstep) round() {
	l.mu.Lock()
	l.waiting++
	next := l.next
	l.begin()
	l.mu.Unlock()
	<-next
}

func (l *lockstep) begin() {
	if l.waiting > 0 && l.waiting == l.members {
		close(l.next)
		l.next, l.waiting = make(chan struct{}), 0
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
