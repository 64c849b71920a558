package transformer_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// encoders are blocks that see both ways: with one projection of query, key and
// value and with three, normalised before and after.
func encoders() map[string]transformer.Config {
	c := small
	c.Causal, c.InOut, c.Act = false, false, graph.GeluErf
	three := c
	three.Names = transformer.BERT
	post, post3 := c, three
	post.PostNorm, post3.PostNorm = true, true
	return map[string]transformer.Config{"pre": c, "pre, three projections": three, "post": post, "post, three projections": post3}
}

// parts are the names of BERT's layer for those of GPT-2's block.
var parts = map[string]string{
	"ln_1": transformer.BERT.Norm1, "attn.c_proj": transformer.BERT.Proj, "ln_2": transformer.BERT.Norm2,
	"mlp.c_fc": transformer.BERT.Up, "mlp.c_proj": transformer.BERT.Down,
}

// putThree gives a stack of three projections the weights of one of a single
// one, cut into three.
func putThree(t *testing.T, b backend.Backend, fused map[string][]float32, c transformer.Config) {
	t.Helper()
	s := nn.NewScope(graph.New(), nn.Policy{})
	transformer.NewStack(s, c)
	back := map[string]string{}
	for from, to := range parts {
		back[to] = from
	}
	for _, d := range s.Declared() {
		layer, name, _ := strings.Cut(d.Name, ".")
		i := strings.LastIndexByte(name, '.')
		part, kind := name[:i], name[i:]
		n := tensor.NumElements(d.Shape)
		values := fused[layer+"."+back[part]+kind]
		if k := slices.Index([]string{c.Names.Query, c.Names.Key, c.Names.Value}, part); k >= 0 {
			values = fused[layer+".attn.c_attn"+kind][k*n:][:n]
		}
		if err := b.Put(d.Name, tensor.Of(slices.Clone(values), d.Shape...)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestProjections demands that three projections are one in three parts.
func TestProjections(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend.Backend) {
		for _, norm := range []string{"pre", "post"} {
			one, three := encoders()[norm], encoders()[norm+", three projections"]
			putThree(t, b, putWeights(t, b, one), three)
			want := encode(t, b, one, []int32{5, 3}, random(90, 10, 6))
			differ(t, norm, encode(t, b, three, []int32{5, 3}, random(90, 10, 6)), want, 1e-5)
		}
	})
}

// encode runs two sequences of five tokens.
func encode(t *testing.T, b backend.Backend, c transformer.Config, lengths []int32, x *tensor.Tensor) []float32 {
	t.Helper()
	g := graph.New()
	y := transformer.NewStack(nn.NewScope(g, nn.Policy{}), c).Forward(g.Input("x", tensor.F32, 10, 6),
		transformer.Pass{Batch: 2, Len: 5, Keys: g.Input("keys", tensor.I32, 2)})
	out := load(t, b, g, plan.Options{}, map[string]*graph.Node{"y": y}).on(map[string]*tensor.Tensor{
		"x": x, "keys": tensor.Of(lengths, 2),
	}).out("y")
	return slices.Clone(out)
}

// TestEncoderPadding demands that what stands past a sequence's length is not
// seen, and what stands before is, from both sides.
func TestEncoderPadding(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend.Backend) {
		for _, name := range slices.Sorted(maps.Keys(encoders())) {
			c := encoders()[name]
			putWeights(t, b, c)
			x := random(91, 10, 6)
			want := encode(t, b, c, []int32{5, 3}, x)
			other := slices.Clone(x.Float32())
			r := rand.New(rand.NewPCG(1, 1))
			for i := 8 * 6; i < 10*6; i++ { // tokens 3 and 4 of the second
				other[i] = 10 * r.Float32()
			}
			got := encode(t, b, c, []int32{5, 3}, tensor.Of(other, 10, 6))
			if !slices.Equal(got[:8*6], want[:8*6]) {
				t.Errorf("%s: padding is seen", name)
			}
			other[7*6]++ // token 2 of the second
			got = encode(t, b, c, []int32{5, 3}, tensor.Of(other, 10, 6))
			if !slices.Equal(got[:5*6], want[:5*6]) || slices.Equal(got[5*6:6*6], want[5*6:6*6]) {
				t.Errorf("%s: a later token must be seen by its own sequence and no other", name)
			}
		}
	})
}

// TestPostNorm demands that a post-norm stack ends in its last norm: with a
// weight of 0 nothing is left but the bias.
func TestPostNorm(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend.Backend) {
		c := encoders()["post"]
		putWeights(t, b, c)
		bias := []float32{1, 2, 3, 4, 5, 6}
		for name, x := range map[string]*tensor.Tensor{"1.ln_2.weight": tensor.New(tensor.F32, 6), "1.ln_2.bias": tensor.Of(bias, 6)} {
			if err := b.Put(name, x); err != nil {
				t.Fatal(err)
			}
		}
		for i, y := range encode(t, b, c, []int32{5, 5}, random(92, 10, 6)) {
			if y != bias[i%6] {
				t.Fatalf("value %d is %g", i, y)
			}
		}
	})
}
