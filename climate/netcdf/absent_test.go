//go:build !cgo || nonetcdf

package netcdf

import "testing"

func TestOpenSaysHowToGetNetCDF(t *testing.T) {
	if _, err := Open("x.nc"); err == nil || err.Error() != "this kiban was built without NetCDF; install libnetcdf-dev and build without -tags nonetcdf" {
		t.Error(err)
	}
}
