package cpu

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// available returns the bytes that the process can still have: the system's
// estimate, or what the limits of its control groups leave. ok is false where
// the system does not say.
func available() (n int64, ok bool) {
	n, ok = memAvailable("/proc/meminfo")
	if left, limited := groupLeft("/proc/self/cgroup", "/sys/fs/cgroup"); limited && (!ok || left < n) {
		return left, true
	}
	return n, ok
}

func memAvailable(file string) (int64, bool) {
	f, err := os.Open(file)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, is := strings.CutPrefix(lines.Text(), "MemAvailable:"); is {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return kb << 10, err == nil
		}
	}
	return 0, false
}

// groupLeft looks at the process's group and its parents, in version 2 and in
// version 1 of control groups.
func groupLeft(self, root string) (left int64, limited bool) {
	data, err := os.ReadFile(self)
	if err != nil {
		return 0, false
	}
	see := func(dir, limit, used string) {
		for {
			max, errMax := number(filepath.Join(dir, limit))
			now, errNow := number(filepath.Join(dir, used))
			if errMax == nil && errNow == nil && (!limited || max-now < left) {
				left, limited = max-now, true
			}
			if dir == root || len(dir) <= len(root) {
				return
			}
			dir = filepath.Dir(dir)
		}
	}
	for line := range strings.Lines(string(data)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[0] == "0":
			see(filepath.Join(root, parts[2]), "memory.max", "memory.current")
		case strings.Contains(","+parts[1]+",", ",memory,"):
			see(filepath.Join(root, "memory", parts[2]), "memory.limit_in_bytes", "memory.usage_in_bytes")
		}
	}
	return max(left, 0), limited
}

// number reads a file with one number; "max", no limit, is an error.
func number(file string) (int64, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
}

// amount formats a number of bytes.
func amount(n int64) string {
	if n < 1<<30 {
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}
