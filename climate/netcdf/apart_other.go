//go:build !linux && cgo && !nonetcdf

package netcdf

// openApart has no processes to read with here.
func openApart(input) (source, content, bool, error) { return nil, content{}, false, nil }
