package skill

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
)

func world(t testing.TB, rows, columns int) *field.Grid {
	t.Helper()
	lat, lon := make([]float64, rows), make([]float64, columns)
	for i := range lat {
		lat[i] = -90 + (float64(i)+0.5)*180/float64(rows)
	}
	for i := range lon {
		lon[i] = float64(i) * 360 / float64(columns)
	}
	g, err := field.NewGrid(lat, lon, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// values are those of testdata/scores.py.
func values(seed uint64, n int, mean, std float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		seed = seed*6364136223846793005 + 1442695040888963407
		out[i] = float32(mean + std*(float64(seed>>40)/(1<<24)-0.5))
	}
	return out
}

var temperature = field.Channel{Name: "ta", Key: "temperature_500", Units: "K", Level: 50000}

func TestNumPy(t *testing.T) {
	var cases []struct {
		Holes  bool
		Region string
		Want   map[string]map[string]float64
	}
	text, err := os.ReadFile("testdata/scores.json")
	if err == nil {
		err = json.Unmarshal(text, &cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	const times, members, cells, columns = 7, 5, 48, 8
	g := world(t, 6, columns)
	truth, clim := values(1, times*cells, 280, 20), values(2, times*cells, 279, 10)
	all := values(3, times*members*cells, 281, 20)
	worst, compared := 0.0, 0
	for _, c := range cases {
		truth, all := slices.Clone(truth), slices.Clone(all)
		if c.Holes {
			nan := float32(math.NaN())
			for i := range times {
				truth[i*cells+2*columns+3] = nan
				all[(i*members+1)*cells+4*columns+5] = nan
			}
			for i := range cells {
				truth[cells+i] = nan
			}
			for i := range columns {
				truth[4*cells+i] = nan
			}
		}
		var regions []field.Region
		if c.Region != "global" {
			r, err := field.ParseRegion(c.Region, "")
			if err != nil {
				t.Fatal(err)
			}
			regions = append(regions, r)
		}
		for _, published := range []bool{false, true} {
			b, err := NewBoard(g, regions, Options{Published: published, Batch: 3, Projection: true})
			if err != nil {
				t.Fatal(err)
			}
			for i := range times {
				var f [][]float32
				for j := range members {
					f = append(f, all[(i*members+j)*cells:][:cells])
				}
				o, cl := truth[i*cells:][:cells], clim[i*cells:][:cells]
				if err := b.Add("single", temperature, 24, f[0], o, cl); err != nil {
					t.Fatal(err)
				}
				if err := b.AddEnsemble("mean", temperature, 24, f, o, cl); err != nil {
					t.Fatal(err)
				}
			}
			table := b.Table()
			check := func(model, metric string, want float64) {
				got, ok := table.Find(model, "ta", 500, c.Region, 24, metric)
				d := math.Abs(got - want)
				if !ok || !(d < 1e-10) {
					t.Errorf("holes %v, %s, %s, published %v: %s is %.15g (%v), want %.15g", c.Holes, c.Region, model, published, metric, got, ok, want)
				}
				worst = max(worst, d)
				compared++
			}
			for _, model := range []string{"single", "mean"} {
				want := c.Want[model]
				check(model, "mae", want["mae"])
				check(model, "bias", want["bias"])
				check(model, "nrmse_spatial", want["nrmse_spatial"])
				check(model, "nrmse_global", want["nrmse_global"])
				check(model, "nrmse", want["nrmse"])
				if !published {
					check(model, "rmse", want["rmse"])
					check(model, "acc", want["acc"])
				} else if !c.Holes {
					check(model, "rmse", want["published_rmse"])
					check(model, "acc", want["published_acc"])
				}
			}
			for metric, want := range c.Want["ensemble"] {
				check("mean", metric, want)
			}
			if n := table[0].N; n != int(c.Want["single"]["n"]) {
				t.Errorf("%d times, want %g", n, c.Want["single"]["n"])
			}
		}
	}
	t.Logf("largest difference from numpy %.2g over %d scores", worst, compared)
}

// What must hold of any field.
func TestProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	g := world(t, 8, 12)
	noise := func() []float32 {
		out := make([]float32, g.Size())
		for i := range out {
			if out[i] = float32(10 * r.NormFloat64()); r.IntN(9) == 0 {
				out[i] = float32(math.NaN())
			}
		}
		return out
	}
	for range 20 {
		b, err := NewBoard(g, nil, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			truth, clim, f := noise(), noise(), noise()
			shifted, opposite := slices.Clone(truth), slices.Clone(truth)
			for i := range truth {
				shifted[i] += 3
				opposite[i] = 2*clim[i] - truth[i]
			}
			for _, err := range []error{
				b.Add("truth", temperature, 6, truth, truth, clim),
				b.Add("shifted", temperature, 6, shifted, truth, nil),
				b.Add("opposite", temperature, 6, opposite, truth, clim),
				b.Add("climatology", temperature, 6, clim, truth, clim),
				b.AddEnsemble("one", temperature, 6, [][]float32{f}, truth, clim),
				b.AddEnsemble("twins", temperature, 6, [][]float32{f, f}, truth, clim),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		table := b.Table()
		is := func(model, metric string, want float64) {
			t.Helper()
			got, ok := table.Find(model, "ta", 500, "global", 6, metric)
			if !ok || !(math.Abs(got-want) < 1e-5) && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Errorf("%s: %s is %v (%v), want %v", model, metric, got, ok, want)
			}
		}
		is("truth", "rmse", 0)
		is("truth", "acc", 1)
		is("shifted", "rmse", 3)
		is("shifted", "bias", 3)
		is("shifted", "mae", 3)
		is("opposite", "acc", -1)
		is("climatology", "acc", math.NaN())
		mae, _ := table.Find("one", "ta", 500, "global", 6, "mae")
		is("one", "crps", mae)
		is("twins", "crps", mae)
		is("twins", "crps_fair", mae)
		is("twins", "spread", 0)
		if _, ok := table.Find("one", "ta", 500, "global", 6, "crps_fair"); ok {
			t.Error("one member has a fair CRPS")
		}
		if _, ok := table.Find("shifted", "ta", 500, "global", 6, "acc"); ok {
			t.Error("there is an ACC without a climatology")
		}
	}
}

// The fair CRPS of draws from the truth's distribution does not depend on how
// many there are; the plain one does.
func TestFairCRPS(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	g := world(t, 16, 32)
	draw := func() []float32 {
		out := make([]float32, g.Size())
		for i := range out {
			out[i] = float32(r.NormFloat64())
		}
		return out
	}
	b, err := NewBoard(g, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 60 {
		truth := draw()
		for _, m := range []int{2, 10} {
			var members [][]float32
			for range m {
				members = append(members, draw())
			}
			if err := b.AddEnsemble([]string{2: "two", 10: "ten"}[m], temperature, 6, members, truth, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	table := b.Table()
	find := func(model, metric string) float64 {
		v, _ := table.Find(model, "ta", 500, "global", 6, metric)
		return v
	}
	// E|X-Y|-E|X-X'|/2 of normals is 1/sqrt(pi) = 0.5642.
	for _, model := range []string{"two", "ten"} {
		if v := find(model, "crps_fair"); math.Abs(v-0.5642) > 0.015 {
			t.Errorf("%s: fair CRPS %.4f, want 0.5642", model, v)
		}
		if v := find(model, "spread"); math.Abs(v-1) > 0.02 {
			t.Errorf("%s: spread %.4f, want 1", model, v)
		}
	}
	if two := find("two", "crps"); math.Abs(two-0.5642*1.5) > 0.02 {
		t.Errorf("CRPS of two %.4f, want %.4f", two, 0.5642*1.5)
	}
}

func TestRefuses(t *testing.T) {
	g := world(t, 4, 8)
	if _, err := NewBoard(g, []field.Region{{Name: "dot", Boxes: []field.Box{{West: 1, East: 2, South: 1, North: 2}}}}, Options{}); err == nil || !strings.Contains(err.Error(), "no cell has its centre in region dot") {
		t.Error(err)
	}
	b, err := NewBoard(g, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, g.Size())
	if err := b.Add("m", temperature, 6, x[1:], x, nil); err == nil || !strings.Contains(err.Error(), "ta@500 of m: member 0 has 31 values") {
		t.Error(err)
	}
	if err := b.Add("m", temperature, 6, x, x, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.AddEnsemble("m", temperature, 6, [][]float32{x}, x, nil); err == nil || !strings.Contains(err.Error(), "mixed") {
		t.Error(err)
	}
}

func TestCSV(t *testing.T) {
	table := Table{
		{"kiban", "ta", 500, "climax:NorthAmerica", 72, "rmse", 1.5, "K", 12},
		{"climatology", "tas", 0, "0,10,20,30", 6, "acc", Number(math.NaN()), "1", 3},
	}
	var b bytes.Buffer
	if err := table.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	want := "model,variable,level,region,lead_hours,metric,value,units,n\n" +
		"kiban,ta,500,climax:NorthAmerica,72,rmse,1.5,K,12\n" +
		"climatology,tas,,\"0,10,20,30\",6,acc,,1,3\n"
	if b.String() != want {
		t.Errorf("%s, want %s", b.String(), want)
	}
	text, err := json.Marshal(table)
	if err != nil || !strings.Contains(string(text), `"value":null`) {
		t.Errorf("%s (%v)", text, err)
	}
	var again Table
	if err := json.Unmarshal(text, &again); err != nil || again[0] != table[0] || !math.IsNaN(float64(again[1].Value)) {
		t.Errorf("%v (%v)", again, err)
	}
}
