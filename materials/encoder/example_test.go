package encoder_test

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/materials/encoder"
)

// A model of random weights gives each text a vector. A model directory gives
// the weights of a trained one: see Weights.
func Example() {
	c := encoder.NewConfig(100, 32, 2, 16, 4)
	b := reference.New[float32]()
	defer b.Close()
	declared := c.Declared(nn.Policy{}, func(*encoder.Model) {})
	fresh := nn.Fresh{Seed: 1, Params: declared}
	for _, d := range declared {
		x, err := fresh.Tensor(d.Name)
		if err == nil {
			err = b.Put(d.Name, x)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	s := encoder.NewSession(b, c, nn.Policy{}, encoder.CLS, encoder.Mean)
	defer s.Close()
	texts := [][]int32{{2, 17, 45, 8, 3}, {2, 61, 3}}
	err := s.Run(context.Background(), texts, func(text int, v [][]float32) error {
		fmt.Println("text", text, "has", len(texts[text]), "tokens and", len(v), "vectors of", len(v[1]), "numbers")
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// text 0 has 5 tokens and 2 vectors of 16 numbers
	// text 1 has 3 tokens and 2 vectors of 16 numbers
}
