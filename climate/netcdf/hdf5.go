//go:build cgo && !nonetcdf

package netcdf

// openHDF5 opens a file of NetCDF-4: in a process of its own, if the program
// has arranged for it.
func openHDF5(path string, in input) (source, content, error) {
	if s, c, ok, err := openApart(in); ok || err != nil {
		return s, c, err
	}
	l, c, err := openChecked(path, in)
	in.f.Close() // opened for reading: nothing is lost
	if err != nil {
		return nil, c, err
	}
	return l, c, nil
}

// openChecked opens a file of NetCDF-4 with the C library, if nothing in it asks
// for more than the file.
func openChecked(path string, in input) (*libraryFile, content, error) {
	filtered, err := walkHDF5(in.f, in.size, in.at)
	if err != nil {
		return nil, content{}, err
	}
	l, c, err := openLibrary(path, in.size)
	if err == nil {
		c.walk(func(path string, v *Variable) {
			if s := filtered[path]; s != "" && v.Unsupported == "" {
				v.Unsupported = s
			}
		})
	}
	return l, c, err
}
