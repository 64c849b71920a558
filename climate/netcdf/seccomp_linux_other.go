//go:build linux && !amd64 && cgo && !nonetcdf

package netcdf

var olderCalls []uintptr
