package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
)

// sharedData is the folder of real files, if this is the checkout that has it.
func sharedData(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs("../../../shared/data/climate")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs the shared data: %v", err)
	}
	return dir
}

// Stores made of real files hold, bit for bit, what xarray reads of them:
// classic and NetCDF-4, one file or several, levels, four calendars, missing
// values, times at which a field is empty.
func TestEqualsXarray(t *testing.T) {
	shared := sharedData(t)
	b, err := os.ReadFile("testdata/prepared.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Files     string
		Variables []string
		Records   int
		Empty     int
		Values    string `json:"values_sha256"`
		Times     string `json:"times_sha256"`
		Mean, Std []float64
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, want := range all {
		t.Run(filepath.Base(want.Files), func(t *testing.T) {
			pattern := want.Files
			if !filepath.IsAbs(pattern) {
				pattern = filepath.Join(shared, pattern)
			}
			paths, err := filepath.Glob(pattern)
			if err != nil || len(paths) == 0 {
				t.Skipf("%s is not there; Debian's ferret-datasets has the winds", pattern)
			}
			in, err := field.Open(paths, field.Options{Variables: want.Variables, Model: true, AllowGaps: true, AllowEmpty: true})
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			s := prepare(t, Options{Inputs: []Input{{Member: in.Dataset.Member, Series: in}}, Out: filepath.Join(t.TempDir(), "d"), Empty: DropEmpty})
			if s.Len() != want.Records {
				t.Fatalf("%d records, xarray has %d and %d empty ones", s.Len(), want.Records, want.Empty)
			}
			values, times := sha256.New(), sha256.New()
			x := make([]float32, s.Grid().Size())
			line := make([]byte, 4*len(x))
			for r, d := range s.Times() {
				if r > 0 {
					times.Write([]byte("\n"))
				}
				d.Millisecond = 0
				times.Write([]byte(d.String()))
				for c := range s.Channels() {
					if err := s.Field(x, r, c); err != nil {
						t.Fatal(err)
					}
					for i, v := range x {
						bits := math.Float32bits(v)
						if v != v {
							bits = 0x7fc00000
						}
						binary.LittleEndian.PutUint32(line[4*i:], bits)
					}
					values.Write(line)
				}
			}
			if got := hex.EncodeToString(values.Sum(nil)); got != want.Values {
				t.Errorf("values differ from xarray's: %s, want %s", got, want.Values)
			}
			if got := hex.EncodeToString(times.Sum(nil)); got != want.Times {
				t.Errorf("times differ from xarray's, %s to %s", s.Times()[0], s.Times()[s.Len()-1])
			}
			for i, c := range s.Channels() {
				if math.Abs(c.Mean-want.Mean[i]) > 1e-12*c.Std || math.Abs(c.Std-want.Std[i]) > 1e-12*c.Std {
					t.Errorf("%s: mean %v and deviation %v, numpy has %v and %v", c.Key, c.Mean, c.Std, want.Mean[i], want.Std[i])
				}
			}
		})
	}
}

// Files that do not fit together are refused, and the error names file and
// variable.
func TestRealFilesThatDoNotFit(t *testing.T) {
	shared := sharedData(t)
	for _, x := range []struct {
		files []string
		o     field.Options
		want  string
	}{
		{[]string{"esgf/tas_day_CESM2-WACCM_historical_r1i1p1f1_gn_20000101-20091231.nc", "cmip6/ta_day_CESM2-WACCM_historical_r1i1p1f1_gn_20000101-20091231.nc"}, field.Options{},
			"is on another grid than"},
		{[]string{"esgf/psl_ERA5_mon_194001-202212.nc"}, field.Options{Variables: []string{"tas"}}, "has no variable tas"},
		{[]string{"esgf/tas_Amon_FGOALS-g3_historical_r1i1p1f1_gn_185001.nc"}, field.Options{Variables: []string{"tas"}, Units: map[string]string{"tas": "Pa"}}, `variable tas: units are "Pa", which "K" cannot be made of`},
		{[]string{"odd/truncated_A1B_half.nc"}, field.Options{}, "truncated_A1B_half.nc: "},
	} {
		var paths []string
		for _, f := range x.files {
			paths = append(paths, filepath.Join(shared, f))
		}
		x.o.Model = true
		s, err := field.Open(paths, x.o)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v: %v, want %s", x.files, err, x.want)
		}
	}
}
