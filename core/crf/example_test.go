package crf_test

import (
	"fmt"

	"github.com/kiban-models/kiban/core/crf"
)

// How sure is a tagger that words 1 and 2 are a material, and nothing longer?
func ExampleLattice_Stretch() {
	labels := []string{"B-MAT", "I-MAT", "O"}
	m, err := crf.NewMoves(labels)
	if err != nil {
		fmt.Println(err)
		return
	}
	w := m.Weights() // a trained layer's weights come from NewWeights
	scores := []float32{
		0, 0, 4, // the
		3, 0, 1, // barium
		0, 2, 1, // titanate
		0, 1, 3, // film
	}
	path, _ := w.Viterbi(scores)
	lat := w.Lattice(scores)
	sure := lat.Stretch(1, []int{0, 1}) - lat.Stretch(1, []int{0, 1, 1})
	fmt.Println(path)
	fmt.Printf("%.2f\n", sure)
	// Output:
	// [2 0 1 2]
	// 0.58
}
