//go:build cgo && !nonetcdf

package netcdf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	clib "github.com/fhs/go-netcdf/netcdf"
)

// children are the processes that this one has.
func children(t *testing.T) (all []string) {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	must(t, err)
	for _, path := range tasks {
		b, _ := os.ReadFile(path) // a thread may have ended
		all = append(all, strings.Fields(string(b))...)
	}
	return all
}

// noneLeft sends those without work away, and waits until they have gone.
func noneLeft(t *testing.T) {
	t.Helper()
	idle.mu.Lock()
	waiting := slices.Clone(idle.workers)
	idle.mu.Unlock()
	for _, w := range waiting {
		dismiss(w)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if alive.Load() == 0 && len(children(t)) == 0 {
			return
		}
	}
	t.Errorf("%d reading processes are left: %v", alive.Load(), children(t))
}

func apartOf(t *testing.T, f *File) *apart {
	t.Helper()
	p, ok := f.source.(*apart)
	if !ok {
		t.Fatalf("the file is read by %T", f.source)
	}
	return p
}

// Every real file has the same values, read by a process and in this one.
func TestApartEqualsInProcess(t *testing.T) {
	files, variables := 0, 0
	must(t, filepath.WalkDir(climateData(t), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !strings.HasSuffix(path, ".nc") || strings.Contains(path, "truncated") {
			return err
		}
		f, err := Open(path)
		must(t, err)
		defer f.Close()
		p, ok := f.source.(*apart)
		if !ok {
			return nil
		}
		files++
		l, c, err := openChecked(path, p.in)
		must(t, err)
		defer l.close()
		if c.format != f.format || fmt.Sprintf("%#v", c.root) != fmt.Sprintf("%#v", f.root) {
			t.Errorf("%s: is %#v; in this process %#v", path, f.root, c.root)
			return nil
		}
		for at, v := range f.variables {
			n := product(typeBytes[v.Type], v.Shape)
			if v.Unsupported != "" || n == 0 || n > maxReadBytes {
				continue
			}
			variables++
			a, b := view[byte](*scratch(n))[:n], view[byte](*scratch(n))[:n]
			must(t, p.read(at, make([]int, len(v.Shape)), v.Shape, a))
			must(t, l.read(at, make([]int, len(v.Shape)), v.Shape, b))
			if !bytes.Equal(a, b) {
				t.Errorf("%s: %s differs", path, v.Name)
			}
		}
		return nil
	}))
	if t.Logf("%d files, %d variables", files, variables); files < 30 {
		t.Errorf("%d files", files)
	}
	noneLeft(t)
}

// bigSample is a NetCDF-4 file of some variables: time x 64 x 32 floats, each
// of its own.
func bigSample(t testing.TB, variables, times int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "big.nc")
	s := Schema{Dimensions: []Dimension{{Name: "time", Unlimited: true}, {Name: "lat", Size: 64}, {Name: "lon", Size: 32}}}
	for i := range variables {
		s.Variables = append(s.Variables, NewVariable{Name: fmt.Sprint("v", i), Type: "float", Dimensions: []string{"time", "lat", "lon"}, Chunks: []int{1, 64, 32}, Deflate: 1})
	}
	w, err := Create(path, s)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 64*32)
	for at := range times {
		for v := range variables {
			for i := range x {
				x[i] = float32(1000*at + 100_000*v + i%7)
			}
			if err := w.Put(fmt.Sprint("v", v), []int{at, 0, 0}, []int{1, 64, 32}, x); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is read ahead is what would have been read, whatever the order.
func TestReadAhead(t *testing.T) {
	const variables, times = 5, 23
	path := bigSample(t, variables, times)
	f := open(t, path)
	rnd := rand.New(rand.NewPCG(1, 1))
	at := make([]int, variables)
	ahead := 0
	for range 300 {
		v := rnd.IntN(variables)
		switch n := rnd.IntN(20); {
		case n == 0:
			at[v] = rnd.IntN(times)
		case at[v] >= times:
			at[v] = 0
		}
		n := min(4, times-at[v])
		x, err := f.ReadFloat32(fmt.Sprint("v", v), []int{at[v], 0, 0}, []int{n, 64, 32})
		must(t, err)
		for i, y := range x {
			if want := float32(1000*(at[v]+i/2048) + 100_000*v + i%2048%7); y != want {
				t.Fatalf("v%d at %d: value %d is %v, want %v", v, at[v], i, y, want)
			}
		}
		at[v] += n
		ahead = max(ahead, apartOf(t, f).ahead)
	}
	if ahead == 0 {
		t.Error("nothing was read ahead")
	}
	if n := len(apartOf(t, f).workers); n != mostWorkers() {
		t.Errorf("%d processes read, wanted %d", n, mostWorkers())
	}
	must(t, f.Close())
	noneLeft(t)
}

func TestApartFromManyGoroutines(t *testing.T) {
	f := open(t, bigSample(t, 3, 12))
	var wait sync.WaitGroup
	for g := range 8 {
		wait.Go(func() {
			for at := range 12 {
				x, err := f.ReadFloat32(fmt.Sprint("v", g%3), []int{at, 0, 0}, []int{1, 64, 32})
				if err != nil || x[0] != float32(1000*at+100_000*(g%3)) {
					t.Errorf("%v: %v", err, x[0])
					return
				}
			}
		})
	}
	wait.Wait()
	must(t, f.Close())
	noneLeft(t)
}

// crash makes the process of a file die while it reads.
func crash(t *testing.T, f *File, signal syscall.Signal) error {
	t.Helper()
	p := apartOf(t, f)
	w := p.workers[0]
	must(t, w.cmd.Process.Signal(syscall.SIGSTOP))
	done := make(chan error)
	go func() {
		_, err := f.ReadFloat32("v0", []int{1, 0, 0}, []int{2, 64, 32})
		done <- err
	}()
	for w.busy() == 0 {
		time.Sleep(time.Millisecond)
	}
	must(t, w.cmd.Process.Signal(signal))
	w.cmd.Process.Signal(syscall.SIGCONT) // it may have gone by now
	return <-done
}

// A crash is an error of the read that it happened in. The next read has a new
// process.
func TestCrash(t *testing.T) {
	path := bigSample(t, 1, 5)
	f := open(t, path)
	for signal, want := range map[syscall.Signal]string{
		syscall.SIGSEGV: "it made the NetCDF library crash (SIGSEGV), in a process of its own; the file is damaged, or made to do harm",
		syscall.SIGABRT: "crash (SIGABRT)",
		syscall.SIGBUS:  "crash (SIGBUS)",
		syscall.SIGXCPU: "worked on it for longer than it may (SIGXCPU)",
		syscall.SIGKILL: "was killed (SIGKILL)",
	} {
		err := crash(t, f, signal)
		if err == nil || !strings.HasPrefix(err.Error(), path+": variable v0: reading [2 64 32] values from [1 0 0]: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", signal, err)
		}
		x, err := f.ReadFloat32("v0", []int{3, 0, 0}, []int{1, 64, 32})
		if err != nil || x[0] != 3000 {
			t.Errorf("after %v: %v", signal, err)
		}
	}
	// A scheduler or Ctrl-C signals all processes: reading goes on.
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGHUP} {
		if err := crash(t, f, signal); err != nil {
			t.Errorf("%v: %v", signal, err)
		}
	}
	// One that died between reads is not missed.
	must(t, apartOf(t, f).workers[0].cmd.Process.Kill())
	time.Sleep(10 * time.Millisecond)
	_, err := f.ReadFloat32("v0", nil, nil)
	must(t, err)
	must(t, f.Close())
	noneLeft(t)
}

// A process without a file is taken for the next.
func TestManyFiles(t *testing.T) {
	path := bigSample(t, 1, 2)
	first := 0
	start := time.Now()
	for i := range 40 {
		f, err := Open(path)
		must(t, err)
		pid := apartOf(t, f).workers[0].cmd.Process.Pid
		if i == 0 {
			first = pid
		} else if pid != first {
			t.Errorf("file %d has process %d, not %d", i, pid, first)
		}
		_, err = f.ReadFloat64("v0", nil, nil)
		must(t, err)
		must(t, f.Close())
	}
	t.Logf("%v a file", time.Since(start)/40)
	// It goes by itself.
	for end := time.Now().Add(idleTime + 20*time.Second); alive.Load() > 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	noneLeft(t)
}

// The process cannot write, nor use more than it should.
func TestConfined(t *testing.T) {
	f := open(t, bigSample(t, 1, 2))
	pid := apartOf(t, f).workers[0].cmd.Process.Pid
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	must(t, err)
	for _, want := range []string{"Max file size             0 ", "Max core file size        0 ", "Max open files            64 "} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%q is not in\n%s", want, b)
		}
	}
	for _, limit := range []string{"Max address space         unlimited", "Max cpu time              unlimited"} {
		if strings.Contains(string(b), limit) {
			t.Errorf("%s", limit)
		}
	}
	b, err = os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	t.Log(memory.FindString(string(b)))
	if err != nil || !strings.Contains(string(b), "NoNewPrivs:\t1") || !strings.Contains(string(b), "Seccomp:\t2") {
		t.Errorf("%v: %s", err, b)
	}
	b, err = os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil || !strings.Contains(string(b), "HDF5_PLUGIN_PRELOAD=::") {
		t.Errorf("%v: %q", err, b)
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	must(t, err)
	if len(fds) > 9 {
		for _, e := range fds {
			to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name()))
			t.Log(e.Name(), to)
		}
		t.Errorf("it has %d files", len(fds))
	}
}

var memory = regexp.MustCompile(`VmHWM.*`)

// What leads out of a file or is filtered strangely is refused, whoever reads.
func TestOpenRefusesHDF5(t *testing.T) {
	for name, b := range hdf5Samples(t) {
		f, err := openBytes(t, b)
		kind, _, _ := strings.Cut(name, "-")
		switch kind {
		case "plain", "attribute", "userblock", "many": // the library may not take h5py's files for NetCDF
			if err == nil {
				must(t, f.Close())
			}
		case "filters":
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if _, err := f.ReadFloat64("scaled", nil, nil); err == nil || !strings.Contains(err.Error(), "variable scaled: values cannot be read: they are stored with the scale-offset filter (6)") {
				t.Error(err)
			}
			x, err := f.ReadFloat64("zipped", nil, nil)
			if err != nil || !slices.Equal(x, []float64{0, 1, 2, 3, 4, 5}) {
				t.Errorf("%v (%v)", x, err)
			}
			must(t, f.Close())
		default:
			if err == nil || strings.Contains(err.Error(), damaged) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	noneLeft(t)
}

// hurt reads all of a file that somebody has changed. It is an error or not;
// what counts is that it comes back.
func hurt(t *testing.T, path string, b []byte) error {
	t.Helper()
	must(t, os.WriteFile(path, b, 0o600))
	f, err := Open(path)
	if err == nil {
		var d Description
		d, err = f.Describe()
		for _, v := range d.Variables {
			if product(1, v.Shape) < 1<<20 && v.Unsupported == "" && v.Type != "char" {
				_, e := f.ReadFloat64(v.Name, nil, nil)
				err = errors.Join(err, e)
			}
		}
		err = errors.Join(err, f.Close())
	}
	if err != nil && !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("the error does not begin with the file: %v", err)
	}
	return err
}

// A chunk of two bytes makes the fletcher32 filter of HDF5 (issue 6488 there)
// read beyond all memory. That is an error here, and the next variable is read.
func TestRealCrash(t *testing.T) {
	b := hdf5Samples(t)["filters-earliest"]
	// Trees that index chunks: behind the head, the key of each begins with the
	// bytes that the chunk has in the file.
	tree := []byte("TREE\x01\x00\x02\x00")
	if bytes.Count(b, tree) == 0 {
		t.Fatal("the file has no tree of two chunks")
	}
	for i := 0; i < len(b); i++ {
		if bytes.HasPrefix(b[i:], tree) {
			binary.LittleEndian.PutUint32(b[i+24:], 2)
		}
	}
	f, err := openBytes(t, b)
	must(t, err)
	_, err = f.ReadFloat64("zipped", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "x.nc: variable zipped: ") {
		t.Errorf("%v", err)
	}
	t.Log(signalled.FindString(fmt.Sprint(err))) // none where HDF5 is mended
	if _, err := f.ReadFloat64("scaled", nil, nil); err == nil || !strings.Contains(err.Error(), "scale-offset") {
		t.Errorf("%v", err)
	}
	must(t, f.Close())
	noneLeft(t)
}

var signalled = regexp.MustCompile(`SIG[A-Z]+|code \d+|no answer`)

// Files cut at every 512th byte, and with a bit flipped.
func TestHurtHDF5(t *testing.T) {
	samples := hdf5Samples(t)
	files := map[string][]byte{"filters-earliest": samples["filters-earliest"], "filters-latest": samples["filters-latest"]}
	whole, err := os.ReadFile(writeSample(t, clib.NETCDF4))
	must(t, err)
	files["netcdf"] = whole
	path := filepath.Join(t.TempDir(), "x.nc")
	limit, most := 10*time.Second, 400
	switch {
	case testing.Short():
		limit = 2 * time.Second
	case os.Getenv("KIBAN_SLOW") != "":
		limit, most = 5*time.Minute, 1<<30
	}
	cut, flipped, refused, crashed := 0, 0, 0, map[string]int{}
	count := func(err error) {
		if err == nil {
			return
		}
		refused++
		if what := signalled.FindString(err.Error()); what != "" {
			crashed[what]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		b := files[name]
		for n := 0; n < len(b); n += 512 {
			cut++
			err := hurt(t, path, b[:n])
			if count(err); err == nil {
				t.Errorf("%s: %d of %d bytes are read", name, n, len(b))
			}
		}
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	names := slices.Sorted(maps.Keys(files))
	for end := time.Now().Add(limit); flipped < most && time.Now().Before(end); flipped++ {
		b := slices.Clone(files[names[rnd.IntN(len(names))]])
		bit := rnd.IntN(8 * min(len(b), 1024<<rnd.IntN(6)))
		b[bit/8] ^= 1 << (bit % 8)
		start := time.Now()
		err := hurt(t, path, b)
		if d := time.Since(start); d > time.Second {
			t.Logf("bit %d of a file took %v: %v", bit, d, err)
		}
		count(err)
	}
	t.Logf("%d cut and %d flipped files: %d refused, crashes: %v", cut, flipped, refused, crashed)
	if flipped < 50 {
		t.Errorf("only %d files were flipped", flipped)
	}
	noneLeft(t)
}
