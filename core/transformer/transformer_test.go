package transformer_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// small has no dimension in common with another.
var small = transformer.Config{
	Layers: 2, Width: 6, Heads: 2, FFN: 10, NormEps: 1e-5, InitStd: 0.02,
	Act: graph.GeluTanh, Causal: true, InOut: true, Names: transformer.GPT2,
}

func TestValidate(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		change func(*transformer.Config)
		want   string // in the error; "" for none
	}{
		{func(*transformer.Config) {}, ""},
		{func(c *transformer.Config) { c.FFN, c.InitStd, c.Dropout = 0, 0, 0.99 }, ""},
		{func(c *transformer.Config) { c.Heads = 6 }, ""},
		{func(c *transformer.Config) { c.Layers = 0 }, "0 layers"},
		{func(c *transformer.Config) { c.Width = -6 }, "width -6"},
		{func(c *transformer.Config) { c.Heads = 0 }, "0 heads"},
		{func(c *transformer.Config) { c.Heads = 4 }, "width 6 is not divisible by 4 heads"},
		{func(c *transformer.Config) { c.FFN = -1 }, "feed-forward width -1"},
		{func(c *transformer.Config) { c.NormEps = 0 }, "epsilon 0"},
		{func(c *transformer.Config) { c.NormEps = nan }, "epsilon NaN"},
		{func(c *transformer.Config) { c.InitStd = -1 }, "deviation -1"},
		{func(c *transformer.Config) { c.Dropout = 1 }, "dropout 1"},
		{func(c *transformer.Config) { c.Dropout = -0.1 }, "dropout -0.1"},
		{func(c *transformer.Config) { c.Dropout = nan }, "dropout NaN"},
		{func(c *transformer.Config) { c.Turned = 2 }, ""},
		{func(c *transformer.Config) { c.Turned = 1 }, "turn 1 columns"},
		{func(c *transformer.Config) { c.Turned = 4 }, "heads 3 wide"},
		{func(c *transformer.Config) { c.Names = transformer.Names{} }, "names"},
		{func(c *transformer.Config) { c.Names.Norm2 = c.Names.Norm1 }, `"ln_1"`},
	} {
		config := small
		c.change(&config)
		err := config.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: got %v, wanted an error with %q", config, err, c.want)
		}
	}
}

func TestDeclared(t *testing.T) {
	c := small
	c.FFN = 0
	s := nn.NewScope(graph.New(), nn.Policy{})
	transformer.NewStack(s.At("h"), c)
	std := c.InitStd / 2 // √(2·2 layers)
	want := []nn.Declared{}
	add := func(name string, i nn.Init, shape ...int) {
		want = append(want, nn.Declared{Name: name, DType: tensor.F32, Shape: shape, Init: i})
	}
	for l := range 2 {
		p := fmt.Sprintf("h.%d.", l)
		add(p+"ln_1.weight", nn.Init{Mean: 1}, 6)
		add(p+"ln_1.bias", nn.Init{}, 6)
		add(p+"attn.c_attn.weight", nn.Init{Std: c.InitStd}, 6, 18)
		add(p+"attn.c_attn.bias", nn.Init{}, 18)
		add(p+"attn.c_proj.weight", nn.Init{Std: std}, 6, 6)
		add(p+"attn.c_proj.bias", nn.Init{}, 6)
		add(p+"ln_2.weight", nn.Init{Mean: 1}, 6)
		add(p+"ln_2.bias", nn.Init{}, 6)
		add(p+"mlp.c_fc.weight", nn.Init{Std: c.InitStd}, 6, 24)
		add(p+"mlp.c_fc.bias", nn.Init{}, 24)
		add(p+"mlp.c_proj.weight", nn.Init{Std: std}, 24, 6)
		add(p+"mlp.c_proj.bias", nn.Init{}, 6)
	}
	if got := s.Declared(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("declared\n%v, wanted\n%v", got, want)
	}
}

// TestForward holds a stack to the formulas of its blocks, written out.
func TestForward(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend.Backend) {
		const batch, length = 2, 5
		for _, causal := range []bool{true, false} {
			c := small
			c.Causal = causal
			weights := putWeights(t, b, c)
			x := random(99, batch*length, c.Width)
			g := graph.New()
			y := transformer.NewStack(nn.NewScope(g, nn.Policy{}), c).Forward(g.Input("x", tensor.F32, x.Shape()...), transformer.Pass{Batch: batch, Len: length})
			got := load(t, b, g, plan.Options{}, map[string]*graph.Node{"y": y}).on(map[string]*tensor.Tensor{"x": x}).out("y")
			for i := range batch {
				n := length * c.Width
				differ(t, fmt.Sprintf("causal %t, sequence %d", causal, i), got[i*n:][:n], written(c, weights, x.Float32()[i*n:][:n]), 1e-4)
			}
		}
	})
}

// written computes a stack over one sequence in f64, one token after another.
func written(c transformer.Config, weights map[string][]float32, x []float32) []float32 {
	rows := make([][]float64, len(x)/c.Width)
	for t := range rows {
		for _, v := range x[t*c.Width:][:c.Width] {
			rows[t] = append(rows[t], float64(v))
		}
	}
	linear := func(name string, x []float64) []float64 {
		w, bias := weights[name+".weight"], weights[name+".bias"]
		y := make([]float64, len(bias))
		for j := range y {
			y[j] = float64(bias[j])
			for i := range x {
				y[j] += x[i] * float64(w[i*len(y)+j])
			}
		}
		return y
	}
	norm := func(name string, x []float64) []float64 {
		var mean, square float64
		for _, v := range x {
			mean += v / float64(len(x))
		}
		for _, v := range x {
			square += (v - mean) * (v - mean) / float64(len(x))
		}
		y := make([]float64, len(x))
		for i, v := range x {
			y[i] = (v-mean)/math.Sqrt(square+float64(c.NormEps))*float64(weights[name+".weight"][i]) + float64(weights[name+".bias"][i])
		}
		return y
	}
	add := func(x, y []float64) {
		for i := range x {
			x[i] += y[i]
		}
	}
	for l := range c.Layers {
		p := fmt.Sprintf("%d.", l)
		var qkv [][]float64
		for _, x := range rows {
			qkv = append(qkv, linear(p+"attn.c_attn", norm(p+"ln_1", x)))
		}
		for t, x := range rows {
			seen := len(rows)
			if c.Causal {
				seen = t + 1
			}
			add(x, linear(p+"attn.c_proj", attend(c, qkv[t], qkv[:seen])))
		}
		for _, x := range rows {
			h := linear(p+"mlp.c_fc", norm(p+"ln_2", x))
			for i, v := range h {
				h[i] = 0.5 * v * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v)))
			}
			add(x, linear(p+"mlp.c_proj", h))
		}
	}
	var y []float32
	for _, x := range rows {
		for _, v := range x {
			y = append(y, float32(v))
		}
	}
	return y
}

// attend returns the heads' results for the query of one row.
func attend(c transformer.Config, query []float64, rows [][]float64) []float64 {
	d := c.Width / c.Heads
	out := make([]float64, c.Width)
	for h := 0; h < c.Width; h += d {
		score, sum := make([]float64, len(rows)), 0.0
		for j, row := range rows {
			for i := range d {
				score[j] += query[h+i] * row[c.Width+h+i]
			}
			score[j] = math.Exp(score[j] / math.Sqrt(float64(d)))
			sum += score[j]
		}
		for j, row := range rows {
			for i := range d {
				out[h+i] += score[j] / sum * row[2*c.Width+h+i]
			}
		}
	}
	return out
}

// TestCache runs prompts of different lengths through the cache, then token
// after token, and expects what the whole sequences give.
func TestCache(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend.Backend) {
		for _, turned := range []int{0, 2} {
			c := small
			c.Turned = turned
			testCache(t, b, c)
		}
	})
}

func testCache(t *testing.T, b backend.Backend, c transformer.Config) {
	const batch, length, prompt = 2, 9, 4
	w := c.Width
	putWeights(t, b, c)
	x := random(7, batch*length, w)
	full := stackProgram(t, b, c, batch, length, 0).on(map[string]*tensor.Tensor{"x": x}).out("y")
	// tokens returns n tokens of each sequence from its place on.
	tokens := func(n int, from []int32) map[string]*tensor.Tensor {
		part := tensor.New(tensor.F32, batch*n, w)
		for i := range batch {
			copy(part.Float32()[i*n*w:(i+1)*n*w], x.Float32()[(i*length+int(from[i]))*w:])
		}
		return map[string]*tensor.Tensor{"x": part, "pos": tensor.Of(from, batch)}
	}
	check := func(what string, got []float32, n int, from []int32) {
		t.Helper()
		for i := range batch {
			differ(t, fmt.Sprintf("%s, sequence %d from %d", what, i, from[i]),
				got[i*n*w:(i+1)*n*w], full[(i*length+int(from[i]))*w:][:n*w], 1e-5)
		}
	}
	start := []int32{0, 0}
	check("prompt", stackProgram(t, b, c, batch, prompt, length).on(tokens(prompt, start)).out("y"), prompt, start)
	// The second sequence's prompt was shorter: what stands behind its end
	// is written over before it is seen.
	step := stackProgram(t, b, c, batch, 1, length)
	for pos := []int32{prompt, 2}; pos[0] < length; pos[0], pos[1] = pos[0]+1, pos[1]+1 {
		check("step", step.on(tokens(1, pos)).out("y"), 1, pos)
	}
}

// stackProgram is a stack over x, with a cache of the given length if it is
// not 0.
func stackProgram(t *testing.T, b backend.Backend, c transformer.Config, batch, length, cache int) program {
	t.Helper()
	g := graph.New()
	p := transformer.Pass{Batch: batch, Len: length}
	if cache > 0 {
		p.Cache = &transformer.Cache{Name: "cache", Len: cache, Pos: g.Input("pos", tensor.I32, batch)}
	}
	if c.Turned > 0 {
		p.Rotary = g.Input("rotary", tensor.F32, 16, c.Turned)
	}
	y := transformer.NewStack(nn.NewScope(g, nn.Policy{}), c).Forward(g.Input("x", tensor.F32, batch*length, c.Width), p)
	loaded := load(t, b, g, plan.Options{}, map[string]*graph.Node{"y": y})
	if c.Turned > 0 {
		if err := loaded.Write("rotary", graph.RotaryTable(graph.RotaryFrequencies(c.Turned, 1e4), 16)); err != nil {
			t.Fatal(err)
		}
	}
	return loaded
}

func TestCacheStates(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.F32, tensor.BF16} {
		g := graph.New()
		pos := g.Input("pos", tensor.I32, 3)
		transformer.NewStack(nn.NewScope(g, nn.Policy{Compute: dt}), small).Forward(g.Input("x", dt, 3, small.Width),
			transformer.Pass{Batch: 3, Len: 1, Cache: &transformer.Cache{Name: "kv", Len: 20, Pos: pos}})
		p, err := plan.Compile(g, plan.Limits{}, plan.Options{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprint([]plan.Named{{Name: "kv.0", DType: dt, Shape: []int{3, 20, 12}}, {Name: "kv.1", DType: dt, Shape: []int{3, 20, 12}}})
		if got := fmt.Sprint(p.States); got != want {
			t.Errorf("computing in %v: states %v, wanted %v", dt, got, want)
		}
	}
}
