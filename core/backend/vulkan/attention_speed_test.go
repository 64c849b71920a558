package vulkan

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// BenchmarkAttention times the variants by the device's clock, forward and
// backward apart, and on a GPU ways to cut them, to set coopTile by: the shapes are
// those of ProtGPT2, of ESM-2 with 650 million parameters, of BERT-base, and one
// of wide heads. A pass counts what must be multiplied: two products forward, five
// backward, of the keys that a query sees. That the gradients compute scores
// twice, and those of wide heads three times, is not counted.
func BenchmarkAttention(b *testing.B) {
	for _, variant := range []string{"plain", "coop"} {
		d := open(b, Options{Attention: variant, Profile: true})
		if d.f.TimestampBits == 0 {
			b.Skipf("%s takes no timestamps", d.Name())
		}
		tiles := []attentionTile{{}}
		shapes := []attentionShape{{batch: 1, queries: 64, keys: 64, heads: 1, kv: 1, width: 16, causal: true}}
		if !d.f.software() {
			shapes = []attentionShape{
				{batch: 8, queries: 1024, keys: 1024, heads: 20, kv: 20, width: 64, causal: true},
				{batch: 8, queries: 1024, keys: 1024, heads: 20, kv: 20, width: 64},
				{batch: 32, queries: 512, keys: 512, heads: 12, kv: 12, width: 64},
				{batch: 8, queries: 1024, keys: 1024, heads: 16, kv: 4, width: 128, causal: true},
			}
			if variant == "coop" {
				tiles = append(tiles, attentionTile{4, 1, 32}, attentionTile{4, 1, 64}, attentionTile{4, 2, 16}, attentionTile{4, 2, 32},
					attentionTile{8, 1, 32}, attentionTile{2, 1, 32}, attentionTile{2, 2, 32})
			}
		}
		for _, dt := range []tensor.DType{tensor.BF16, tensor.F16} {
			in, _ := typeOf(dt)
			if variant == "coop" && d.f.coop[in].k == 0 {
				continue
			}
			for _, s := range shapes {
				for i, tile := range tiles {
					a := attention{f: &d.f, storage: in}
					a.Width = s.width
					if i > 0 && (dt != coopTypes(d)[0] || !a.fits(tile, "attention_grad_kv")) {
						continue
					}
					d.f.attentionTile = tile
					b.Run(fmt.Sprintf("%s%v/%v/%v", variant, d.f.attentionTile, dt, s), func(b *testing.B) { benchmarkAttention(b, d, s, dt) })
				}
			}
		}
	}
}

func benchmarkAttention(b *testing.B, d *Backend, s attentionShape, dt tensor.DType) {
	m := &model{graph.New(), map[string]*tensor.Tensor{}}
	r := load(b, d, m.Graph, s.build(dt)(m))
	defer r.Close()
	for name, v := range m.values {
		must(b, r.Write(name, v))
	}
	must(b, r.Run(context.Background())) // drivers may compile as late as here
	var before, after [2]int64           // nanoseconds forward and backward
	spent := func() (ns [2]int64) {
		for row, spent := range d.Profile().Kernels {
			switch {
			case strings.HasPrefix(row, "attention_grad"):
				ns[1] += spent.Nanoseconds
			case strings.HasPrefix(row, "attention"):
				ns[0] += spent.Nanoseconds
			}
		}
		return ns
	}
	before = spent()
	for b.Loop() {
		must(b, r.Run(context.Background()))
	}
	after = spent()
	pairs := float64(s.queries) * float64(s.keys)
	if s.causal {
		pairs = float64(s.queries) * float64(s.queries+1) / 2
	}
	flops := pairs * float64(s.batch*s.heads*s.width) * float64(b.N)
	b.ReportMetric(4*flops/float64(after[0]-before[0]), "GFLOP/s-forward")
	b.ReportMetric(10*flops/float64(after[1]-before[1]), "GFLOP/s-backward")
}
