//go:build linux && cgo && !nonetcdf

package netcdf

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	clib "github.com/fhs/go-netcdf/netcdf"
	"golang.org/x/sys/unix"
)

// HDF5 prints its errors, those that libnetcdf expects too, unless it is told
// not to on every thread.
func TestNothingPrinted(t *testing.T) {
	path := writeSample(t, clib.NETCDF4)
	said, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	must(t, err)
	defer said.Close()
	kept, err := unix.Dup(2)
	must(t, err)
	must(t, unix.Dup2(int(said.Fd()), 2))
	var wait sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wait.Go(func() {
			runtime.LockOSThread() // and never unlocked: each has a thread of its own
			l, _, err := openLibrary(path, 1<<20)
			if err == nil {
				err = l.close()
			}
			errs[i] = err
		})
	}
	wait.Wait()
	must(t, unix.Dup2(kept, 2))
	must(t, errors.Join(errs...))
	if b, err := os.ReadFile(said.Name()); err != nil || len(b) > 0 {
		t.Errorf("on stderr: %v\n%s", err, b)
	}
}
