//go:build cgo && !nonetcdf

package netcdf

// #include <signal.h>
//
// // plain_signals lets the process die of a crash as a C program does: Go would
// // print its goroutines and exit.
// static void plain_signals(void) {
//     int all[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGXCPU, SIGXFSZ};
//     for (unsigned i = 0; i < sizeof all / sizeof *all; i++) signal(all[i], SIG_DFL);
// }
import "C"

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The files that the process is given.
const (
	serveSocket = 3 // of requests
	servePipe   = 4 // of answers
)

// What a reading process may have.
const (
	serveMemory = 2<<30 + maxReadBytes // of addresses, beside those of a fresh program
	serveFiles  = 64
	serveCPU    = 10 // seconds for an answer, and one more for each 20 MB of the file
)

// work is what an answer may cost, in seconds of a processor.
func work(size int64) int64 { return serveCPU + size/20e6 }

// serve reads for the process at the other end of the socket until it goes.
func serve() {
	runtime.LockOSThread()
	code := 0
	if err := confine(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v; kiban itself starts this\n", servesArgument, err)
		code = 2
	} else if err := (&server{}).run(); err != nil && err != io.EOF {
		code = 1
	}
	os.Exit(code)
}

// confine takes from the process what reading does not need.
func confine() error {
	kind, err := unix.GetsockoptInt(serveSocket, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_STREAM {
		return fmt.Errorf("file %d is no socket", serveSocket)
	}
	C.plain_signals()
	unix.SetNonblock(2, true) // nobody reads what is printed before the end; it may be lost
	// A terminal and a job scheduler signal all processes; the program decides
	// when reading ends.
	signal.Ignore(unix.SIGPIPE, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	closeInherited()
	for _, l := range []struct {
		resource int
		most     uint64
	}{
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_FSIZE, 0},
		{unix.RLIMIT_NOFILE, serveFiles},
		{unix.RLIMIT_AS, addresses() + serveMemory},
	} {
		var now unix.Rlimit
		if err := unix.Getrlimit(l.resource, &now); err != nil {
			return err
		}
		if most := min(l.most, now.Max); unix.Setrlimit(l.resource, &unix.Rlimit{Cur: most, Max: most}) != nil {
			return fmt.Errorf("limit %d cannot be set", l.resource)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return onlyReads()
}

// closeInherited closes what C libraries of the parent had open: they say so to
// no exec. A file that they write would stay locked.
func closeInherited() {
	all, _ := os.ReadDir("/proc/self/fd")
	for _, e := range all {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= servePipe {
			continue
		}
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.HasPrefix(to, "anon_inode:") { // those are the runtime's
			unix.Close(fd)
		}
	}
}

// addresses are the bytes of addresses that the process has.
func addresses() uint64 {
	b, _ := os.ReadFile("/proc/self/statm")
	pages, _, _ := strings.Cut(string(b), " ")
	n, _ := strconv.ParseUint(pages, 10, 64)
	return n * uint64(os.Getpagesize())
}

// server is the reading process.
type server struct {
	f     *os.File
	size  int64
	l     *libraryFile
	types []string
	room  []uint64
	until int64 // seconds of a processor that it may use
}

// run answers until there is nobody to ask, or something failed: what the C
// libraries are like after an error nobody knows.
func (s *server) run() error {
	for {
		kind, words, file, err := receiveRequest()
		if err != nil {
			return err
		}
		if err := s.allow(); err != nil {
			return err
		}
		switch {
		case kind == askOpen && len(words) == 2 && file >= 0 && s.l == nil:
			err = s.open(file, words)
		case kind == askRead && len(words) >= 1 && len(words)%2 == 1 && s.l != nil && words[0] < len(s.types):
			err = s.read(words[0], words[1:1+len(words)/2], words[1+len(words)/2:])
		case kind == askClose && s.l != nil:
			err = s.l.close()
			s.f.Close() // opened for reading: nothing is lost
			*s = server{room: s.room, until: s.until}
		default:
			err = errWire
		}
		if err != nil {
			text := err.Error()
			text = text[:min(len(text), mostErrorText)]
			return send(append(appendFrameHead(nil, frameError, "", len(text)), text...))
		}
	}
}

// allow is the time for one answer, and at most for one and a half.
func (s *server) allow() error {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return err
	}
	now := used.Utime.Sec + used.Stime.Sec
	if s.until-now >= work(s.size) && s.until-now <= 3*work(s.size)/2 {
		return nil
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CPU, &limit); err != nil {
		return err
	}
	s.until = now + 3*work(s.size)/2
	limit.Cur = min(uint64(s.until), limit.Max)
	return unix.Setrlimit(unix.RLIMIT_CPU, &limit)
}

func (s *server) open(file int, words []int) error {
	path := "/proc/self/fd/" + strconv.Itoa(file)
	s.f, s.size = os.NewFile(uintptr(file), path), int64(words[0])
	l, c, err := openChecked(path, input{f: s.f, size: s.size, at: int64(words[1])})
	if err != nil {
		return err
	}
	s.l = l
	for _, v := range l.shapes {
		s.types = append(s.types, v.Type)
	}
	b := encodeContent(c)
	if len(b) > mostContent {
		return fmt.Errorf("the header is of %d bytes, more than %d", len(b), mostContent)
	}
	return send(append(appendFrameHead(nil, frameContent, "", len(b)), b...))
}

func (s *server) read(at int, start, count []int) error {
	size := typeBytes[s.types[at]]
	n := product(size, count)
	if size == 0 || n > maxReadBytes || len(count) != len(s.l.shapes[at].Shape) {
		return errWire
	}
	if words := frameHead/8 + (n+7)/8; cap(s.room) < words {
		s.room = make([]uint64, words)
	}
	b := view[byte](s.room[:cap(s.room)])[:frameHead+n]
	if err := s.l.read(at, start, count, b[frameHead:]); err != nil {
		return err
	}
	appendFrameHead(b[:0], frameValues, s.types[at], n)
	if n > 32<<20 { // that much is not kept
		s.room = nil
	}
	return send(b)
}

func send(b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(servePipe, b)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// receiveRequest waits for a request. file is -1 when none came with it.
func receiveRequest() (kind byte, words []int, file int, err error) {
	file = -1
	var b [requestHead + 8*requestWords]byte
	oob := make([]byte, unix.CmsgSpace(4))
	fill := func(b []byte) error {
		for len(b) > 0 {
			n, k, _, _, err := unix.Recvmsg(serveSocket, b, oob, unix.MSG_CMSG_CLOEXEC)
			switch {
			case err == unix.EINTR:
				continue
			case err != nil:
				return err
			case n == 0:
				return io.EOF
			}
			if k > 0 {
				file = passedFile(oob[:k])
			}
			b = b[n:]
		}
		return nil
	}
	if err := fill(b[:requestHead]); err != nil {
		return 0, nil, file, err
	}
	n := int(binary.LittleEndian.Uint32(b[4:]))
	if string(b[:3]) != "kbn" || n > requestWords {
		return 0, nil, file, errWire
	}
	if err := fill(b[requestHead:][:8*n]); err != nil {
		return 0, nil, file, err
	}
	words = make([]int, n)
	for i := range words {
		words[i] = int(binary.LittleEndian.Uint64(b[requestHead+8*i:]))
	}
	return b[3], words, file, nil
}

func passedFile(oob []byte) int {
	all, err := syscall.ParseSocketControlMessage(oob)
	if err != nil || len(all) != 1 {
		return -1
	}
	files, err := syscall.ParseUnixRights(&all[0])
	if err != nil || len(files) != 1 {
		return -1
	}
	return files[0]
}
