//go:build cgo && !nonetcdf

package netcdf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// worker is a process that reads for us. Requests are answered in their order.
type worker struct {
	cmd      *exec.Cmd
	requests *os.File // a socket, since files are passed
	answers  *os.File // a pipe: it is faster
	stderr   *os.File
	patience time.Duration // with an answer

	sending sync.Mutex // one request after another
	mu      sync.Mutex
	asked   []*ask
	dead    error // why it answers no more
}

// ask is a request without an answer yet.
type ask struct {
	kind    frameKind
	of      string // type of the values
	into    []byte // where they go
	content []byte // the answer, when it is no values
	done    chan struct{}
	err     error
}

var (
	// errAgain says that a worker ended for what was not the fault of this request.
	errAgain = errors.New("the processes that read it end for no reason of theirs; try again, and look at the log of the system")
	alive    atomic.Int32 // workers
)

// spawn starts processes on a thread that stays: the kernel ends a process with
// the thread that started it.
var spawn = sync.OnceValue(func() func(*exec.Cmd) error {
	type order struct {
		cmd *exec.Cmd
		err chan error
	}
	orders := make(chan order)
	go func() {
		runtime.LockOSThread()
		for o := range orders {
			o.err <- o.cmd.Start()
		}
	}()
	return func(cmd *exec.Cmd) error {
		o := order{cmd, make(chan error)}
		orders <- o
		return <-o.err
	}
})

func startWorker() (*worker, error) {
	w := &worker{}
	var theirs, answer, said *os.File
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		w.requests, theirs = os.NewFile(uintptr(ends[0]), "requests"), os.NewFile(uintptr(ends[1]), "requests")
		w.answers, answer, err = os.Pipe()
	}
	if err == nil {
		// What fits goes at once. The kernel may allow less, which works, too.
		unix.FcntlInt(answer.Fd(), unix.F_SETPIPE_SZ, 1<<20)
		w.stderr, said, err = os.Pipe()
	}
	if err == nil {
		// The program as it was started, whatever has its name by now.
		w.cmd = &exec.Cmd{Path: "/proc/self/exe", Args: []string{os.Args[0], servesArgument}, Env: serveEnvironment(),
			ExtraFiles: []*os.File{theirs, answer}, Stderr: said, SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}}
		err = spawn()(w.cmd)
	}
	for _, f := range []*os.File{theirs, answer, said} {
		if f != nil {
			f.Close()
		}
	}
	if err != nil {
		for _, f := range []*os.File{w.requests, w.answers, w.stderr} {
			if f != nil {
				f.Close()
			}
		}
		return nil, fmt.Errorf("a process to read it cannot be started: %w; the limits on processes and memory may be too low", err)
	}
	alive.Add(1)
	go w.receive()
	return w, nil
}

// serveSettings of the environment: HDF5 loads no code, Go is small, and malloc
// keeps the memory of a chunk for the next.
var serveSettings = []string{"HDF5_PLUGIN_PRELOAD=::", "HDF5_PLUGIN_PATH=", "HDF5_USE_FILE_LOCKING=FALSE", "GOMAXPROCS=2", "GOTRACEBACK=none", "GODEBUG=", "GOMEMLIMIT=",
	"MALLOC_TOP_PAD_=4194304", "MALLOC_TRIM_THRESHOLD_=67108864", "MALLOC_MMAP_THRESHOLD_=4194304"}

func serveEnvironment() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		return slices.ContainsFunc(serveSettings, func(x string) bool { return strings.HasPrefix(x, name+"=") })
	})
	for _, s := range serveSettings {
		if !strings.HasSuffix(s, "=") {
			env = append(env, s)
		}
	}
	return env
}

// patience is how long an answer may take by the clock. The process has a limit
// on its work, but may have a small part of a busy machine, or be stuck.
func patience(size int64) time.Duration { return time.Duration(6*work(size)) * time.Second }

// send asks; the answer is there when a.done is closed. file is passed on with
// the request, unless it is nil.
func (w *worker) send(a *ask, file *os.File, kind byte, words ...int) {
	a.done = make(chan struct{})
	w.sending.Lock()
	defer w.sending.Unlock()
	w.mu.Lock()
	if w.dead != nil {
		w.mu.Unlock()
		a.finish(errAgain)
		return
	}
	w.asked = append(w.asked, a)
	if len(w.asked) == 1 {
		w.answers.SetReadDeadline(time.Now().Add(w.patience))
	}
	w.mu.Unlock()
	w.write(appendRequest(nil, kind, words...), file)
}

// write sends bytes. What fails shows when the answer does not come.
func (w *worker) write(b []byte, file *os.File) {
	var rights []byte
	if file != nil {
		rights = unix.UnixRights(int(file.Fd()))
	}
	raw, err := w.requests.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		for len(b) > 0 {
			n, err := unix.SendmsgN(int(fd), b, rights, nil, unix.MSG_NOSIGNAL)
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				return
			}
			b, rights = b[n:], nil
		}
	})
}

// call asks and waits.
func (w *worker) call(a *ask, file *os.File, kind byte, words ...int) error {
	w.send(a, file, kind, words...)
	<-a.done
	return a.err
}

func (a *ask) finish(err error) {
	a.err = err
	close(a.done)
}

// busy is the number of requests without an answer.
func (w *worker) busy() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead != nil {
		return 1 << 30
	}
	return len(w.asked)
}

// receive takes the answers until the process ends.
func (w *worker) receive() {
	var err error
	for err == nil {
		err = w.answer()
	}
	w.bury(err)
}

// fill waits for bytes. Time that runs out is given once more: the machine, or
// all of its processes, may have slept.
func (w *worker) fill(b []byte) error {
	n, err := io.ReadFull(w.answers, b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.answers.SetReadDeadline(time.Now().Add(w.patience))
		_, err = io.ReadFull(w.answers, b[n:])
	}
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return err
}

func (w *worker) answer() error {
	var head [frameHead]byte
	if err := w.fill(head[:]); err != nil {
		return err
	}
	w.mu.Lock()
	if len(w.asked) == 0 {
		w.mu.Unlock()
		return errWire
	}
	a := w.asked[0]
	w.mu.Unlock()
	kind, n, err := frameOf(head[:], a.kind, a.of, len(a.into))
	if err != nil {
		return err
	}
	into := a.into
	if kind != frameValues {
		into = make([]byte, n)
	}
	if err := w.fill(into); err != nil {
		return err
	}
	var said error
	switch kind {
	case frameContent:
		a.content = into
	case frameError:
		said = errors.New(printable(into))
	}
	w.mu.Lock()
	w.asked = w.asked[1:]
	if said != nil {
		w.dead = errAgain // it ends after an error
	}
	var deadline time.Time // none while nothing is asked
	if len(w.asked) > 0 {
		deadline = time.Now().Add(w.patience)
	}
	w.answers.SetReadDeadline(deadline)
	w.mu.Unlock()
	a.finish(said)
	return nil
}

// bury ends the process and says to those who wait why there is no answer.
func (w *worker) bury(err error) {
	w.mu.Lock()
	w.dead = errAgain
	w.mu.Unlock()
	late := errors.Is(err, os.ErrDeadlineExceeded)
	if err != io.EOF { // it does not end by itself
		w.cmd.Process.Kill()
	}
	w.requests.Close()
	w.answers.Close()
	ended := time.AfterFunc(5*time.Second, func() { w.cmd.Process.Kill() })
	w.cmd.Wait() // its end is in the state
	ended.Stop()
	said := make([]byte, 512)
	w.stderr.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // nobody else has it open, in principle
	n, _ := w.stderr.Read(said)
	w.stderr.Close()
	alive.Add(-1)
	w.mu.Lock()
	asked := w.asked
	w.asked = nil
	w.mu.Unlock()
	for i, a := range asked {
		if i == 0 {
			a.finish(w.cause(err, late, said[:n]))
		} else {
			a.finish(errAgain)
		}
	}
}

// cause is the error of a process that ended while it had something to do.
func (w *worker) cause(err error, late bool, said []byte) error {
	const remedy = "the file is damaged, or made to do harm: copy it again, or look at it with h5check; nccopy or h5repack may rewrite what is whole"
	switch {
	case late:
		return fmt.Errorf("the NetCDF library gave no answer in %v; %s", 2*w.patience, remedy)
	case errors.Is(err, errWire):
		return fmt.Errorf("%w; %s", errWire, remedy)
	}
	state := w.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if state.Signaled() {
		switch s := state.Signal(); s {
		case syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2:
			return errAgain // as it started, before it was deaf to them
		case syscall.SIGXCPU:
			return fmt.Errorf("the NetCDF library worked on it for longer than it may (%s); %s", unix.SignalName(s), remedy)
		case syscall.SIGKILL:
			return fmt.Errorf("the process that read it was killed (SIGKILL), as when the memory of the machine is used up; see the log of the system")
		default:
			return fmt.Errorf("it made the NetCDF library crash (%s%s), in a process of its own; %s", unix.SignalName(s), lastWords(said), remedy)
		}
	}
	return fmt.Errorf("the process that read it ended (code %d%s); %s", state.ExitStatus(), lastWords(said), remedy)
}

func lastWords(said []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(said), []byte("\n"))
	if len(line) == 0 {
		return ""
	}
	return ": " + printable(line)
}

// stop has the process end.
func (w *worker) stop() {
	w.mu.Lock()
	w.dead = errAgain
	w.mu.Unlock()
	w.cmd.Process.Kill()
}

// printable is text of a process that may say anything.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(b), "?"))
}
