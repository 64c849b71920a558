package skill

import (
	"math"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
)

// TestPearson is Pearson's formula in two passes, of numbers whose mean is a
// thousand times their deviation, over times and cells at once; what is missing in
// one counts in neither.
func TestPearson(t *testing.T) {
	g := world(t, 6, 8)
	const times = 5
	n := g.Size()
	truth, made := values(1, times*n, 280000, 500), values(2, times*n, 280000, 300)
	for i := range made {
		made[i] += truth[i] - 280000
		if i%11 == 0 {
			truth[i] = float32(math.NaN())
		}
	}
	for _, published := range []bool{false, true} {
		b, err := NewBoard(g, nil, Options{Correlation: true, Published: published})
		if err != nil {
			t.Fatal(err)
		}
		for k := range times {
			if err := b.Add("m", field.Channel{Name: "z", Units: "m"}, 0, made[k*n:][:n], truth[k*n:][:n], nil); err != nil {
				t.Fatal(err)
			}
		}
		areas := g.Areas()
		weight := func(i int) float64 {
			switch {
			case truth[i] != truth[i]:
				return 0
			case published:
				return 1
			}
			return areas[i%n]
		}
		var w, a, o, ab, aa, bb float64
		for i := range made {
			if x := weight(i); x > 0 {
				w, a, o = w+x, a+x*float64(made[i]), o+x*float64(truth[i])
			}
		}
		for i := range made {
			if x := weight(i); x > 0 {
				p, q := float64(made[i])-a/w, float64(truth[i])-o/w
				ab, aa, bb = ab+x*p*q, aa+x*p*p, bb+x*q*q
			}
		}
		want := ab / math.Sqrt(aa*bb)
		got, ok := b.Table().Find("m", "z", 0, "global", 0, "pearson")
		if !ok || math.Abs(got-want) > 1e-9 || want < 0.5 || want > 0.95 {
			t.Errorf("published %v: %v, wanted %v", published, got, want)
		}
	}
	// Without being asked for there is none.
	b, err := NewBoard(g, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Add("m", field.Channel{Name: "z"}, 0, made[:n], truth[:n], nil); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Table().Find("m", "z", 0, "global", 0, "pearson"); ok {
		t.Error("a correlation that nobody asked for")
	}
}
