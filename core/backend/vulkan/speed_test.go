package vulkan

import (
	"context"
	"fmt"
	"testing"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// BenchmarkDispatch times a step of the least work, barrier included, in
// programs of 1 and of 1000 steps; the difference is what a dispatch costs.
func BenchmarkDispatch(b *testing.B) {
	d := open(b, Options{})
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g := graph.New()
			x := g.Input("x", tensor.F32, 4)
			for range n {
				x = graph.Scale(x, 1)
			}
			r := load(b, d, g, map[string]*graph.Node{"y": x})
			defer r.Close()
			for b.Loop() {
				must(b, r.Run(context.Background()))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n)/1e3, "us/dispatch")
		})
	}
}

// BenchmarkMatMul times the variants on square matrices in every layout.
func BenchmarkMatMul(b *testing.B) {
	const n = 512
	for _, variant := range []string{"tile", "shared"} {
		d := open(b, Options{MatMul: variant})
		for _, dt := range []tensor.DType{tensor.F32, tensor.BF16} {
			for _, o := range []graph.MatMulOpt{{}, {TransB: true}, {TransA: true}} {
				b.Run(fmt.Sprintf("%s/%v/a=%t,b=%t", variant, dt, o.TransA, o.TransB), func(b *testing.B) {
					g := graph.New()
					y := graph.MatMul(g.Input("x", dt, n, n), g.Input("w", dt, n, n), o)
					r := load(b, d, g, map[string]*graph.Node{"y": y})
					defer r.Close()
					for b.Loop() {
						must(b, r.Run(context.Background()))
					}
					b.ReportMetric(2*n*n*n*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
				})
			}
		}
	}
}
