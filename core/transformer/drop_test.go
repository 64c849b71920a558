package transformer

import (
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

// TestDropPath holds the dropouts of a ViT against timm's: each with numbers of
// its own, paths by sample, at rates from 0 at the first block to the last's.
func TestDropPath(t *testing.T) {
	c := Config{Layers: 3, Width: 8, Heads: 2, NormEps: 1e-5, InitStd: 0.02, Act: graph.GeluErf,
		Dropout: 0.1, FFNDropout: 0.1, DropPath: 0.2, EvenInit: true, Names: ViT}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	g := graph.New()
	s := NewStack(nn.NewScope(g, nn.Policy{}), c)
	const batch, length = 5, 7
	s.Forward(g.Input("x", tensor.F32, batch*length, c.Width), Pass{Batch: batch, Len: length, Seed: g.Input("seed", tensor.I32, 2)})
	if g.Err() != nil {
		t.Fatal(g.Err())
	}
	salts, paths := map[uint32]bool{}, map[float32]int{}
	for _, n := range g.Nodes() {
		at, ok := n.Attr().(graph.DropoutAttr)
		if !ok || n.Kernel() != "dropout" {
			continue
		}
		if salts[at.Salt] {
			t.Errorf("salt %d is used twice", at.Salt)
		}
		salts[at.Salt] = true
		switch at.Span {
		case 0:
			if at.P != 0.1 {
				t.Errorf("dropout of %g, wanted 0.1", at.P)
			}
		case length * c.Width:
			paths[at.P]++
		default:
			t.Errorf("%d elements drop together, wanted %d", at.Span, length*c.Width)
		}
	}
	if len(salts) != 9+4 || paths[0.1] != 2 || paths[0.2] != 2 {
		t.Errorf("%d dropouts, paths at rates %v; wanted 9 and two paths each at 0.1 and 0.2", len(salts), paths)
	}
	for _, bad := range []Config{{DropPath: 1}, {DropPath: -0.1}, {FFNDropout: 1}} {
		x := c
		x.DropPath, x.FFNDropout = bad.DropPath, bad.FFNDropout
		if x.Validate() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}
