//go:build cgo && !nonetcdf

package netcdf

import (
	"os"
	"sync/atomic"
)

// servesArgument is what a program is started with to read for another.
const servesArgument = "netcdf-read"

var isolated atomic.Bool

// Isolate has NetCDF-4 files read by processes of their own, so that a file
// that makes the C libraries crash is an error and no more. Such a process is
// the program once more: a program that wants it calls Isolate first in main,
// and a test in TestMain. In a process that was started to read, Isolate does
// so and never returns.
//
// Without it, and on other systems than Linux, files are read in the process
// that opens them.
func Isolate() {
	if len(os.Args) == 2 && os.Args[1] == servesArgument {
		serve()
	}
	isolated.Store(true)
}
