//go:build !cgo || nonetcdf

package main

// netcdfRows are none: this build has no NetCDF.
func netcdfRows() []row { return nil }
