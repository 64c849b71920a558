package figure

import (
	"bytes"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"
	"gonum.org/v1/plot/plotter"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

// samples are the pictures of the golden tests: each kind once, with the
// things that go wrong in layout (long names, close baselines, negatives).
func samples(t *testing.T) map[string]*Figure {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	must := func(f *Figure, err error) *Figure {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	var train, eval Series
	train.Name, eval.Name = "training", "validation"
	for i := range 5000 {
		x := float64(i + 1)
		l := 2.2 + 0.9*math.Exp(-x/900)
		train.X, train.Y = append(train.X, x), append(train.Y, l+0.05*r.NormFloat64())
		if i%250 == 0 {
			eval.X, eval.Y = append(eval.X, x), append(eval.Y, l+0.06)
		}
	}
	var a, b []float64
	for range 900 {
		a = append(a, 80+25*r.NormFloat64())
		b = append(b, 95+30*r.NormFloat64())
	}
	var ppl []float64
	for range 200 {
		ppl = append(ppl, math.Exp(2.3+0.5*r.NormFloat64()))
	}
	var grid [][]float64
	for i := range 12 {
		var row []float64
		for j := range 16 {
			row = append(row, math.Exp(-math.Abs(float64(i-j))/3))
		}
		grid = append(grid, row)
	}
	grid[3][9] = math.NaN()
	aa := strings.Split("ACDEFGHIKLMNPQRSTVWY", "")
	var lr []float64
	for i := range aa {
		lr = append(lr, math.Sin(float64(i)))
	}
	var lr2 []float64
	for range 300 {
		lr2 = append(lr2, r.Float64())
	}
	var nodes []NetworkNode
	var edges [][2]int
	for i := range 24 {
		nodes = append(nodes, NetworkNode{Name: "n", X: math.Cos(float64(i)/4) * float64(i), Y: math.Sin(float64(i)/4) * float64(i), Group: i % 3 / 2})
		if i > 0 && i%5 != 0 {
			edges = append(edges, [2]int{i - 1, i})
		}
	}
	return map[string]*Figure{
		"curve": must(Curve([]Series{train, eval}, Options{
			Title: "Loss falls below the unigram baseline", Subtitle: "5,000 steps; validation n = 812 sequences",
			XLabel: "Step", YLabel: "Loss (nats per token)",
			Baselines: []Baseline{{"uniform", 2.996}, {"unigram", 2.89}}})),
		"ends": must(Curve([]Series{
			{Name: "model", X: []float64{1, 2, 3}, Y: []float64{1, 1.8, 2.5}, Style: &Style{Colour: Colour(2)}},
			{Name: "persistence", X: []float64{1, 2, 3}, Y: []float64{1.4, 2.6, 3.2}},
			{Name: "climatology, which is long", X: []float64{1, 2, 3}, Y: []float64{2.55, 2.52, 2.53}, Style: &Style{Colour(0), 3}},
			{Name: "short", X: []float64{1, 2, 3}, Y: []float64{2, 2.1, math.NaN()}}},
			Options{Title: "Curves named at their ends", XLabel: "Lead time (days)", YLabel: "RMSE (K)", Points: true, EndLabels: true})),
		"histogram": must(Histogram([]Sample{{"generated", a}, {"training", b[:400]}}, 0, Options{
			Title: "Length of generated and training sequences", XLabel: "Length (residues)"})),
		"marks": must(Histogram([]Sample{{"identity", lr2}}, 20, Options{Title: "Identity to the nearest", XLabel: "Identity (share)",
			XMarks: []Baseline{{"30 %", 0.3}, {"50 %", 0.5}, {"90 %", 0.9}}})),
		"steps": must(Steps(0, 1, []float64{3, 0, 12, 7}, Options{Title: "Counts", XLabel: "Identity (share)", YLabel: "Sequences",
			XMarks: []Baseline{{"50 %", 0.5}, {"half", 0.52}}})),
		"network": must(Network(nodes, edges, []string{"natural", "generated"}, Options{Title: "Two groups"})),
		"ranking": must(Ranking(ppl, Options{Title: "Perplexity of 200 generated sequences",
			XLabel: "Rank (lowest first)", YLabel: "Perplexity", LogY: true,
			Baselines: []Baseline{{"unigram", 17.6}, {"uniform", 20}, {"training", 9.8}}})),
		"bars": must(Bars(aa, lr, Options{Title: "Composition against training",
			XLabel: "Amino acid", YLabel: "log2 ratio"})),
		"grouped": must(GroupedBars([]string{"single crystal", "thin film", "powder"},
			[]Group{{"precision", []float64{0.8, 0.7, 0.92}}, {"recall", []float64{0.6, 0.75, 0.9}}, {"F1", []float64{0.69, 0.72, 0.91}}},
			Options{Title: "Scores by type", YLabel: "Score", Baselines: []Baseline{{"majority", 0.41}}})),
		"heatmap": must(HeatMap(Grid{Values: grid, Unit: "Attention (share)"}, Options{
			Title: "Attention of layer 1, head 2", XLabel: "Key position", YLabel: "Query position"})),
	}
}

func TestGolden(t *testing.T) {
	for name, f := range samples(t) {
		t.Run(name, func(t *testing.T) {
			got, err := f.png(Single, 110)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".png")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			same, err := cmpimg.EqualApprox("png", got, want, 0.05)
			if err != nil {
				t.Fatal(err)
			}
			if !same {
				t.Errorf("%s differs from the picture in %s; look at both, then run with -update", name, path)
			}
		})
	}
}

func TestSaveIsWholeAndReproducible(t *testing.T) {
	f := samples(t)["grouped"]
	dir := t.TempDir()
	names, err := Save(f, filepath.Join(dir, "new", "a"), Single)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Save(samples(t)["grouped"], filepath.Join(dir, "new", "b"), Single); err != nil {
		t.Fatal(err)
	}
	if len(names) != 3 {
		t.Fatalf("wrote %v, want svg, png and csv", names)
	}
	for _, ext := range []string{".svg", ".png", ".csv"} {
		a, err := os.ReadFile(filepath.Join(dir, "new", "a"+ext))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "new", "b"+ext))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs between two runs on the same input", ext)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "new", ".*")); len(left) > 0 {
		t.Errorf("temporary files left: %v", left)
	}
	svg, _ := os.ReadFile(filepath.Join(dir, "new", "a.svg"))
	if !bytes.Contains(svg, []byte("'Liberation Sans',Arial,Helvetica,sans-serif")) || bytes.Contains(svg, []byte("Serif")) {
		t.Error("svg does not name the sans-serif fonts with fallbacks")
	}
	data, _ := os.ReadFile(filepath.Join(dir, "new", "a.csv"))
	if !strings.HasPrefix(string(data), "category,group,value\nsingle crystal,precision,0.8\n") ||
		!strings.Contains(string(data), "baseline majority,,0.41\n") {
		t.Errorf("csv is\n%s", data)
	}
}

func TestThinKeepsSpikes(t *testing.T) {
	var pts plotter.XYs
	for i := range 100_000 {
		pts = append(pts, plotter.XY{X: float64(i), Y: math.Sin(float64(i) / 5000)})
	}
	pts[41_234].Y = 99
	got := thin(pts, maxPoints)
	if len(got) > maxPoints || len(got) < maxPoints/2 {
		t.Fatalf("kept %d points, want at most %d and most of them", len(got), maxPoints)
	}
	seen := false
	for i, p := range got {
		seen = seen || p.Y == 99
		if i > 0 && p.X < got[i-1].X {
			t.Fatalf("point %d goes back from x %v to %v", i, got[i-1].X, p.X)
		}
	}
	if !seen || got[0] != pts[0] || got[len(got)-1] != pts[len(pts)-1] {
		t.Error("the spike or an end point is lost")
	}
}

func TestColourMaps(t *testing.T) {
	for name, m := range map[string]*ColourMap{"viridis": Viridis(), "cividis": Cividis()} {
		last := -1.0
		for i, c := range m {
			l := toLab(c)[0]
			if l < last-0.35 { // 8-bit rounding
				t.Errorf("%s: lightness falls at %d from %.2f to %.2f", name, i, last, l)
			}
			last = l
		}
	}
	d := Diverging()
	if d[0].B <= d[0].R || d[255].R <= d[255].B || toLab(d[127])[0] < 95 {
		t.Errorf("diverging ends or middle are wrong: %v %v %v", d[0], d[127], d[255])
	}
	if got := fromLab(toLab(Colour(1))); got != Colour(1) {
		t.Errorf("Lab and back gives %v, want %v", got, Colour(1))
	}
}

func TestBadInputIsAnError(t *testing.T) {
	nan := math.NaN()
	for name, f := range map[string]func() (*Figure, error){
		"no series":   func() (*Figure, error) { return Curve(nil, Options{}) },
		"unequal":     func() (*Figure, error) { return Curve([]Series{{X: []float64{1}, Y: nil}}, Options{}) },
		"all missing": func() (*Figure, error) { return Curve([]Series{{X: []float64{1}, Y: []float64{nan}}}, Options{}) },
		"log of zero": func() (*Figure, error) {
			return Curve([]Series{{X: []float64{1}, Y: []float64{0}}}, Options{LogY: true})
		},
		"ragged matrix":  func() (*Figure, error) { return HeatMap(Grid{Values: [][]float64{{1, 2}, {1}}}, Options{}) },
		"empty sample":   func() (*Figure, error) { return Histogram([]Sample{{"a", nil}}, 0, Options{}) },
		"missing values": func() (*Figure, error) { return Bars([]string{"a", "b"}, []float64{1}, Options{}) },
		"bad baseline": func() (*Figure, error) {
			return Bars([]string{"a"}, []float64{1}, Options{Baselines: []Baseline{{"x", nan}}})
		},
		"log bars":      func() (*Figure, error) { return Bars([]string{"a"}, []float64{1}, Options{LogY: true}) },
		"empty ranking": func() (*Figure, error) { return Ranking([]float64{nan}, Options{}) },
		"infinite x": func() (*Figure, error) {
			return Scatter([]Series{{X: []float64{math.Inf(1)}, Y: []float64{1}}}, Options{})
		},
		"steps of nothing":  func() (*Figure, error) { return Steps(0, 1, nil, Options{}) },
		"steps of no width": func() (*Figure, error) { return Steps(1, 1, []float64{1}, Options{}) },
		"endless step":      func() (*Figure, error) { return Steps(0, 1, []float64{nan}, Options{}) },
		"infinite mark": func() (*Figure, error) {
			return Histogram([]Sample{{"a", []float64{1, 2}}}, 0, Options{XMarks: []Baseline{{"x", nan}}})
		},
		"no nodes": func() (*Figure, error) { return Network(nil, nil, nil, Options{}) },
		"edge to nowhere": func() (*Figure, error) {
			return Network([]NetworkNode{{}}, [][2]int{{0, 1}}, []string{"a"}, Options{})
		},
		"node of no group": func() (*Figure, error) {
			return Network([]NetworkNode{{Group: 1}}, nil, []string{"a"}, Options{})
		},
		"wrong row names": func() (*Figure, error) {
			return HeatMap(Grid{Values: [][]float64{{1}}, Rows: []string{"a", "b"}}, Options{})
		},
	} {
		if _, err := f(); err == nil || !strings.HasPrefix(err.Error(), "figure: ") {
			t.Errorf("%s: error is %v, want one of this package", name, err)
		}
	}
	one, err := Curve([]Series{{X: []float64{3}, Y: []float64{2}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.PNG(Single); err != nil {
		t.Errorf("a single point: %v", err)
	}
	if _, err := one.SVG(Size{}); err == nil {
		t.Error("a size without area was accepted")
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 2.996: "3", 17.6: "17.6", 1234: "1234", 0.0412: "0.0412", -0.5: "-0.5", 1e9: "1e9", 2e-5: "2e-5"} {
		if got := Number(v); got != want {
			t.Errorf("Number(%v) = %q, want %q", v, got, want)
		}
	}
}
