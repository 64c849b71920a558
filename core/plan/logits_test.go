package plan_test

import (
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// TestLogits compiles a loss for backends that want more logits at a time, and
// fewer.
func TestLogits(t *testing.T) {
	const rows, channels, vocab = 1000, 8, 50000 // 160 rows in 32 MiB
	for bytes, want := range map[int64]int{0: 160, 1: 32, 64 << 20: 256, 128 << 20: 512, 256 << 20: 1000} {
		for _, dt := range []tensor.DType{tensor.F32, tensor.BF16} {
			for _, opt := range []plan.Options{{}, {NoFusion: true}, {Recompute: true}} {
				g := graph.New()
				x, w := g.Input("x", dt, rows, channels), g.Param("w", dt, vocab, channels)
				losses := graph.LinearCrossEntropy(x, w, g.Param("b", tensor.F32, vocab), g.Input("labels", tensor.I32, rows))
				loss := graph.Dot(losses, g.Input("weights", tensor.F32, rows))
				p, err := plan.Compile(g, plan.Limits{Logits: bytes}, opt, map[string]*graph.Node{"loss": loss, "dw": graph.Grad(loss, w)[0]})
				if err != nil {
					t.Fatal(err)
				}
				checked := 0
				for _, s := range p.Steps {
					at, ok := s.Attr.(graph.LinearCrossEntropyAttr)
					if !ok {
						continue
					}
					if at.Chunk != want {
						t.Errorf("%d bytes: chunks of %d rows, wanted %d", bytes, at.Chunk, want)
					}
					scratch := s.Out[1:2]
					if s.Kernel == "linear_cross_entropy_grad" {
						scratch = s.Out[3 : len(s.Out)-1] // the bias's gradient is last
					}
					for _, o := range scratch {
						checked++
						if o.Shape[0] != want || o.Shape[1] != vocab {
							t.Errorf("%d bytes: scratch %v%v for chunks of %d rows", bytes, o.DType, o.Shape, want)
						}
					}
				}
				if want := map[bool]int{false: 1, true: 2}[dt == tensor.BF16]; checked < want {
					t.Errorf("%d scratch values, wanted %d or more", checked, want)
				}
			}
		}
	}
}
