package store

import (
	"os"
	"testing"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// Files are read by processes of their own, as kiban reads them, unless
// KIBAN_BENCH_INPROCESS is set: then the benchmarks say what that costs.
func TestMain(m *testing.M) {
	if os.Getenv("KIBAN_BENCH_INPROCESS") == "" {
		netcdf.Isolate()
	}
	os.Exit(m.Run())
}
