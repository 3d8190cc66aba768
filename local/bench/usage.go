package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Parts of a running stack, whose CPU time is told apart.
const (
	partMongoDB = "MongoDB"
	partDitto   = "Ditto"
	partM2D     = "mongo-to-ditto"
	partD2M     = "ditto-to-mongo"
	partQueue   = "queue"
	partSelf    = "this program" // and in it trigger, Lambda and HTTP API
)

var parts = []string{partMongoDB, partDitto, partM2D, partD2M, partQueue, partSelf}

// usage is CPU time by part.
type usage map[string]time.Duration

// since is what was used after from.
func (u usage) since(from usage) usage {
	out := usage{}
	for part, d := range u {
		out[part] = d - from[part]
	}
	return out
}

// plus adds another's times.
func (u usage) plus(v usage) {
	for part, d := range v {
		u[part] += d
	}
}

// tick is the unit of /proc's CPU times: 1/100 s on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpuTime is what a process has used; 0 where /proc does not tell.
func cpuTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name, in parentheses, may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}

// ownTime is what this process has used.
func ownTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// parentOf is a process's parent; 0 where /proc does not tell.
func parentOf(pid int) int {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

// children are the processes that this one has started, with the program's
// path.
func children() map[int]string {
	out := map[int]string{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return out
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || parentOf(pid) != os.Getpid() {
			continue
		}
		if program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
			out[pid] = program
		}
	}
	return out
}

// memory is a line of a process's status, such as VmRSS, in MiB; 0 where /proc
// does not tell.
func memory(pid int, line string) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for l := range strings.Lines(string(status)) {
		var kb float64
		if n, _ := fmt.Sscanf(l, line+": %f kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	return 0
}
