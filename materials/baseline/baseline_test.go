package baseline

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/materials/corpus"
)

// TestLogistic compares probabilities with scikit-learn's.
func TestLogistic(t *testing.T) {
	var cases []struct {
		Train, Test   [][2]string
		C             float64
		Labels        []string
		Probabilities [][]float64
	}
	b, err := os.ReadFile("testdata/logistic.json")
	if err == nil {
		err = json.Unmarshal(b, &cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i, c := range cases {
		var features [][]string
		var labels []string
		for _, e := range c.Train {
			features, labels = append(features, Words(e[0])), append(labels, e[1])
		}
		m, err := Learn(features, labels, c.C)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(m.Labels, c.Labels) {
			t.Errorf("case %d: labels %q, want %q", i, m.Labels, c.Labels)
		}
		for k, e := range c.Test {
			for j, p := range m.Probabilities(Words(e[0])) {
				worst = max(worst, math.Abs(p-c.Probabilities[k][j]))
			}
		}
	}
	if !(worst < 1e-4) {
		t.Errorf("probabilities differ by %g from scikit-learn's", worst)
	}
	t.Logf("largest difference %.2g", worst)
}

func TestLearnRefuses(t *testing.T) {
	if _, err := Learn([][]string{{"a"}, {"b"}}, []string{"x", "x"}, 0); err == nil {
		t.Error("one class was learnt")
	}
	if _, err := Learn([][]string{{"a"}}, []string{"x", "y"}, 0); err == nil {
		t.Error("examples without labels were learnt")
	}
}

func tagged(text string) corpus.Tagged {
	var s corpus.Tagged
	for _, f := range strings.Fields(text) {
		w, tag, ok := strings.Cut(f, "|")
		if !ok {
			tag = "O"
		}
		s.Words, s.Tags = append(s.Words, w), append(s.Tags, tag)
	}
	return s
}

func TestDictionary(t *testing.T) {
	d := LearnDictionary([]corpus.Tagged{
		tagged("Thin|B-DSC films|I-DSC of ZnO|B-MAT"),
		tagged("films|B-DSC of ZnO|B-MAT thin|B-PRO"),
		tagged("in|B-MAT ZnO|B-SPL in in in air"),
		tagged("CO|B-MAT oxidation"),
	})
	for text, want := range map[string]string{
		"the thin films of ZnO":  "O B-DSC I-DSC O B-MAT", // the longest; sentence case
		"thin ZnO films in":      "B-PRO B-MAT B-DSC O",   // majority; in is seldom one
		"Co CO":                  "O B-MAT",
		"":                       "",
		"films films thin films": "B-DSC B-DSC B-DSC I-DSC",
	} {
		if got := strings.Join(d.Tag(strings.Fields(text)), " "); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func ExampleLearn() {
	m, err := Learn([][]string{Words("a glass of silica"), Words("the battery has a cathode"), Words("silica and soda"), Words("a battery with sodium")},
		[]string{"glass", "battery", "glass", "battery"}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	label, p := m.Label(Words("A new cathode for this battery"))
	fmt.Printf("%s %.2f\n", label, p)
	// Output: battery 0.59
}
