package embedding_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"

	"github.com/kiban-models/kiban/materials/embedding"
)

func ExampleTrain() {
	r := rand.New(rand.NewPCG(1, 2))
	topics := []string{"anode cathode electrolyte lithium", "magnet spin moment field"}
	corpus := func() iter.Seq2[[]string, error] {
		r = rand.New(rand.NewPCG(1, 2)) // the same each time
		return func(yield func([]string, error) bool) {
			for range 2000 {
				words := strings.Fields(topics[r.IntN(2)])
				r.Shuffle(4, func(i, j int) { words[i], words[j] = words[j], words[i] })
				if !yield(words, nil) {
					return
				}
			}
		}
	}
	v, err := embedding.Train(context.Background(), corpus, embedding.Options{Dim: 16, Sample: -1, Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	near, err := v.Nearest([]string{"magnet"}, nil, 3, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	found := map[string]bool{}
	for _, n := range near {
		found[n.Word] = true
	}
	fmt.Println(len(v.Words), found)
	// Output: 8 map[field:true moment:true spin:true]
}
