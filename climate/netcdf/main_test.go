package netcdf

import (
	"os"
	"testing"
)

// The tests read as programs do that isolate what they read.
func TestMain(m *testing.M) {
	lie()
	Isolate()
	os.Exit(m.Run())
}
