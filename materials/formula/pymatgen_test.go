package formula

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestPymatgen compares compositions and masses with pymatgen's (the script
// beside the fixture says which version), whose table of weights is older.
func TestPymatgen(t *testing.T) {
	f, err := os.Open("testdata/pymatgen.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]struct {
		Elements map[string]float64
		Mass     float64
	}
	if err := json.NewDecoder(z).Decode(&all); err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for text, want := range all {
		g, err := Parse(text)
		if err != nil {
			t.Error(err)
			continue
		}
		c, _ := g.Composition()
		var w Composition
		for e, n := range want.Elements {
			w = append(w, Component{e, Number(n)})
		}
		if !c.Equal(w, 1e-8) {
			t.Errorf("%s: %v, pymatgen %v", text, c.Alphabetical(), w.Alphabetical())
		}
		mass, ok := g.Mass()
		if d := math.Abs(mass/want.Mass - 1); !ok || d > 1e-3 {
			t.Errorf("%s: mass %v (known %t), pymatgen %v", text, mass, ok, want.Mass)
		} else {
			worst = max(worst, d)
		}
	}
	if len(all) < 1000 {
		t.Errorf("only %d formulas", len(all))
	}
	t.Logf("%d formulas; masses differ by up to %.1e", len(all), worst)
}
