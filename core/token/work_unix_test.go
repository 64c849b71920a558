//go:build unix

package token

import (
	"syscall"
	"time"
)

// worked is the processor time that the process has taken, which a busy
// machine changes less than the time on the clock.
func worked() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
