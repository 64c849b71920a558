package store

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/regrid"
)

func treeOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func sameTree(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, b := range want {
		if got[name] != b {
			t.Errorf("%s differs", name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
}

func resumeOptions(t testing.TB, out string) Options {
	g := world(t, 8, true)
	a, _ := series(t, rand.New(rand.NewPCG(3, 4)), g, netcdf.NoLeap, every(netcdf.NoLeap, netcdf.Date{Year: 2001, Month: 1, Day: 1}, 24, 500))
	b, _ := series(t, rand.New(rand.NewPCG(5, 6)), g, netcdf.NoLeap, every(netcdf.NoLeap, netcdf.Date{Year: 2001, Month: 1, Day: 1}, 24, 400))
	return Options{Inputs: []Input{{Member: "r1", Series: a}, {Member: "r2", Series: b}}, Out: out, Target: world(t, 6, false), ShardBytes: 6 * 12 * 2 * 4 * 64, Latitude: true,
		Split: Split{Validation: Years{2002, 2002}}, Resume: true}
}

// A run that is cut short anywhere goes on to the bytes of one that was not.
func TestInterrupted(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "data")
	prepare(t, resumeOptions(t, whole))
	want := treeOf(t, whole)
	if len(want) != 15+2 {
		t.Errorf("%d files", len(want))
	}
	for _, at := range []int{1, 63, 64, 65, 500, 899, 900} {
		parent := t.TempDir()
		o := resumeOptions(t, filepath.Join(parent, "data"))
		ctx, cancel := context.WithCancel(t.Context())
		o.Progress = func(phase string, done, total int) {
			if phase == "writing" && done >= at {
				cancel()
			}
		}
		p, err := NewPlan(o)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Write(ctx)
		cancel()
		if !errors.Is(err, ErrUnfinished) || !errors.Is(err, context.Canceled) {
			t.Fatalf("%d: %v", at, err)
		}
		if _, err := Open(o.Out, OpenOptions{}); err == nil {
			t.Errorf("%d: what is unfinished opens", at)
		}
		// Without --resume it stays as it is.
		o.Resume, o.Progress = false, nil
		if p, err = NewPlan(o); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(t.Context()); err == nil || !strings.Contains(err.Error(), "go on with --resume, or start again with --overwrite") {
			t.Errorf("%d: %v", at, err)
		}
		o.Resume = true
		if at == 500 { // a damaged shard is made once more
			path := filepath.Join(parent, ".data.unfinished", "result", "fields-00002.bin")
			if err := os.Truncate(path, 100); err != nil {
				t.Fatal(err)
			}
		}
		first := -1
		o.Progress = func(phase string, done, total int) {
			if first < 0 {
				first = done
			}
		}
		prepare(t, o)
		if at >= 64 && first == 0 {
			t.Errorf("%d: began anew", at)
		}
		sameTree(t, treeOf(t, o.Out), want)
		if entries, _ := os.ReadDir(parent); len(entries) != 1 {
			t.Errorf("%d: left behind: %v", at, entries)
		}
	}
}

func TestResumeOfAnotherRun(t *testing.T) {
	o := resumeOptions(t, filepath.Join(t.TempDir(), "data"))
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(phase string, done, total int) {
		if done == 200 {
			cancel()
		}
	}
	p, err := NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(ctx); !errors.Is(err, ErrUnfinished) {
		t.Fatal(err)
	}
	o.Progress, o.Method, o.Inputs = nil, regrid.Conservative, o.Inputs[:1]
	if p, err = NewPlan(o); err != nil {
		t.Fatal(err)
	}
	_, err = p.Write(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the interrupted run cannot go on: method was bilinear with 0 valid and is conservative with 0 valid, times was 900") {
		t.Error(err)
	}
	o = resumeOptions(t, o.Out)
	prepare(t, o) // it is still there
}
