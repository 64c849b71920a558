//go:build cgo && !nonetcdf

package netcdf

// openHDF5 opens a file of NetCDF-4.
func openHDF5(path string, in input) (source, content, error) {
	l, c, err := openLibrary(path, in.size)
	in.f.Close() // opened for reading: nothing is lost
	if err != nil {
		return nil, c, err
	}
	return l, c, nil
}
