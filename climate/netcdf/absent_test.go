//go:build !cgo || nonetcdf

package netcdf

import (
	"strings"
	"testing"
)

func TestAbsentSaysHowToGetNetCDF(t *testing.T) {
	const how = "this kiban was built without NetCDF; install libnetcdf-dev and build without -tags nonetcdf"
	if _, err := Create("x.nc", Schema{}); err == nil || err.Error() != how {
		t.Error(err)
	}
	if _, err := openBytes(t, []byte(signatureHDF5+strings.Repeat("\x00", 100))); err == nil || !strings.Contains(err.Error(), "is a NetCDF-4 file, and "+how) {
		t.Error(err)
	}
}
