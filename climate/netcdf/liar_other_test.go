//go:build !linux || !cgo || nonetcdf

package netcdf

func lie() {}
