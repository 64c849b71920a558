package metric

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
)

func fixture(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestConlleval compares the text with that of conlleval itself, on tags of
// which most are illegal, and the scores of legal ones with seqeval's.
func TestConlleval(t *testing.T) {
	var cases []struct {
		Sentences [][2][]string
		Text      string
		Seqeval   map[string][3]float64
	}
	fixture(t, "conlleval.json", &cases)
	seqeval := 0
	for i, c := range cases {
		var e, joined Entities
		for _, s := range c.Sentences {
			e.Add(s[0], s[1])
			var one Entities
			one.Add(s[0], s[1])
			joined.Join(&one, 2)
			joined.Join(&one, -1)
		}
		if got := e.CoNLL(); got != c.Text {
			t.Errorf("case %d: %v\ngot\n%swant\n%s", i, c.Sentences, got, c.Text)
		}
		if got := joined.CoNLL(); got != c.Text {
			t.Errorf("case %d: joined sentences give\n%s", i, got)
		}
		if c.Seqeval == nil {
			continue
		}
		seqeval++
		m := e.Micro()
		p, r, f := e.Macro()
		for k, got := range [6]float64{m.Precision(), m.Recall(), m.F1(), p, r, f} {
			micro, macro := c.Seqeval["micro"], c.Seqeval["macro"]
			want := append(micro[:], macro[:]...)
			if math.Abs(got-want[k]) > 1e-12 {
				t.Errorf("case %d: score %d is %v, seqeval has %v", i, k, got, want[k])
			}
		}
	}
	if len(cases) < 40 || seqeval < 4 {
		t.Errorf("%d cases, %d of seqeval", len(cases), seqeval)
	}
}

// TestChunksCount compares the chunks with what is counted.
func TestChunksCount(t *testing.T) {
	var cases []struct{ Sentences [][2][]string }
	fixture(t, "conlleval.json", &cases)
	for i, c := range cases {
		for _, s := range c.Sentences {
			var e Entities
			e.Add(s[0], s[0])
			if got := len(Chunks(s[0])); got != e.Micro().Gold {
				t.Errorf("case %d: %v: %d chunks, %d counted", i, s[0], got, e.Micro().Gold)
			}
		}
	}
}

// TestClasses compares with scikit-learn.
func TestClasses(t *testing.T) {
	var cases []struct {
		Gold, Found     []int
		Confidence      []float64
		Confusion       [][]int
		Accuracy        float64
		MacroF1         float64 `json:"macro_f1"`
		MicroF1Without0 float64 `json:"micro_f1_without_0"`
		Precision       []float64
		Recall, F1      []float64
		Support         []int
		Brier, ECE      float64
		BinAccuracy     []float64 `json:"bin_accuracy"`
		BinConfidence   []float64 `json:"bin_confidence"`
	}
	fixture(t, "classes.json", &cases)
	for i, c := range cases {
		var labels []string
		for k := range c.Confusion {
			labels = append(labels, strconv.Itoa(k))
		}
		m := NewConfusion(labels)
		var cal Calibration
		for k, g := range c.Gold {
			if err := m.Add(g, c.Found[k]); err != nil {
				t.Fatal(err)
			}
			cal.Add(c.Confidence[k], g == c.Found[k])
		}
		near := func(what string, got, want float64) {
			t.Helper()
			if math.Abs(got-want) > 1e-12 {
				t.Errorf("case %d: %s is %v, scikit-learn has %v", i, what, got, want)
			}
		}
		near("accuracy", m.Accuracy(), c.Accuracy)
		near("macro F1", m.MacroF1(), c.MacroF1)
		near("micro F1 without 0", m.MicroF1("0"), c.MicroF1Without0)
		near("Brier score", cal.Brier(), c.Brier)
		near("calibration error", cal.Error(), c.ECE)
		for k, row := range c.Confusion {
			for j, n := range row {
				if m.Counts[k][j] != n {
					t.Errorf("case %d: %d for %d %d times, want %d", i, j, k, m.Counts[k][j], n)
				}
			}
			x := m.Class(k)
			near("precision", x.Precision(), c.Precision[k])
			near("recall", x.Recall(), c.Recall[k])
			near("F1", x.F1(), c.F1[k])
			near("support", float64(x.Gold), float64(c.Support[k]))
		}
		bins := cal.Bins()
		if len(bins) != len(c.BinAccuracy) {
			t.Fatalf("case %d: %d bins, want %d", i, len(bins), len(c.BinAccuracy))
		}
		for k, b := range bins {
			near("bin accuracy", b.Accuracy, c.BinAccuracy[k])
			near("bin confidence", b.Confidence, c.BinConfidence[k])
		}
	}
	if err := NewConfusion([]string{"a"}).Add(0, 1); err == nil {
		t.Error("a class that is none was counted")
	}
}

// TestBootstrap looks at the mean of 200 values, whose interval is known.
func TestBootstrap(t *testing.T) {
	values := make([]float64, 200)
	sum, squares := 0.0, 0.0
	for i := range values {
		values[i] = math.Mod(float64(i)*0.61803398875, 1)
		sum += values[i]
		squares += values[i] * values[i]
	}
	mean := sum / 200
	se := math.Sqrt((squares/200 - mean*mean) / 200)
	of := func(times []int) []float64 {
		n, s := 0, 0.0
		for i, k := range times {
			n += k
			s += float64(k) * values[i]
		}
		if n != 200 {
			t.Fatalf("%d groups were drawn", n)
		}
		return []float64{s / 200, 7}
	}
	both := Bootstrap(200, 4000, 1, of)
	got := both[0]
	if both[1] != (Interval{7, 7}) {
		t.Errorf("a constant has the interval %v", both[1])
	}
	if math.Abs(got.Low-(mean-1.96*se)) > 0.15*se || math.Abs(got.High-(mean+1.96*se)) > 0.15*se {
		t.Errorf("interval %v of mean %v with standard error %v", got, mean, se)
	}
	if again := Bootstrap(200, 4000, 1, of)[0]; again != got {
		t.Errorf("the same seed gave %v, then %v", got, again)
	}
	if other := Bootstrap(200, 4000, 2, of)[0]; other == got {
		t.Error("another seed gave the same")
	}
	if none := Bootstrap(0, 10, 1, func([]int) []float64 { return []float64{7} })[0]; none != (Interval{7, 7}) {
		t.Errorf("no groups gave %v", none)
	}
	// numpy.quantile([1, 2, 4], [0.025, 0.975])
	if lo, hi := quantile([]float64{1, 2, 4}, 0.025), quantile([]float64{1, 2, 4}, 0.975); math.Abs(lo-1.05) > 1e-12 || math.Abs(hi-3.9) > 1e-12 {
		t.Errorf("quantiles %v and %v", lo, hi)
	}
}
