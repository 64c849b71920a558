package transformer_test

import (
	"math"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

const rate = 0.25

// TestDropout looks at dropout through blocks that add nothing but a bias of 1
// in one half of one layer: what was added is the mask itself.
func TestDropout(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend.Backend) {
		c := small
		c.Dropout = rate
		const batch, length = 8, 25
		g := graph.New()
		s := nn.NewScope(g, nn.Policy{})
		seed := g.Input("seed", tensor.I32, 2)
		x, weights := g.Input("x", tensor.F32, batch*length, c.Width), g.Input("weights", tensor.F32, batch*length, c.Width)
		y := transformer.NewStack(s, c).Forward(x, transformer.Pass{Batch: batch, Len: length, Seed: seed})
		loss := graph.Dot(y, weights)
		outputs := map[string]*graph.Node{"y": y}
		halves := []string{"0.attn.c_proj", "0.mlp.c_proj", "1.attn.c_proj", "1.mlp.c_proj"}
		for _, half := range halves {
			outputs[half] = graph.Grad(loss, g.Param(half+".bias", tensor.F32, c.Width))[0]
		}
		putWeights(t, b, c)
		put := func(name string, value float32, shape ...int) {
			x := tensor.New(tensor.F32, shape...)
			for i := range x.Float32() {
				x.Float32()[i] = value
			}
			if err := b.Put(name, x); err != nil {
				t.Fatal(err)
			}
		}
		for i, half := range halves {
			put(half+".weight", 0, []int{c.Width, c.FFN}[i%2], c.Width)
			put(half+".bias", 0, c.Width)
		}
		p := load(t, b, g, plan.Options{}, outputs)
		w := random(5, batch*length, c.Width)
		run := func(seed int32) []float32 {
			return p.on(map[string]*tensor.Tensor{"x": tensor.New(tensor.F32, batch*length, c.Width), "weights": w, "seed": tensor.Of([]int32{seed, 1}, 2)}).out("y")
		}
		var masks [][]float32
		for _, half := range halves {
			put(half+".bias", 1, c.Width)
			mask := run(1)
			if !slices.Equal(mask, run(1)) {
				t.Errorf("%s: one seed gave two masks", half)
			}
			masks = append(masks, run(2), mask)
			run(1)
			gradient := p.out(half)
			put(half+".bias", 0, c.Width)

			dropped := 0
			want := make([]float32, c.Width)
			for i, m := range mask {
				switch {
				case m == 0:
					dropped++
				case math.Abs(float64(m)-1/(1-rate)) > 1e-6:
					t.Fatalf("%s: a value that stays was scaled by %g, wanted %g", half, m, 1/(1-rate))
				}
				want[i%c.Width] += m * w.Float32()[i]
			}
			// Five standard errors.
			if share := float64(dropped) / float64(len(mask)); math.Abs(share-rate) > 5*math.Sqrt(rate*(1-rate)/float64(len(mask))) {
				t.Errorf("%s: a share of %g was dropped, wanted %g", half, share, rate)
			}
			differ(t, half+": gradient", gradient, want, 1e-5)
		}
		for i := range masks {
			for j := range i {
				same := 0
				for k := range masks[i] {
					if masks[i][k] == masks[j][k] {
						same++
					}
				}
				n, expected := float64(len(masks[i])), rate*rate+(1-rate)*(1-rate)
				if share := float64(same) / n; math.Abs(share-expected) > 5*math.Sqrt(expected*(1-expected)/n) {
					t.Errorf("masks %d and %d agree in a share of %g, independent ones in %g", i, j, share, expected)
				}
			}
		}
	})
}

func TestNoSeedNoDropout(t *testing.T) {
	c := small
	c.Dropout, c.AttentionDropout = 0.5, 0.5
	g := graph.New()
	transformer.NewStack(nn.NewScope(g, nn.Policy{}), c).Forward(g.Input("x", tensor.F32, 4, c.Width), transformer.Pass{Batch: 1, Len: 4})
	for _, n := range g.Nodes() {
		if at, ok := n.Attr().(graph.AttentionAttr); n.Kernel() == "dropout" || ok && at.Dropout > 0 {
			t.Fatal("a pass without a seed drops out")
		}
	}
}

// TestRecompute compares a step that keeps block inputs only with one that
// keeps everything.
func TestRecompute(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend.Backend) {
		const batch, length = 2, 16
		c := small
		c.Layers, c.Dropout, c.AttentionDropout = 6, rate, rate
		build := func() (*graph.Graph, map[string]*graph.Node) {
			g := graph.New()
			s := nn.NewScope(g, nn.Policy{})
			x := g.Input("x", tensor.F32, batch*length, c.Width)
			y := transformer.NewStack(s, c).Forward(x, transformer.Pass{Batch: batch, Len: length, Seed: g.Input("seed", tensor.I32, 2)})
			var params []*graph.Node
			for _, d := range s.Declared() {
				params = append(params, g.Param(d.Name, d.DType, d.Shape...))
			}
			outputs := map[string]*graph.Node{}
			for i, dw := range graph.Grad(graph.Dot(y, g.Input("weights", tensor.F32, batch*length, c.Width)), params...) {
				outputs[params[i].Name()] = dw
			}
			return g, outputs
		}
		putWeights(t, b, c)
		inputs := map[string]*tensor.Tensor{
			"x": random(1, batch*length, c.Width), "weights": random(2, batch*length, c.Width), "seed": tensor.Of([]int32{3, 4}, 2),
		}
		var scratch []int64
		var runs []program
		for _, o := range []plan.Options{{}, {Recompute: true}} {
			g, outputs := build()
			p, err := plan.Compile(g, b.Limits(), o, outputs)
			if err != nil {
				t.Fatal(err)
			}
			scratch = append(scratch, p.ScratchBytes)
			runs = append(runs, load(t, b, g, o, outputs).on(inputs))
		}
		_, outputs := build()
		for name := range outputs {
			differ(t, "gradient of "+name, runs[1].out(name), runs[0].out(name), 1e-5)
			if slices.Max(runs[1].out(name)) == 0 {
				t.Errorf("the gradient of %s has no positive value", name)
			}
		}
		// What a block needs at once, and six block inputs, instead of six
		// times what a block needs.
		if scratch[1]*2 > scratch[0] {
			t.Errorf("scratch of %d bytes with recomputation, %d without, wanted half at most", scratch[1], scratch[0])
		}
	})
}
