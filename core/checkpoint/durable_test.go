package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kiban-models/kiban/core/tensor"
)

// faultFS makes the at-th changing operation fail, and with forever all that
// follow it. Removing stays possible, as it does on a full disk.
type faultFS struct {
	osFS
	at, count int
	forever   bool
	err       error
}

func (f *faultFS) fault(op, path string) error {
	f.count++
	if f.count == f.at || f.forever && f.count > f.at && f.at > 0 {
		return &fs.PathError{Op: op, Path: path, Err: f.err}
	}
	return nil
}

func (f *faultFS) Create(path string) (outFile, error) {
	if err := f.fault("create", path); err != nil {
		return nil, err
	}
	file, err := f.osFS.Create(path)
	return &faultFile{file, f, path}, err
}

func (f *faultFS) Mkdir(path string) error {
	return cmpErr(f.fault("mkdir", path), func() error { return f.osFS.Mkdir(path) })
}

func (f *faultFS) SyncFile(path string) error {
	return cmpErr(f.fault("sync", path), func() error { return f.osFS.SyncFile(path) })
}

func (f *faultFS) SyncDir(path string) error {
	return cmpErr(f.fault("syncdir", path), func() error { return f.osFS.SyncDir(path) })
}

func (f *faultFS) Rename(from, to string) error {
	return cmpErr(f.fault("rename", from), func() error { return f.osFS.Rename(from, to) })
}

func (f *faultFS) ReadDir(path string) ([]fs.DirEntry, error) {
	if err := f.fault("readdir", path); err != nil {
		return nil, err
	}
	return f.osFS.ReadDir(path)
}

func cmpErr(err error, op func() error) error {
	if err != nil {
		return err
	}
	return op()
}

type faultFile struct {
	outFile
	fs   *faultFS
	path string
}

func (f *faultFile) Write(p []byte) (int, error) {
	if err := f.fs.fault("write", f.path); err != nil {
		n, _ := f.outFile.Write(p[:len(p)/2])
		if errors.Is(f.fs.err, io.ErrShortWrite) {
			return n, nil // a device that is silent about it
		}
		return n, err
	}
	return f.outFile.Write(p)
}

func (f *faultFile) Sync() error {
	return cmpErr(f.fs.fault("sync", f.path), f.outFile.Sync)
}

func (f *faultFile) Close() error {
	err := f.outFile.Close()
	return errors.Join(err, f.fs.fault("close", f.path))
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// Each single step of replacing a file fails once; the old content stays
// unless the new one is there whole, and nothing else is left.
func TestWriteFileFaults(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EIO, io.ErrShortWrite} {
		for _, forever := range []bool{false, true} {
			points := 0
			for at := 1; ; at++ {
				dir := t.TempDir()
				path := put(t, filepath.Join(dir, "m"), []byte("old"))
				fsys := &faultFS{at: at, err: cause, forever: forever}
				ts := Tensors{"a": tensor.New(tensor.F32, 1<<16), "b": tensor.Of([]float32{1}, 1)}
				err := writeSafetensors(fsys, path, ts.Specs(), ts, nil)
				if fsys.count < at {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				points++
				// A short write may be made good by writing the rest.
				if err == nil && cause != io.ErrShortWrite || err != nil && !strings.Contains(err.Error(), path) {
					t.Fatalf("%v at %d: error %v does not name %s", cause, at, err, path)
				}
				if got := names(t, dir); !slices.Equal(got, []string{"m"}) {
					t.Fatalf("%v at %d left %q", cause, at, got)
				}
				got, _ := os.ReadFile(path)
				if string(got) == "old" && err != nil {
					continue
				}
				f, err := Open(path)
				if err != nil {
					t.Fatalf("%v at %d: neither old nor new: %v", cause, at, err)
				}
				equalTensors(t, f, ts)
				f.Close()
			}
			if points < 7 {
				t.Fatalf("only %d points", points)
			}
		}
	}
}

// A real full disk, where tests may mount one.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := mountTmpfs(dir, "size=1m"); err != nil {
		t.Skip("cannot mount a small file system:", err)
	}
	defer unmount(dir)
	path := filepath.Join(dir, "m")
	ts := Tensors{"a": tensor.New(tensor.F32, 1<<19)}
	err := Write(path, ts.Specs(), ts, nil)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
		t.Fatal("got", err)
	}
	if left := names(t, dir); len(left) > 0 {
		t.Fatalf("left %q", left)
	}
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Create(filepath.Join(dir, "probe")); err == nil {
		f.Close()
		t.Skip("this user writes to read-only directories")
	}
	path := filepath.Join(dir, "m")
	if err := WriteFile(path, func(io.Writer) error { return nil }); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), path) {
		t.Error("got", err)
	}
	if err := Save(dir, 1, func(string) error { return nil }); !errors.Is(err, fs.ErrPermission) {
		t.Error("got", err)
	}
}

func TestWriteFileReplacesNoDevice(t *testing.T) {
	for _, path := range []string{os.DevNull, t.TempDir()} {
		err := WriteFile(path, func(w io.Writer) error { _, err := w.Write([]byte("x")); return err })
		if err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestWriteFileCallbackFails(t *testing.T) {
	dir := t.TempDir()
	cause := errors.New("cause")
	err := WriteFile(filepath.Join(dir, "m"), func(w io.Writer) error { w.Write([]byte("half")); return cause })
	if !errors.Is(err, cause) || len(names(t, dir)) > 0 {
		t.Errorf("%v; left %q", err, names(t, dir))
	}
}

// saveText saves a checkpoint of two files whose content tells the save.
func saveText(fsys fileSystem, parent string, step int, text string) error {
	return save(fsys, parent, step, func(dir string) error {
		if err := fsys.Mkdir(filepath.Join(dir, "data")); err != nil {
			return err
		}
		for _, name := range []string{"model", "data/position"} {
			err := writeFile(fsys, filepath.Join(dir, name), func(w io.Writer) error {
				_, err := io.WriteString(w, text)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func mustSave(t *testing.T, parent string, steps ...int) {
	t.Helper()
	for _, s := range steps {
		if err := saveText(osFS{}, parent, s, "saved "+strconv.Itoa(s)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSaveLatest(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "run")
	if _, _, _, err := Latest(parent); !errors.Is(err, fs.ErrNotExist) {
		t.Error("no directory gave", err)
	}
	mustSave(t, parent, 900, 1200, 1000)
	put(t, filepath.Join(parent, "metrics.jsonl"), nil)
	if err := os.Mkdir(filepath.Join(parent, "checkpoint-01300"), 0o777); err != nil {
		t.Fatal(err)
	}
	if got := names(t, parent); !slices.Equal(got, []string{"checkpoint-01300", "checkpoint-1000", "checkpoint-1200", "checkpoint-900", "metrics.jsonl"}) {
		t.Errorf("files %q", got)
	}
	dir, step, warnings, err := Latest(parent)
	if err != nil || step != 1200 || len(warnings) > 0 || dir != filepath.Join(parent, "checkpoint-1200") {
		t.Error(dir, step, warnings, err)
	}
	if err := Verify(dir); err != nil {
		t.Error(err)
	}
	if err := saveText(osFS{}, parent, 1200, "again"); err != nil { // the same step again
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "model")); string(got) != "again" {
		t.Errorf("content %q", got)
	}
	if n := len(names(t, parent)); n != 5 {
		t.Errorf("files %q", names(t, parent))
	}
}

// A bit of any file, flipped, is found, and Latest falls back aloud.
func TestFlippedBit(t *testing.T) {
	parent := t.TempDir()
	mustSave(t, parent, 1, 2)
	last := filepath.Join(parent, "checkpoint-2")
	for _, name := range []string{"model", "data/position", manifestFile} {
		path := filepath.Join(last, name)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for bit := range 8 * len(content) {
			if bit%3 != 0 && name == manifestFile { // a third is enough there
				continue
			}
			bad := slices.Clone(content)
			bad[bit/8] ^= 1 << (bit % 8)
			put(t, path, bad)
			dir, step, warnings, err := Latest(parent)
			if err != nil {
				t.Fatal(err)
			}
			if step == 2 && name == manifestFile && equalManifest(content, bad) {
				continue // one white space for another
			}
			if step != 1 || !strings.HasSuffix(dir, "checkpoint-1") || len(warnings) != 1 || !strings.Contains(warnings[0], "checkpoint-2") {
				t.Fatalf("bit %d of %s: step %d, warnings %q", bit, name, step, warnings)
			}
		}
		put(t, path, content)
	}
	if _, step, _, err := Latest(parent); err != nil || step != 2 {
		t.Error(step, err)
	}
}

func equalManifest(a, b []byte) bool {
	x, err1 := parseManifest(a)
	y, err2 := parseManifest(b)
	return err1 == nil && err2 == nil && fmt.Sprint(x) == fmt.Sprint(y)
}

func TestDamage(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"file gone":     func(d string) error { return os.Remove(filepath.Join(d, "model")) },
		"manifest gone": func(d string) error { return os.Remove(filepath.Join(d, manifestFile)) },
		"file added":    func(d string) error { return os.WriteFile(filepath.Join(d, "x"), nil, 0o600) },
		"file longer":   func(d string) error { return os.WriteFile(filepath.Join(d, "model"), []byte("saved 2 "), 0o600) },
		"link": func(d string) error {
			return errors.Join(os.Rename(filepath.Join(d, "model"), filepath.Join(d, ".m")), os.Symlink(".m", filepath.Join(d, "model")))
		},
		"other step": func(d string) error { return os.Rename(d, filepath.Join(filepath.Dir(d), "checkpoint-3")) },
		"manifest leads out": func(d string) error {
			return os.WriteFile(filepath.Join(d, manifestFile), []byte(`{"format_version":1,"step":2,"files":[{"name":"../x","size":0,"sha256":"`+strings.Repeat("0", 64)+`"}]}`), 0o600)
		},
		"future version": func(d string) error {
			return os.WriteFile(filepath.Join(d, manifestFile), []byte(`{"format_version":2,"step":2,"files":[]}`), 0o600)
		},
	} {
		parent := t.TempDir()
		mustSave(t, parent, 1, 2)
		if err := damage(filepath.Join(parent, "checkpoint-2")); err != nil {
			t.Fatal(err)
		}
		if _, step, warnings, err := Latest(parent); err != nil || step != 1 || len(warnings) != 1 {
			t.Errorf("%s: step %d, warnings %q, %v", name, step, warnings, err)
		}
		if err := os.RemoveAll(filepath.Join(parent, "checkpoint-1")); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := Latest(parent); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: with no good checkpoint: %v", name, err)
		}
	}
}

// Each single step of a save fails; what was there before is loaded, or, if
// the new one was published already, the new one. Both for a new step and for
// one that is replaced.
func TestSaveFaults(t *testing.T) {
	for _, step := range []int{1, 2} {
		for _, forever := range []bool{false, true} {
			points := 0
			for at := 1; ; at++ {
				parent := t.TempDir()
				mustSave(t, parent, 1)
				fsys := &faultFS{at: at, err: syscall.ENOSPC, forever: forever}
				err := saveText(fsys, parent, step, "new")
				if fsys.count < at {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				points++
				if err == nil || !strings.Contains(err.Error(), parent) {
					t.Fatalf("at %d: error %v", at, err)
				}
				dir, _, warnings, err := Latest(parent)
				if err != nil || len(warnings) > 0 {
					t.Fatalf("at %d: %v, %q", at, err, warnings)
				}
				content, err := os.ReadFile(filepath.Join(dir, "model"))
				if err != nil || string(content) != "saved 1" && string(content) != "new" {
					t.Fatalf("at %d: content %q, %v", at, content, err)
				}
				for _, n := range names(t, parent) {
					if strings.Contains(n, tempPart) {
						t.Fatalf("at %d: left %s", at, n)
					}
				}
			}
			if points < 15 {
				t.Fatalf("only %d points", points)
			}
		}
	}
}

func TestPrune(t *testing.T) {
	parent := t.TempDir()
	mustSave(t, parent, 1, 2, 3, 4, 5)
	if err := Prune(parent, 1); err == nil {
		t.Error("keep 1 was accepted")
	}
	if err := os.Remove(filepath.Join(parent, "checkpoint-5", "model")); err != nil {
		t.Fatal(err)
	}
	if err := Prune(parent, 2, filepath.Join(parent, "checkpoint-1")+"/"); err != nil {
		t.Fatal(err)
	}
	// 5 is damaged and does not count, 1 is protected.
	if got := names(t, parent); !slices.Equal(got, []string{"checkpoint-1", "checkpoint-3", "checkpoint-4", "checkpoint-5"}) {
		t.Errorf("left %q", got)
	}
}

func TestStale(t *testing.T) {
	parent := t.TempDir()
	mustSave(t, parent, 1, 2)
	dirs := []string{"checkpoint-3.tmp-100-aa", "checkpoint-3.tmp-200-aa", "checkpoint-1.replaced-100-aa", "checkpoint-9.replaced-100-aa", "other.tmp-100-aa"}
	for _, d := range dirs {
		if err := os.Mkdir(filepath.Join(parent, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	only200 := func(pid int) bool { return pid == 200 }
	if err := removeStale(osFS{}, parent, time.Now().Add(23*time.Hour), only200); err != nil {
		t.Fatal(err)
	}
	if n := len(names(t, parent)); n != 2+len(dirs) {
		t.Errorf("removed too early: %q", names(t, parent))
	}
	if err := removeStale(osFS{}, parent, time.Now().Add(25*time.Hour), only200); err != nil {
		t.Fatal(err)
	}
	if got := names(t, parent); !slices.Equal(got, []string{"checkpoint-1", "checkpoint-2", "checkpoint-3.tmp-200-aa", "checkpoint-9.replaced-100-aa", "other.tmp-100-aa"}) {
		t.Errorf("left %q", got)
	}
	if !alive(os.Getpid()) || alive(1<<30) {
		t.Error("alive is wrong")
	}
}

func ExampleSave() {
	parent, err := os.MkdirTemp("", "run")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(parent)
	weights := Tensors{"ln_f.weight": tensor.Of([]float32{1, 1}, 2)}
	err = Save(parent, 1200, func(dir string) error {
		return Write(filepath.Join(dir, "model.safetensors"), weights.Specs(), weights, nil)
	})
	if err != nil {
		panic(err)
	}
	dir, step, warnings, err := Latest(parent)
	fmt.Println(filepath.Base(dir), step, len(warnings), err)
	// Output: checkpoint-1200 1200 0 <nil>
}
