//go:build !cgo || nonetcdf

package netcdf

import (
	"errors"
	"fmt"
)

// errAbsent is the answer of a build that has no NetCDF library.
var errAbsent = errors.New("this kiban was built without NetCDF; install libnetcdf-dev and build without -tags nonetcdf")

var errAbsentHDF5 = errors.New("is a NetCDF-4 file, and this kiban was built without NetCDF; install libnetcdf-dev and build without -tags nonetcdf, or convert the file with nccopy -k cdf5")

// openHDF5 refuses: this build reads classic files only.
func openHDF5(path string, in input) (source, content, error) {
	return nil, content{}, errors.Join(errAbsentHDF5, in.f.Close())
}

// LibraryVersion is the version of the C library, "" in a build without it.
func LibraryVersion() string { return "" }

// Writer writes a NetCDF-4 file; this build writes none.
type Writer struct{}

// Create refuses: this build writes nothing.
func Create(path string, s Schema) (*Writer, error) {
	if err := s.valid(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return nil, errAbsent
}

// Put refuses as Create does.
func (*Writer) Put(string, []int, []int, any) error { return errAbsent }

// Commit refuses as Create does.
func (*Writer) Commit() error { return errAbsent }

// Abort does nothing.
func (*Writer) Abort() error { return nil }
