package figure

import (
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/figure"
)

var out = flag.String("out", "", "folder for sample pictures to look at")

const seq = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPI"

func TestPictures(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var h History
	for i := range 5000 {
		x := float64(i + 1)
		l := 2.2 + 0.9*math.Exp(-x/900)
		h.Step, h.Loss = append(h.Step, x), append(h.Loss, l+0.08*r.NormFloat64())
		if i%250 == 0 {
			h.EvalStep, h.EvalLoss = append(h.EvalStep, x), append(h.EvalLoss, l+0.04)
		}
	}
	var g, tr []int
	var ppl, nats, long []float64
	for range 300 {
		g = append(g, int(120+40*r.NormFloat64()))
		tr = append(tr, int(150+60*r.NormFloat64()))
		ppl = append(ppl, math.Exp(2.2+0.4*r.NormFloat64()))
		long = append(long, math.Abs(2.6+r.NormFloat64()))
	}
	for range len(seq) {
		nats = append(nats, math.Abs(2.6+r.NormFloat64()))
	}
	cg, ct := map[byte]int{}, map[byte]int{}
	for i := range len(aminoAcids) {
		cg[aminoAcids[i]], ct[aminoAcids[i]] = 100+r.IntN(900), 3000+r.IntN(9000)
	}
	delete(cg, 'W')
	base := []figure.Baseline{{Name: "uniform", Value: 20}, {Name: "unigram", Value: 17.6}}
	for name, f := range map[string]func() (*figure.Figure, error){
		"loss":        func() (*figure.Figure, error) { return LossCurve(h, figure.Baseline{Name: "unigram", Value: 2.87}) },
		"length":      func() (*figure.Figure, error) { return Lengths(g, tr, "training") },
		"composition": func() (*figure.Figure, error) { return Composition(cg, ct, "training") },
		"perplexity":  func() (*figure.Figure, error) { return PerplexityRanking(ppl, base...) },
		"property": func() (*figure.Figure, error) {
			return Property("Isoelectric point", "Isoelectric point (pH)", ppl, nats, "natural", figure.Baseline{Name: "neutral", Value: 7})
		},
		"novelty": func() (*figure.Figure, error) {
			return Novelty([]float64{0, 0.2, 0.31, 0.33, 0.35, 0.4, 0.42, 0.93, 1, math.NaN()})
		},
		"similarity": func() (*figure.Figure, error) {
			return Similarity([]SimilarSequence{{"a", true, 0, 0}, {"b", false, 1, 1}}, [][2]int{{0, 1}}, "1 edge")
		},
		"residues": func() (*figure.Figure, error) { return Residues(nats, seq) },
		"residues_long": func() (*figure.Figure, error) {
			return Residues(long, strings.Repeat("A", len(long)), figure.Baseline{Name: "unigram", Value: 2.87})
		},
	} {
		p, err := f()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		dir := *out
		if dir == "" {
			dir = t.TempDir()
		}
		if _, err := figure.Save(p, filepath.Join(dir, name), figure.Single); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, name+".svg")); err != nil || !strings.Contains(string(b), p.Title) {
			t.Errorf("%s: svg lacks the title %q (%v)", name, p.Title, err)
		}
	}
}

// The numbers drawn are in the CSV: twice as frequent is 1, absent is empty.
func TestCompositionValues(t *testing.T) {
	g, tr := map[byte]int{'A': 50, 'K': 50, 'X': 999}, map[byte]int{'A': 25, 'K': 50, 'L': 25}
	f, err := Composition(g, tr, "training")
	if err != nil {
		t.Fatal(err)
	}
	data, err := f.CSV()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nA,,1\n", "\nK,,0\n", "\nL,,\n"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("csv lacks %q:\n%s", want, data)
		}
	}
	if !strings.Contains(f.Subtitle, "generated n = 100, training n = 100 residues; absent in one set: VLIM") {
		t.Errorf("subtitle is %q", f.Subtitle)
	}
}

// One giant does not flatten the rest, and is counted.
func TestPropertyLeavesOutTails(t *testing.T) {
	var v []float64
	for i := range 200 {
		v = append(v, float64(i%50))
	}
	f, err := Property("Mass", "Mass (kDa)", slices.Concat(v, []float64{1e6, math.NaN()}), slices.Concat(v, []float64{-1e6, -1e7}), "natural")
	if err != nil {
		t.Fatal(err)
	}
	if f.Subtitle != "outside -24.5 to 73.5 and not drawn: 1 generated, 2 natural" {
		t.Errorf("subtitle is %q", f.Subtitle)
	}
	if f, err = Property("Mass", "Mass (kDa)", v, nil, ""); err != nil || f.Subtitle != "" {
		t.Errorf("%v, %q", err, f.Subtitle)
	}
}

// The bins are of 5 %, a copy counts in the last, and no hit is 0.
func TestNoveltyValues(t *testing.T) {
	f, err := Novelty([]float64{0.3, 0.34, 1, math.NaN()})
	if err != nil {
		t.Fatal(err)
	}
	data, err := f.CSV()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	for i, want := range map[int]string{1: ",1", 7: ",2", 8: ",0", 20: ",1"} {
		if !strings.HasSuffix(lines[i], want) {
			t.Errorf("line %d is %q, want it to end in %q", i, lines[i], want)
		}
	}
	if !strings.Contains(f.Subtitle, "1 without any hit") {
		t.Errorf("subtitle is %q", f.Subtitle)
	}
}

func TestBadInput(t *testing.T) {
	for name, f := range map[string]func() (*figure.Figure, error){
		"history":       func() (*figure.Figure, error) { return LossCurve(History{Step: []float64{1}}) },
		"no history":    func() (*figure.Figure, error) { return LossCurve(History{}) },
		"no identities": func() (*figure.Figure, error) { return Novelty(nil) },
		"no values":     func() (*figure.Figure, error) { return Property("", "", nil, nil, "") },
		"no lengths":    func() (*figure.Figure, error) { return Lengths(nil, []int{1}, "training") },
		"no residues": func() (*figure.Figure, error) {
			return Composition(map[byte]int{'X': 5}, map[byte]int{'A': 1}, "training")
		},
		"short nats": func() (*figure.Figure, error) { return Residues([]float64{1}, "MK") },
		"negative":   func() (*figure.Figure, error) { return PerplexityRanking([]float64{-1}) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if s := thousands(1234567); s != "1,234,567" || thousands(12) != strconv.Itoa(12) {
		t.Errorf("thousands gives %q", s)
	}
}
