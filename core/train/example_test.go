package train_test

import (
	"context"
	"fmt"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

// A line is fitted through three points: y = 2x - 1.
func Example() {
	loss := func(s nn.Scope) *graph.Node {
		line := nn.NewLinear(s, "line", 1, 1, nn.LinearOpt{})
		x, minusY := s.Graph.Input("x", tensor.F32, 3, 1), s.Graph.Input("-y", tensor.F32, 3, 1)
		off := graph.Add(line.Forward(x), minusY)
		return graph.Dot(graph.Mul(off, off), s.Graph.Input("weights", tensor.F32, 3, 1))
	}
	b := reference.New[float32]()
	p, err := train.Compile(b.Limits(), loss, train.Options{
		Optimizer: train.Optimizer{LR: 0.1, Schedule: train.Cosine, Steps: 300},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range p.Declared() {
		if err := b.Put(d.Name, tensor.New(tensor.F32, d.Shape...)); err != nil {
			fmt.Println(err)
		}
	}
	t, err := p.Load(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	loop := train.Loop{
		Trainer: t, Steps: 300, LogEvery: 100,
		Feed: func(step, micro int, r backend.Runner) (int, error) {
			for name, v := range map[string][]float32{"x": {0, 1, 2}, "-y": {1, -1, -3}} {
				if err := r.Write(name, tensor.Of(v, 3, 1)); err != nil {
					return 0, err
				}
			}
			return 3, r.Write("weights", tensor.Of([]float32{1. / 3, 1. / 3, 1. / 3}, 3, 1))
		},
		Log: func(r train.Record) error {
			_, err := fmt.Printf("step %d: loss %.4f\n", r.Step, r.Loss)
			return err
		},
		Save: func(p train.Progress) error {
			_, err := fmt.Printf("checkpoint of step %d, %d points\n", p.Step, p.Tokens)
			return err
		},
	}
	if _, err := loop.Run(context.Background(), train.Progress{}); err != nil {
		fmt.Println(err)
	}
	w, err := b.Get("line.weight")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("slope %.3f\n", w.At(0))
	// Output:
	// step 100: loss 0.3276
	// step 200: loss 0.0000
	// step 300: loss 0.0000
	// checkpoint of step 300, 900 points
	// slope 2.000
}

// ULMFiT's recipe: the top learns first and fastest, and after each epoch of
// 100 steps the next layer below joins in.
func ExampleUnfreezing() {
	layers := map[string]int{"embedding": 0, "middle": 1, "head": 2}
	layer := func(name string) int { return layers[name] }
	o := train.Options{
		Optimizer: train.Optimizer{LR: 0.01, Schedule: train.SlantedTriangular, Steps: 1000},
		Begin:     train.Unfreezing(layer, 2, 100),
		LRScale:   train.LayerRates(layer, 2, train.LayerFactor),
	}
	for _, name := range []string{"head", "middle", "embedding"} {
		fmt.Printf("%-9s from step %3d, rate at the peak %.5f\n", name, o.Begin(name), o.Optimizer.Rate(100)*o.LRScale(name))
	}
	// Output:
	// head      from step   0, rate at the peak 0.01000
	// middle    from step 100, rate at the peak 0.00385
	// embedding from step 200, rate at the peak 0.00148
}
