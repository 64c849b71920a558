package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/cmd/kiban/internal/hostile"
)

// What a hostile file may cost.
const (
	mostMemory = 512 << 20
	mostWork   = 10 * time.Second // of a processor
	mostTime   = time.Minute      // on a machine that does other things too
)

// watched is a process and what it did.
type watched struct {
	stdout, stderr string
	code           int
	signal         syscall.Signal
	memory         int64
	work           time.Duration
	trace          string // what strace saw; "" without strace
}

var strace, _ = exec.LookPath("strace")

// watch runs kiban in a folder with limits on its memory and time. Under strace
// it sees what files kiban opens and what programs it runs.
func watch(t *testing.T, c hostile.Case, dir string, args []string) watched {
	t.Helper()
	program, err := exec.LookPath("kiban")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), mostTime)
	defer cancel()
	trace := filepath.Join(t.TempDir(), "trace")
	if strace != "" {
		args = append([]string{"-f", "-y", "-qq", "-s", "4096", "--seccomp-bpf", "-e", "trace=open,openat,openat2,execve,execveat,connect,bind", "-o", trace, program}, args...)
		program = strace
	}
	peak := filepath.Join(t.TempDir(), "peak")
	cmd := exec.CommandContext(ctx, "measured", append([]string{peak, program}, args...)...)
	cmd.Dir = dir
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	// All of it goes at once, strace and what it watches.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	if c.Input != nil {
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		go func() {
			c.Input(in) // ends with an error when kiban has read enough
			in.Close()
		}()
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				if resident(cmd.Process.Pid) > mostMemory {
					syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
				}
			}
		}
	}()
	cmd.Wait()
	close(done)
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	w := watched{stdout: out.String(), stderr: stderr.String(), code: status.ExitStatus(),
		work: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if status.Signaled() {
		w.signal = status.Signal()
		return w
	}
	text, err := os.ReadFile(peak)
	if err != nil {
		t.Fatalf("%v: %s", err, w.stderr)
	}
	if w.memory, err = strconv.ParseInt(string(text), 10, 64); err != nil {
		t.Fatal(err)
	}
	if strace != "" {
		data, err := os.ReadFile(trace)
		if err != nil {
			t.Fatalf("%v: %s", err, w.stderr)
		}
		w.trace = string(data)
	}
	return w
}

// resident returns the memory of a process and its children.
func resident(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	total := int64(0)
	if _, after, ok := strings.Cut(string(status), "VmRSS:"); ok {
		n, _ := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
		total = n << 10
	}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, child := range strings.Fields(string(children)) {
		if n, err := strconv.Atoi(child); err == nil {
			total += resident(n)
		}
	}
	return total
}

// behaved fails the test if a process did what no file may make it do.
func behaved(t *testing.T, c hostile.Case, w watched, dir string, allowed ...string) {
	t.Helper()
	switch {
	case w.signal != 0:
		t.Errorf("killed by %v with %d MiB after %v: %.2000s", w.signal, w.memory>>20, w.work, w.stderr)
	case w.memory > mostMemory:
		t.Errorf("took %d MiB", w.memory>>20)
	case w.work > mostWork:
		t.Errorf("worked %v", w.work)
	case strings.Contains(w.stderr, "goroutine ") || strings.Contains(w.stderr, "panic:"):
		t.Errorf("panicked: %.2000s", w.stderr)
	case len(w.stderr) > 8<<10:
		t.Errorf("%d bytes on stderr: %.1000s", len(w.stderr), w.stderr)
	case strings.ContainsAny(w.stderr+w.stdout, "\x00\x07\x1b"):
		t.Errorf("steers the terminal: %.2000q %.2000q", w.stderr, w.stdout)
	case strings.Contains(w.stderr+w.stdout, "top secret"):
		t.Errorf("tells a secret: %.2000s", w.stderr)
	}
	program, err := exec.LookPath("kiban")
	if err != nil {
		t.Fatal(err)
	}
	// kiban may start itself, to read what it does not trust.
	var programs []string
	for _, m := range executed.FindAllStringSubmatch(w.trace, -1) {
		if m[1] != program && m[1] != "/proc/self/exe" {
			programs = append(programs, m[1])
		}
	}
	if w.trace != "" && len(programs) != runs(c) {
		t.Errorf("programs were run: %q", programs)
	}
	for _, call := range []string{"connect(", "bind("} {
		if strings.Contains(w.trace, call) {
			t.Errorf("it used the network: %s", w.trace)
		}
	}
	for _, m := range opened.FindAllStringSubmatch(w.trace, -1) {
		path := m[1]
		if path == dir || strings.HasPrefix(path, dir+"/") || slices.ContainsFunc(append(system, allowed...), func(p string) bool { return strings.HasPrefix(path, p) }) {
			continue
		}
		t.Errorf("it opened %s", path)
	}
}

// runs is the number of other programs that a case may run, here.
func runs(c hostile.Case) int {
	if _, err := exec.LookPath(c.Runs); c.Runs == "" || err != nil {
		return 0
	}
	return 1
}

var (
	executed = regexp.MustCompile(`execve(?:at)?\((?:[^",]*, )?"([^"]*)"`)
	opened   = regexp.MustCompile(`(?m)= \d+<([^>]*)>$`)
	// system are what the runtime, the loader and the CPU libraries open.
	system = []string{"/proc/", "/sys/", "/lib", "/usr/lib", "/usr/local/lib", "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo", "/dev/null"}
)

// entries are the files of a folder and what is in it.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// read is a hash of what kiban made of the files.
func read(t *testing.T, c hostile.Case, dir string, w watched) string {
	t.Helper()
	if len(c.Files) == 0 {
		return w.stdout
	}
	sum := sha256.New()
	for _, pattern := range c.Files {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Errorf("%s was not made (%v): %s", pattern, err, w.stderr)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Error(err)
			}
			fmt.Fprintf(sum, "%s %d\n%s", filepath.Base(f), len(data), data)
		}
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// TestHostile holds kiban against the collection. Each case is a process of its
// own, beside which lies a file that is none of its business.
func TestHostile(t *testing.T) {
	t.Parallel()
	if strace == "" {
		t.Log("there is no strace: what files are opened and what programs run is not looked at")
	}
	base, climate := hostile.Folder(t.TempDir()), hostile.Folder(t.TempDir())
	for f, make := range map[hostile.Folder]func(hostile.Folder) ([][]string, error){base: hostile.Base, climate: hostile.ClimateBase} {
		if f == climate && netcdf.LibraryVersion() == "" {
			climate = "" // this build has no NetCDF
			continue
		}
		steps, err := make(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, args := range steps {
			cmd := exec.Command("kiban", args...)
			cmd.Dir = string(f)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%q: %v: %s", args, err, out)
			}
		}
	}
	named := map[string]bool{}
	for _, c := range hostile.Cases(base, climate) {
		if named[c.Name] {
			t.Errorf("two cases are called %s", c.Name)
		}
		named[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			run := func(make func(hostile.Folder) error, args []string) (watched, string) {
				parent := t.TempDir()
				dir := filepath.Join(parent, "case")
				if err := os.Mkdir(dir, 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(parent, "secret"), []byte("top secret\n"), 0o666); err != nil {
					t.Fatal(err)
				}
				if err := make(hostile.Folder(dir)); err != nil {
					t.Fatal(err)
				}
				before := entries(t, dir)
				w := watch(t, c, dir, args)
				if left := entries(t, dir); c.Clean && w.code != exitDone && !slices.Equal(left, before) {
					t.Errorf("it left %q, where there were %q", left, before)
				}
				// A program may look at itself: protobuf does when it starts.
				program, _ := exec.LookPath("kiban")
				allowed := []string{program}
				for _, a := range args {
					if strings.HasPrefix(a, "/dev/") {
						allowed = append(allowed, a)
					}
				}
				if c.Runs != "" {
					other, _ := exec.LookPath(c.Runs)
					allowed = append(allowed, other, "/usr/share/")
				}
				behaved(t, c, w, dir, allowed...)
				return w, read(t, hostile.Case{Files: c.Files}, dir, w)
			}
			if !c.Accept {
				c.Files = nil
			}
			w, got := run(c.Make, c.Args)
			for _, says := range c.Says {
				if !strings.Contains(w.stderr, says) {
					t.Errorf("it says %.2000q, want %q in it", w.stderr, says)
				}
			}
			code := exitFailed
			if c.Misuse {
				code = exitMisuse
			}
			if c.Any && w.code == exitDone {
				return
			}
			if !c.Accept {
				if w.code != code || w.stdout != "" || !strings.HasPrefix(w.stderr, "kiban: ") {
					t.Errorf("exit code %d with %.1000q and %.1000q on stdout, want %d with a line on stderr", w.code, w.stderr, w.stdout, code)
				}
				return
			}
			if w.code != exitDone {
				t.Fatalf("exit code %d: %.2000s", w.code, w.stderr)
			}
			if c.Twin == nil {
				return
			}
			args := c.TwinArgs
			if args == nil {
				args = c.Args
			}
			c.Input = nil
			if w, want := run(c.Twin, args); w.code != exitDone || got != want {
				t.Errorf("it read %s, of the harmless twin %s (exit code %d: %s)", got, want, w.code, w.stderr)
			}
		})
	}
}
