package crf_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/crf"
)

// legal says by rules of its own whether labels are well-formed spans.
func legal(scheme crf.Scheme, labels []string) bool {
	open := "" // kind of the span that goes on
	for _, l := range labels {
		prefix, kind, _ := strings.Cut(l, "-")
		switch prefix {
		case "O", "B", "S":
			if scheme == crf.BIOES && open != "" {
				return false
			}
			open = ""
			if prefix == "B" {
				open = kind
			}
		case "I", "E":
			if open != kind {
				return false
			}
			if prefix == "E" {
				open = ""
			}
		}
	}
	return scheme == crf.BIO || open == ""
}

// A path is allowed if and only if it is well-formed, for all paths of up to
// four labels.
func TestMoves(t *testing.T) {
	for _, labels := range [][]string{
		{"B-A", "B-M", "I-A", "I-M", "O"},
		{"O", "B-A", "I-A", "B-M"},
		{"B-A", "B-M", "E-A", "E-M", "I-A", "I-M", "O", "S-A", "S-M"},
		{"S-A", "O"},
	} {
		m, err := crf.NewMoves(labels)
		if err != nil {
			t.Fatal(err)
		}
		w := m.Weights()
		for places := 1; places <= 4; places++ {
			x := make([]float32, places*len(labels))
			paths(len(labels), places, func(path []int) {
				names := make([]string, places)
				ok := m.Begin(path[0]) && m.End(path[places-1])
				for i, p := range path {
					names[i] = labels[p]
					ok = ok && (i == 0 || m.Follow(path[i-1], p))
				}
				if want := legal(m.Scheme, names); ok != want {
					t.Errorf("%v %q: allowed is %t, wanted %t", m.Scheme, names, ok, want)
				}
				if free := w.Score(x, path) == 0; free != ok {
					t.Errorf("%v %q: score %g, allowed is %t", m.Scheme, names, w.Score(x, path), ok)
				}
			})
		}
	}
}

// Whatever the scores, the best path keeps to the moves.
func TestViterbiKeepsToTheMoves(t *testing.T) {
	labels := []string{"O", "I-MAT", "B-MAT", "I-PRO", "B-PRO"}
	crf.Sort(labels)
	if want := []string{"B-MAT", "B-PRO", "I-MAT", "I-PRO", "O"}; !slices.Equal(labels, want) {
		t.Errorf("sorted: %q, wanted %q", labels, want)
	}
	m, err := crf.NewMoves(labels)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		w, x := random(r, len(labels), 1+r.IntN(12), 30)
		if err := m.Forbid(w); err != nil {
			t.Fatal(err)
		}
		path, _ := w.Viterbi(x)
		names := make([]string, len(path))
		for i, p := range path {
			names[i] = labels[p]
		}
		if !legal(crf.BIO, names) {
			t.Errorf("the best path is %q", names)
		}
	}
}

func TestLabelsThatAreNoSpans(t *testing.T) {
	for labels, want := range map[string]string{
		"":                "no labels",
		"O NN":            `label 1, "NN", is neither`,
		"O B-":            `label 1, "B-"`,
		"O U-MAT":         `label 1, "U-MAT"`,
		"O BI-MAT":        `label 1, "BI-MAT"`,
		"O LABEL_9":       `label 1, "LABEL_9"`,
		"O B-A B-A":       `label 2, "B-A", is there twice`,
		"O B-A I-M":       `label 2, "I-M", continues what no label begins; add "B-M"`,
		"O E-A":           `label 1, "E-A", continues`,
		"O B-A E-A E-M":   `label 3, "E-M", continues`,
		"O S-A B-A":       `label 2, "B-A", begins what no label ends; add "E-A"`,
		"O B-A I-A S-A":   `label 1, "B-A", begins what no label ends`,
		"O O B-A I-A E-A": `label 1, "O", is there twice`,
	} {
		_, err := crf.NewMoves(strings.Fields(labels))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, wanted %q", labels, err, want)
		}
	}
	m, err := crf.NewMoves([]string{"O", "B-A"})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Forbid(crf.Weights{Labels: 3}); err == nil || !strings.Contains(err.Error(), "3 labels, but there are 2") {
		t.Error(err)
	}
}

func ExampleMoves() {
	labels := []string{"B-MAT", "I-MAT", "O"}
	m, err := crf.NewMoves(labels)
	if err != nil {
		fmt.Println(err)
		return
	}
	scores := []float32{ // I-MAT is likeliest everywhere, but nothing has begun
		1, 2, 0,
		0, 3, 1,
		0, 1, 2,
	}
	path, _ := m.Weights().Viterbi(scores)
	for _, p := range path {
		fmt.Print(labels[p], " ")
	}
	// Output: B-MAT I-MAT O
}
