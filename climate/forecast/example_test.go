package forecast_test

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
)

// A new model forecasts one of its variables from two, a day ahead.
func Example() {
	c := forecast.NewConfig([]string{"orography", "2m_temperature", "geopotential_500"}, 8, 16, 2, 16, 1, 2)
	b := reference.New[float32]()
	defer b.Close()
	weights := forecast.NewFresh(c, 42)
	for _, d := range c.Declared(nn.Policy{}) {
		x, err := weights.Tensor(d.Name)
		if err != nil {
			panic(err)
		}
		if err := b.Put(d.Name, x); err != nil {
			panic(err)
		}
	}
	seen, err := c.IDs([]string{"2m_temperature", "geopotential_500"})
	if err != nil {
		panic(err)
	}
	s := forecast.NewSession(b, c, nn.Policy{})
	defer s.Close()
	made, missing, err := s.Run(context.Background(), forecast.Request{
		Variables: seen, Out: seen[:1],
		Fields:    [][]float32{make([]float32, 2*8*16)}, // a field: both variables, 8 latitudes, 16 longitudes
		LeadHours: []float64{24},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(len(made), "forecast of", len(made[0]), "cells;", missing, "values were missing")
	fmt.Println(c.Parameters(), "weights,", c.Patches(), "patches")
	// Output:
	// 1 forecast of 128 cells; 0 values were missing
	// 5996 weights, 32 patches
}

// A file of the published code is opened with what it does not say: the names
// of its variables, the rows of its grid, and its heads.
func ExampleWeights() {
	file, err := checkpoint.OpenWeights("testdata/old.ckpt")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	stored, err := forecast.StoredConfig(file, []string{"a", "b", "c"}, 12, 2)
	if err != nil {
		panic(err)
	}
	want := stored
	want.Grid = [2]int{24, 16} // twice as fine
	want.Variables = []string{"c", "d"}
	_, fresh, err := forecast.Weights(file, stored, want, forecast.NewFresh(want, 1))
	if err != nil {
		panic(err)
	}
	for _, f := range fresh {
		fmt.Println("begins fresh:", f)
	}
	// Output:
	// begins fresh: net.token_embeds.proj_weights of d
	// begins fresh: net.token_embeds.proj_biases of d
	// begins fresh: net.var_embed of d
	// begins fresh: net.head.2.weight of d
	// begins fresh: net.head.2.bias of d
}
