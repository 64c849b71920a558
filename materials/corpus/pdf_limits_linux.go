package corpus

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// limitProcess bounds what a process may take: memory, seconds of its CPU, no
// files written, no core.
func limitProcess(pid int, memory uint64, limit time.Duration) error {
	seconds := uint64(math.Ceil(limit.Seconds()))
	for _, l := range []struct {
		what int
		max  uint64
	}{
		{unix.RLIMIT_AS, memory}, {unix.RLIMIT_CPU, seconds + 1}, {unix.RLIMIT_FSIZE, 0}, {unix.RLIMIT_CORE, 0}, {unix.RLIMIT_NOFILE, 64},
	} {
		if err := unix.Prlimit(pid, l.what, &unix.Rlimit{Cur: l.max, Max: l.max}, nil); err != nil {
			return err
		}
	}
	return nil
}
