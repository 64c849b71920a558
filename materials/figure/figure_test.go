package figure

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"github.com/kiban-models/kiban/core/figure"
	"github.com/kiban-models/kiban/core/metric"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

func samples(t *testing.T) map[string]*figure.Figure {
	t.Helper()
	must := func(f *figure.Figure, err error) *figure.Figure {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	var c metric.Calibration
	for i := range 1000 {
		p := 0.3 + 0.7*float64(i%97)/97
		c.Add(p, float64(i%89)/89 < p*p)
	}
	labels := []string{"MAT", "SPL", "DSC", "PRO", "APL", "SMT", "CMT"}
	return map[string]*figure.Figure{
		"f1_by_type": must(F1ByType(labels, []int{1200, 180, 560, 760, 400, 350, 410},
			Scores{"model", []float64{0.92, 0.78, 0.84, 0.75, 0.71, 0.73, 0.86}, 0.82},
			Scores{"dictionary", []float64{0.71, 0.6, 0.62, 0.41, 0.35, 0.52, math.NaN()}, 0.55})),
		"confusion": must(Confusion([]string{"MAT", "SPL", "PRO", "none"},
			[][]int{{1100, 3, 12, 85}, {4, 150, 0, 26}, {20, 1, 600, 139}, {0, 0, 0, 0}}, "entities")),
		"calibration": must(Calibration(&c, "entities")),
		"counts":      must(Counts(labels, []int{1200, 180, 560, 760, 400, 350, 410}, 1234)),
	}
}

func TestGolden(t *testing.T) {
	for name, f := range samples(t) {
		got, err := f.PNG(figure.Single)
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
	}
}

func TestRefuses(t *testing.T) {
	for name, draw := range map[string]func() error{
		"no bins":     func() error { _, err := Calibration(&metric.Calibration{}, "x"); return err },
		"no classes":  func() error { _, err := Confusion(nil, nil, "x"); return err },
		"uneven":      func() error { _, err := Confusion([]string{"a", "b"}, [][]int{{1, 2}, {1}}, "x"); return err },
		"many":        func() error { _, err := Confusion(make([]string, 31), make([][]int, 31), "x"); return err },
		"no support":  func() error { _, err := F1ByType([]string{"a"}, nil, Scores{F1: []float64{1}}); return err },
		"wrong count": func() error { _, err := Counts([]string{"a"}, nil, 1); return err },
	} {
		if draw() == nil {
			t.Errorf("%s was drawn", name)
		}
	}
}

func ExampleConfusion() {
	f, err := Confusion([]string{"glass", "other"}, [][]int{{9, 1}, {2, 18}}, "abstracts")
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := f.CSV()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(strings.ReplaceAll(string(data), "\r", ""))
	// Output:
	// row,column,value
	// glass,glass,0.9
	// glass,other,0.1
	// other,glass,0.1
	// other,other,0.9
}
