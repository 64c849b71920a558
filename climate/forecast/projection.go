package forecast

import (
	"math"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
)

// Projection is ClimaX for ClimateBench (Watson-Parris et al. 2022): History
// fields, one a year, become one field of one variable. The states of a year's
// patches are averaged, one query joins the years by attention, and a linear
// layer makes the cells of the grid.
type Projection struct {
	body
	time attention
	head nn.Linear
}

// NewProjection declares the parameters of a projector.
func NewProjection(s nn.Scope, c Config) *Projection {
	m := &Projection{body: newBody(s, c)}
	s = m.scope
	m.years = s.Matrix("time_pos_embed", c.History, c.Width, nn.Init{})
	// What is made after the published model drew its weights keeps torch's.
	bound := float32(1 / math.Sqrt(float64(c.Width)))
	m.time = newAttention(s, "time_query", "time_agg", c, nn.LinearOpt{Bound: bound})
	s.LoRA = nil
	m.head = nn.NewLinear(s, "head", c.Width, c.Grid[0]*c.Grid[1], nn.LinearOpt{Bound: bound, BiasBound: bound})
	return m
}

// Forward returns the field of each history, f32 [Samples/History, rows*columns
// of the grid].
func (m *Projection) Forward(in Inputs) *graph.Node {
	c := m.Config
	g, batch, width := in.Fields.Graph(), in.Samples/c.History, c.Width/c.Heads
	x := m.hidden(in)
	// Attention to keys of zeros is the mean.
	zero := func(rows int) *graph.Node { return graph.Fill(g, 0, x.DType(), rows, c.Width) }
	plain := graph.HeadLayout{Stride: width}
	mean := graph.Attention(zero(in.Samples), zero(in.Samples*in.Patches), x, graph.AttentionAttr{
		Batch: in.Samples, QueryLen: 1, KeyLen: in.Patches, Heads: c.Heads, KVHeads: c.Heads, Width: width,
		Q: plain, K: plain, V: plain, Scale: 1,
	}, graph.AttentionOpt{})
	query := graph.Embed(m.time.project(m.time.query, true), in.Queries, x.DType())
	years := m.time.project(mean, true)
	x = graph.Attention(query, years, years, graph.AttentionAttr{
		Batch: batch, QueryLen: 1, KeyLen: c.History, Heads: c.Heads, KVHeads: c.Heads, Width: width,
		Q: plain, K: graph.HeadLayout{Offset: c.Width, Stride: width}, V: graph.HeadLayout{Offset: 2 * c.Width, Stride: width},
		Scale: float32(1 / math.Sqrt(float64(width))),
	}, graph.AttentionOpt{})
	return inF32(m.time.out.Forward(x), m.head, m.scope.Policy)
}
