package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// What is said of each of the odd files that others test their readers with.
func TestClimateOddFiles(t *testing.T) {
	if netcdf.LibraryVersion() == "" {
		t.Skip("this build has no NetCDF")
	}
	dir := filepath.Join("..", "..", "..", "shared", "data", "climate", "odd")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Skipf("no shared data: %v", err)
	}
	const cut = "is truncated: it has 912014 of 1824028 bytes; the file is damaged or cut off: compare its size or checksum with the source and copy it again"
	const none = "has no field of latitude and longitude; kiban climate inspect says what it holds"
	// What inspect shows, "" for an error that is prepare's, and what prepare answers.
	want := map[string][2]string{
		"20171025_2056.Cloud_Top_Height.nc": {"HT  ", "variable HT: is on a rotated or projected grid (y, projection_y_coordinate); remap it"},
		"issue1152.nc":                      {"NetCDF-4", none},
		"ref_hdf5_compat2.nc":               {"NetCDF-4", "variable y: dimension x has no coordinate variable; wanted one with units degrees_north or degrees_east"},
		"ref_nctest_classic.nc":             {"classic", "variable bb: dimension kk has 3 values and is none of time, level, latitude and longitude; pick one of them, as kk=0"},
		"ref_no_ncproperty.nc":              {"NetCDF-4", none},
		"ref_null_byte_padding_test.nc":     {"64-bit offset", none},
		"ref_test_360_day_1900.nc":          {"360_day", none},
		"ref_test_365_day_1900.nc":          {"noleap", none},
		"ref_tst_compounds.nc":              {"compound", none},
		"tiny.nc":                           {"classic", none},
		"truncated_A1B_half.nc":             {"", cut},
		"ubyte.nc":                          {"classic", none},
	}
	for _, f := range files {
		x, ok := want[f.Name()]
		if !ok {
			t.Errorf("%s: nobody says what is wanted of it", f.Name())
			continue
		}
		path := filepath.Join(dir, f.Name())
		code, out, said := kibanSays("climate", "inspect", path)
		if x[0] == "" {
			if code != exitFailed || out != "" || !strings.HasPrefix(said, "kiban: "+path+": "+x[1]) {
				t.Errorf("inspect %s: code %d, %q, %q", f.Name(), code, out, said)
			}
		} else if code != exitDone || !strings.Contains(out, x[0]) {
			t.Errorf("inspect %s: code %d, %s%s\nwant %q", f.Name(), code, out, said, x[0])
		}
		to := filepath.Join(t.TempDir(), "out")
		code, out, said = kibanSays("climate", "prepare", path, "-o", to)
		if code != exitFailed || out != "" || !strings.Contains(said, "kiban: "+path+": "+x[1]) {
			t.Errorf("prepare %s: code %d, %q, %s\nwant %q", f.Name(), code, out, said, x[1])
		}
		if _, err := os.Stat(to); err == nil {
			t.Errorf("prepare %s: left %s", f.Name(), to)
		}
	}
}
