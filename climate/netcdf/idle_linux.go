//go:build cgo && !nonetcdf

package netcdf

import (
	"sync"
	"time"
)

// Reading processes without a file wait a while for the next: a series of a
// thousand files needs few of them.
var idle struct {
	mu      sync.Mutex
	workers []*worker
}

const (
	mostIdle = 4
	idleTime = 2 * time.Second
)

// takeWorker is a process that has no file.
func takeWorker() (*worker, error) {
	idle.mu.Lock()
	for n := len(idle.workers); n > 0; n = len(idle.workers) {
		w := idle.workers[n-1]
		idle.workers = idle.workers[:n-1]
		if w.busy() == 0 {
			idle.mu.Unlock()
			return w, nil
		}
		w.stop()
	}
	idle.mu.Unlock()
	return startWorker()
}

// giveWorker takes a process back that has closed its file.
func giveWorker(w *worker) {
	idle.mu.Lock()
	defer idle.mu.Unlock()
	if len(idle.workers) == mostIdle {
		w.stop()
		return
	}
	idle.workers = append(idle.workers, w)
	time.AfterFunc(idleTime, func() { dismiss(w) })
}

// dismiss ends a process that waits.
func dismiss(w *worker) {
	idle.mu.Lock()
	defer idle.mu.Unlock()
	for i, x := range idle.workers {
		if x == w {
			idle.workers = append(idle.workers[:i], idle.workers[i+1:]...)
			w.stop()
			return
		}
	}
}
