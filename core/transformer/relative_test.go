package transformer_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// TestRelativeBuckets has the buckets that transformers has.
func TestRelativeBuckets(t *testing.T) {
	want := published(t, "relative")
	for _, r := range []transformer.Relative{{Buckets: 32, Farthest: 128}, {Buckets: 8, Farthest: 9}, {Buckets: 32, Farthest: 64}, {Buckets: 10, Farthest: 200}, {Buckets: 64, Farthest: 256}} {
		for name, causal := range map[string]bool{"both": false, "causal": true} {
			r.Causal = causal
			if err := r.Validate(); err != nil {
				t.Error(err)
			}
			for i, b := range want(fmt.Sprintf("buckets.%d.%d.%s", r.Buckets, r.Farthest, name)).Int32() {
				if got := r.Bucket(i - 300); got != int(b) {
					t.Errorf("%+v: place %d is of bucket %d, wanted %d", r, i-300, got, b)
				}
			}
		}
	}
}

// TestRelativeWithoutBuckets refuses what has none.
func TestRelativeWithoutBuckets(t *testing.T) {
	for _, r := range []transformer.Relative{{}, {Buckets: 7, Farthest: 9}, {Buckets: 8, Farthest: 2}, {Buckets: 1, Farthest: 9, Causal: true}} {
		if r.Validate() == nil {
			t.Errorf("%+v is taken", r)
		}
	}
}

// TestRelativeT5 runs a part of T5's encoder and one of its decoder, of sequences
// longer than the farthest place: outputs and gradients, that of the table among
// them, are transformers'.
func TestRelativeT5(t *testing.T) {
	const batch, length, width, heads, kv = 2, 23, 20, 3, 8
	want := published(t, "relative")
	turning(t, func(t *testing.T, b backend.Backend) {
		worst := 0.0
		for name, causal := range map[string]bool{"both": false, "causal": true} {
			r := transformer.Relative{Buckets: 8, Farthest: 9, Causal: causal}
			g := graph.New()
			x, w := g.Input("x", tensor.F32, batch*length, width), g.Input("w", tensor.F32, batch*length, width)
			given := map[string]*tensor.Tensor{"choice": r.Choice()}
			params := map[string]*graph.Node{"x": x}
			param := func(key string, shape ...int) *graph.Node {
				params[key] = g.Input(key, tensor.F32, shape...)
				given[key] = want(name + "." + key)
				return params[key]
			}
			project := func(x *graph.Node, key string, out, in int) *graph.Node {
				return graph.MatMul(x, param(key+".weight", out, in), graph.MatMulOpt{TransB: true})
			}
			opt := graph.AttentionOpt{Bias: r.Bias(param("relative_attention_bias.weight", 8, heads), g.Input("choice", tensor.F32, 8, r.Places()))}
			if !causal {
				opt.Keys = g.Input("keys", tensor.I32, batch)
				given["keys"] = tensor.Of([]int32{23, 15}, 2)
			}
			plain := graph.HeadLayout{Stride: kv}
			y := graph.Attention(project(x, "q", heads*kv, width), project(x, "k", heads*kv, width), project(x, "v", heads*kv, width), graph.AttentionAttr{
				Batch: batch, QueryLen: length, KeyLen: length, Heads: heads, KVHeads: heads, Width: kv, Q: plain, K: plain, V: plain,
				Scale: 1, Causal: causal,
			}, opt)
			y = project(y, "o", width, heads*kv)
			out := map[string]*graph.Node{"y": y}
			for key, p := range params {
				out["gradient."+key] = graph.Grad(graph.Dot(y, w), p)[0]
			}
			for _, key := range []string{"x", "w"} {
				given[key], _ = want(name+"."+key).Reshape(batch*length, width)
			}
			p := load(t, b, g, plan.Options{}, out).on(given)
			for key := range out {
				got, y := p.out(key), want(name+"."+key).Float32()
				if key == "y" && !causal { // padding is nobody's
					got, y = got[:(length+15)*width], y[:(length+15)*width]
				}
				scale, off := 0.0, 0.0
				for i, v := range y {
					scale, off = max(scale, math.Abs(float64(v))), max(off, math.Abs(float64(got[i]-v)))
				}
				if worst = max(worst, off/scale); !(off < 1e-5*scale) {
					t.Errorf("%s %s differs by %g of its largest", name, key, off/scale)
				}
			}
		}
		t.Logf("outputs and gradients differ by at most %.2g of their largest", worst)
	})
}
