package stats

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
)

// values are those of testdata/numpy_stats.py.
func values(seed uint64, n int, mean, std float64, missing int) []float32 {
	out := make([]float32, n)
	x := seed
	for i := range out {
		x = x*6364136223846793005 + 1442695040888963407
		out[i] = float32(mean + std*(float64(x>>40)/(1<<24)-0.5))
		if missing > 0 && i%missing == 0 {
			out[i] = float32(math.NaN())
		}
	}
	return out
}

// TestNumPy compares with numpy.nanmean and numpy.nanstd in float64, the values
// coming in pieces of any length, and with ClimaX's formula for parts.
func TestNumPy(t *testing.T) {
	var cases []struct {
		Seed          uint64
		Mean, Std     float64
		Missing       int
		Lengths       []int
		WantMean      float64 `json:"want_mean"`
		WantStd       float64 `json:"want_std"`
		PublishedMean float64 `json:"published_mean"`
		PublishedStd  float64 `json:"published_std"`
		LastMean      float64 `json:"last_mean"`
		LastStd       float64 `json:"last_std"`
	}
	b, err := os.ReadFile("testdata/numpy.json")
	if err == nil {
		err = json.Unmarshal(b, &cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	worst := 0.0
	for _, c := range cases {
		near := func(what string, got, want, within float64) {
			t.Helper()
			d := math.Abs(got - want)
			if !(d <= within) {
				t.Errorf("seed %d: %s is %.17g, numpy has %.17g", c.Seed, what, got, want)
			}
		}
		total := 0
		for _, n := range c.Lengths {
			total += n
		}
		x := values(c.Seed, total, c.Mean, c.Std, c.Missing)
		// The second is on a level.
		col := NewCollector([]field.Channel{{Key: "a", Units: "K"}, {Key: "b_500", Level: 50000}})
		for _, n := range c.Lengths {
			part := x[:n]
			x = x[n:]
			for len(part) > 0 {
				k := min(len(part), 1+r.IntN(20000))
				col.Add(0, part[:k])
				col.Add(1, part[:k])
				part = part[k:]
			}
			col.EndPart()
		}
		right, err := col.Table(Right)
		if err != nil {
			t.Fatal(err)
		}
		a := right.Channels[0]
		// A mean near zero is as good as its values.
		near("mean", a.Mean, c.WantMean, 1e-12*max(math.Abs(c.WantMean), c.WantStd))
		near("std", a.Std, c.WantStd, 1e-12*c.WantStd)
		worst = max(worst, math.Abs(a.Mean-c.WantMean)/max(math.Abs(c.WantMean), c.WantStd), math.Abs(a.Std/c.WantStd-1))
		if a.Count+a.Missing != int64(total) || (a.Missing > 0) != (c.Missing > 0) {
			t.Errorf("seed %d: %d values and %d missing of %d", c.Seed, a.Count, a.Missing, total)
		}
		published, err := col.Table(AsPublished)
		if err != nil {
			t.Fatal(err)
		}
		a, b := published.Channels[0], published.Channels[1]
		// The formula is a difference of squares: what it loses is theirs.
		lost := 4e-16 * c.WantMean * c.WantMean / c.PublishedStd
		near("published mean", a.Mean, c.PublishedMean, 1e-12*max(math.Abs(c.PublishedMean), c.PublishedStd))
		near("published std", a.Std, c.PublishedStd, 1e-12*c.PublishedStd+lost)
		near("published mean on a level", b.Mean, c.LastMean, 1e-12*max(math.Abs(c.LastMean), c.LastStd))
		near("published std on a level", b.Std, c.LastStd, 1e-12*c.LastStd)
	}
	t.Logf("largest relative difference from numpy %.2g", worst)
}

// Merged in any order, moments are those of all values.
func TestMerge(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		x := values(r.Uint64(), 1+r.IntN(40000), 1000*r.NormFloat64(), 10, r.IntN(4))
		var all, left, right Moments
		all.Add(x)
		cut := r.IntN(len(x) + 1)
		left.Add(x[:cut])
		right.Add(x[cut:])
		right.Merge(left)
		if right.Count != all.Count || right.Missing != all.Missing || right.Min != all.Min && all.Count > 0 || right.Max != all.Max && all.Count > 0 {
			t.Fatalf("%+v, want %+v", right, all)
		}
		if all.Count > 0 && (math.Abs(right.Mean()-all.Mean()) > 1e-12*(math.Abs(all.Mean())+10) || math.Abs(right.Std()-all.Std()) > 1e-11*(all.Std()+1)) {
			t.Fatalf("mean %v std %v, want %v %v", right.Mean(), right.Std(), all.Mean(), all.Std())
		}
	}
}

func TestTable(t *testing.T) {
	col := NewCollector([]field.Channel{{Key: "geopotential_500", Level: 50000, Units: "m2 s-2"}, {Key: "land_sea_mask", Units: "1"}})
	nan := float32(math.NaN())
	if err := col.AddRecord([]float32{1, 3, nan, 7, 7, 7}); err != nil {
		t.Fatal(err)
	}
	table, err := col.Table(Right)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), FileName)
	if err := table.Write(path); err != nil {
		t.Fatal(err)
	}
	again, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := again.Find("geopotential_500")
	if err != nil || z != (Channel{"geopotential_500", "m2 s-2", 50000, 2, 1, 1, 3, 2, 1}) {
		t.Errorf("%+v (%v)", z, err)
	}
	x := []float32{1, 3, nan, 5}
	z.Normalize(x, x)
	if x[0] != -1 || x[1] != 1 || x[2] == x[2] || x[3] != 3 {
		t.Error(x)
	}
	z.Restore(x, x)
	if x[0] != 1 || x[1] != 3 || x[2] == x[2] || x[3] != 5 {
		t.Error(x)
	}
	mask, err := again.Find("land_sea_mask")
	if err != nil {
		t.Fatal(err)
	}
	mask.Normalize(x[:1], []float32{7})
	if x[0] != 0 {
		t.Errorf("what never changes normalises to %g", x[0])
	}
	if _, err := again.Find("t"); err == nil {
		t.Error("statistics of an unknown variable were found")
	}
	for text, want := range map[string]string{
		`{"mode":"right","channels":[]}`:                                     "no channels",
		`{"mode":"right","channels":[{"key":"a"},{"key":"a"}]}`:              "there twice",
		`{"mode":"right","channels":[{"key":"a","std":-1}]}`:                 "deviation -1",
		`{"mode":"right","channels":[{"key":"a","standard":1}]}`:             "unknown field",
		`{"mode":"wrong","channels":[{"key":"a","std":1}]}`:                  `mode "wrong"`,
		`{"mode":"right","channels":[{"key":"a","std":1}]} {}`:               "something follows",
		`{"mode":"right","channels":[{"key":"a","mean":null,"std":1e9999}]}`: "std",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// What is read can be written, reads back the same, and normalises.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"mode":"right","channels":[{"key":"t","units":"K","level_pa":50000,"mean":250,"std":12.5,"min":1,"max":2,"count":3,"missing":4}]}`))
	f.Add([]byte(`{"mode":"as-published","channels":[{"key":"t","mean":1e308,"std":5e-324}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		table, err := parse(text)
		if err != nil {
			return
		}
		b, err := json.Marshal(table)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse(b)
		if err != nil || !reflect.DeepEqual(again, table) {
			t.Fatalf("%+v reads back as %+v (%v)", table, again, err)
		}
		for _, c := range table.Channels {
			x := []float32{float32(c.Mean)}
			if c.Normalize(x, x); math.Abs(c.Mean) < 1e30 && c.Std > math.Abs(c.Mean) && math.Abs(float64(x[0])) > 1e-6 {
				t.Fatalf("%+v: the mean normalises to %g", c, x[0])
			}
		}
	})
}

func TestTableRefuses(t *testing.T) {
	for _, x := range []struct {
		value float64
		want  string
	}{{math.NaN(), "zg@500 has no values, 1 missing"}, {math.Inf(1), "zg@500 has 1 infinite"}} {
		col := NewCollector([]field.Channel{{Name: "zg", Key: "geopotential_500", Level: 50000}})
		col.Add(0, []float32{float32(x.value)})
		if _, err := col.Table(Right); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v, want %s", err, x.want)
		}
	}
	col := NewCollector(make([]field.Channel, 2))
	if err := col.AddRecord(make([]float32, 3)); err == nil {
		t.Error("three values are fields of two channels")
	}
}

// TestTenGigabytes streams as much as 10 GB of records with KIBAN_SLOW=1, and
// says what memory that took.
func TestTenGigabytes(t *testing.T) {
	records := 40
	if os.Getenv("KIBAN_SLOW") != "" {
		records = 25432
	}
	const channels, cells = 48, 32 * 64
	col := NewCollector(make([]field.Channel, channels))
	x := make([]float32, channels*cells)
	state := uint64(1)
	for range records {
		for i := range x {
			state = state*6364136223846793005 + 1442695040888963407
			x[i] = float32(state>>40) * (1.0 / (1 << 24))
		}
		if err := col.AddRecord(x); err != nil {
			t.Fatal(err)
		}
	}
	table, err := col.Table(Right)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range table.Channels {
		within := 5 / math.Sqrt(float64(c.Count))
		if math.Abs(c.Mean-0.5) > within || math.Abs(c.Std-math.Sqrt(1.0/12)) > within || c.Count != int64(records*cells) {
			t.Errorf("channel %d: mean %v std %v of %d", i, c.Mean, c.Std, c.Count)
		}
	}
	t.Logf("%.2f GB in records of %d kB; peak resident memory %s", float64(records)*4*channels*cells/1e9, 4*channels*cells/1000, peak())
}

// peak is the most memory that the process has held, as Linux tells it.
func peak() string {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	_, after, _ := strings.Cut(string(b), "VmHWM:")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}
