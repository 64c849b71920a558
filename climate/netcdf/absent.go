//go:build !cgo || nonetcdf

package netcdf

import "errors"

// errAbsent is the answer of a build that has no NetCDF library.
var errAbsent = errors.New("this kiban was built without NetCDF; install libnetcdf-dev and build without -tags nonetcdf")

// File is an open NetCDF file; this build opens none.
type File struct{}

// Open refuses: this build has no NetCDF.
func Open(path string) (*File, error) {
	if _, err := checkPath(path); err != nil {
		return nil, err
	}
	return nil, errAbsent
}

// LibraryVersion is the version of the C library, "" in a build without it.
func LibraryVersion() string { return "" }

// Close does nothing.
func (*File) Close() error { return nil }

// Describe refuses as Open does.
func (*File) Describe() (Description, error) { return Description{}, errAbsent }

// ReadFloat64 refuses as Open does.
func (*File) ReadFloat64(string, []int, []int) ([]float64, error) { return nil, errAbsent }

// ReadFloat32 refuses as Open does.
func (*File) ReadFloat32(string, []int, []int) ([]float32, error) { return nil, errAbsent }

// ReadInto refuses as Open does.
func (*File) ReadInto(string, []int, []int, []float32) error { return errAbsent }

// Writer writes a NetCDF-4 file; this build writes none.
type Writer struct{}

// Create refuses as Open does.
func Create(path string, s Schema) (*Writer, error) { return nil, errAbsent }

// Put refuses as Open does.
func (*Writer) Put(string, []int, []int, any) error { return errAbsent }

// Commit refuses as Open does.
func (*Writer) Commit() error { return errAbsent }

// Abort does nothing.
func (*Writer) Abort() error { return nil }
