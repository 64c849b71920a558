package forecast

import (
	"fmt"
	"math"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/transformer"
)

// Inputs are what the body of a model reads: Samples fields of Patches patches,
// each with Variables variables. The inputs are "fields" f32 [Samples*Patches,
// Variables*cells], the numbers of a patch, variable by variable and row by
// row; "variables" i32 [Variables] their ids and "variable_rows" i32
// [Variables*cells] the rows of the stacked embedding, id*cells+cell; "places"
// i32 [Samples*Patches] the numbers of the patches, "samples" of their fields;
// "lead" f32 [Samples, 1] in hundreds of hours; and with dropout "dropout_seed"
// i32 [2]. A projector also reads "years" i32 [Samples], the place of a field in
// its history, and "queries" i32 [Samples/History], zeros.
type Inputs struct {
	Samples, Variables, Patches               int
	Fields, IDs, Rows, Places, Of, Lead, Seed *graph.Node
	Years, Queries                            *graph.Node
}

// Declare declares the inputs of a pass of the model, with a seed if dropout is
// wanted. Samples of a projector are years, History for each of its results.
func Declare(g *graph.Graph, c Config, samples, variables, patches int, dropout bool) Inputs {
	n, cells := samples*patches, c.cells()
	in := Inputs{
		Samples: samples, Variables: variables, Patches: patches,
		Fields: g.Input("fields", tensor.F32, n, variables*cells),
		IDs:    g.Input("variables", tensor.I32, variables),
		Rows:   g.Input("variable_rows", tensor.I32, variables*cells),
		Places: g.Input("places", tensor.I32, n),
		Of:     g.Input("samples", tensor.I32, n),
		Lead:   g.Input("lead", tensor.F32, samples, 1),
	}
	if c.IsProjector() {
		in.Years = g.Input("years", tensor.I32, samples)
		in.Queries = g.Input("queries", tensor.I32, samples/c.History)
	}
	if dropout {
		in.Seed = g.Input("dropout_seed", tensor.I32, 2)
	}
	return in
}

// attention is torch's MultiheadAttention with one learned query.
type attention struct {
	query, weight, bias *graph.Node
	out                 nn.Linear
	heads               int
	compute             tensor.DType
}

func newAttention(s nn.Scope, query, name string, c Config, out nn.LinearOpt) attention {
	d := c.Width
	a := attention{query: s.Matrix(query, 1, d, nn.Init{}), heads: c.Heads, compute: s.Policy.Compute}
	s = s.At(name)
	a.weight = s.Matrix("in_proj_weight", 3*d, d, nn.Init{Bound: float32(math.Sqrt(6 / float64(4*d)))}) // Glorot and Bengio
	a.bias = s.Vector("in_proj_bias", 3*d, nn.Init{})
	a.out = nn.NewLinear(s, "out_proj", d, d, out)
	return a
}

// project maps rows to their query, key and value, with or without the
// constant.
func (a attention) project(x *graph.Node, constant bool) *graph.Node {
	o := graph.MatMulOpt{TransB: true}
	if constant {
		o.Bias = a.bias
	}
	return graph.MatMul(graph.Cast(x, a.compute), graph.Cast(a.weight, a.compute), o)
}

// body is what the two architectures share.
type body struct {
	Config                                      Config
	tokens, constants, variables, places, years *graph.Node
	join                                        attention
	lead                                        nn.Linear
	blocks                                      transformer.Stack
	norm                                        nn.LayerNorm
	scope                                       nn.Scope
}

func newBody(s nn.Scope, c Config) body {
	s = s.At("net")
	v, d := len(c.Variables), c.Width
	t := s.At("token_embeds")
	return body{
		Config:    c,
		tokens:    t.Matrix("proj_weights", v*c.cells(), d, nn.Init{Std: initStd}),
		constants: t.Matrix("proj_biases", v, d, nn.Init{Bound: 1 / float32(c.Patch)}), // torch's, of a convolution
		variables: s.Matrix("var_embed", v, d, nn.Init{}),
		places:    s.Matrix("pos_embed", c.Patches(), d, nn.Init{}),
		join:      newAttention(s, "var_query", "var_agg", c, nn.LinearOpt{Std: initStd}),
		lead:      nn.NewLinear(s, "lead_time_embed", 1, d, nn.LinearOpt{Std: initStd}),
		blocks:    transformer.NewStack(s.At("blocks"), c.stack()),
		norm:      nn.NewLayerNorm(s, "norm", d, normEps),
		scope:     s,
	}
}

// hidden returns the final states of all patches, [Samples*Patches, Width].
func (m body) hidden(in Inputs) *graph.Node {
	dt := m.scope.Policy.Compute
	w := m.join.project(graph.Embed(m.tokens, in.Rows, dt), false)
	c := m.join.project(graph.Add(graph.Embed(m.constants, in.IDs, dt), graph.Embed(m.variables, in.IDs, dt)), true)
	x := graph.AffineAttention(graph.Cast(in.Fields, dt), w, c, m.join.project(m.join.query, true), m.Config.Heads)
	x = graph.Add(m.join.out.Forward(x), graph.Embed(m.places, in.Places, dt))
	when := m.lead.Forward(graph.Cast(in.Lead, dt))
	if m.years != nil {
		when = graph.Add(when, graph.Embed(m.years, in.Years, dt))
	}
	x = graph.Add(x, graph.Embed(when, in.Of, dt))
	if in.Seed != nil {
		x = graph.Dropout(x, in.Seed, m.Config.Dropout, 0)
	}
	return m.norm.Forward(m.blocks.Forward(x, transformer.Pass{Batch: in.Samples, Len: in.Patches, Seed: in.Seed}))
}

// Model is ClimaX over one graph.
type Model struct {
	body
	head []nn.Linear
}

// New declares the parameters of a forecaster.
func New(s nn.Scope, c Config) *Model {
	m := &Model{body: newBody(s, c)}
	whole := m.scope
	whole.LoRA = nil // the head is trained in full
	for i := range c.DecoderDepth {
		m.head = append(m.head, nn.NewLinear(whole, fmt.Sprint("head.", 2*i), c.Width, c.Width, nn.LinearOpt{Std: initStd}))
	}
	last := nn.NewLinear(whole, fmt.Sprint("head.", 2*c.DecoderDepth), c.Width, c.cells()*len(c.Variables), nn.LinearOpt{Std: initStd})
	m.head = append(m.head, last)
	return m
}

// Forward returns the forecast of all variables, f32 [Samples*Patches,
// cells*variables], the variables of a cell one after the other.
func (m *Model) Forward(in Inputs) *graph.Node {
	x := m.hidden(in)
	n := len(m.head) - 1
	for _, l := range m.head[:n] {
		x = graph.Activate(l.Forward(x), graph.GeluErf)
	}
	return inF32(x, m.head[n], m.scope.Policy)
}

// inF32 is a linear layer whose result is stored in f32, whatever the policy.
func inF32(x *graph.Node, l nn.Linear, p nn.Policy) *graph.Node {
	return graph.MatMul(x, graph.Cast(l.W, p.Compute), graph.MatMulOpt{TransB: true, Bias: l.B, Out: tensor.F32, As: true})
}

// Loss returns the weighted mean of squared errors, one element: what is
// forecast, "targets" and "weights" have one shape. Batch.Target makes the
// weights: 0 for what does not count, which is a mask of missing values and the
// choice of variables at once.
func Loss(forecast *graph.Node) *graph.Node {
	return graph.Dot(squares(forecast), weights(forecast))
}

// Losses returns the same before it is summed over the patches, f32 [cells *
// variables]: Config.ByVariable sums what belongs to each variable. It has no
// gradient.
func Losses(forecast *graph.Node) *graph.Node {
	return graph.SumRows(graph.Mul(squares(forecast), weights(forecast)))
}

func squares(forecast *graph.Node) *graph.Node {
	targets := forecast.Graph().Input("targets", tensor.F32, forecast.Shape()...)
	d := graph.Add(forecast, graph.Scale(targets, -1))
	return graph.Mul(d, d)
}

func weights(forecast *graph.Node) *graph.Node {
	return forecast.Graph().Input("weights", tensor.F32, forecast.Shape()...)
}
