// Package nn has the layers of a network as structs of named parameters.
//
// A layer's constructor declares its parameters in a Scope, under the names
// that the published model uses, so that weights load without a table of
// renamings. Its Forward appends operations to the scope's graph.
package nn

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// Policy says how a model is stored and computed. The zero value is f32
// throughout. Sums, norms, softmax and losses are f32 whatever it says, and
// vectors (biases, norm weights) are stored in f32.
type Policy struct {
	Params  tensor.DType // storage of matrices; f32 masters when training
	Compute tensor.DType // storage of activations and of the operands of matrix products
	// Int8 stores the matrices of linear layers and tied embeddings as bytes
	// with a scale for each output channel, as tensor.Int8 makes them. Such a
	// model cannot train.
	Int8 bool
}

// Init says how a parameter begins when there is no file: normal with the
// standard deviation Std around Mean, uniform within Bound of Mean if that is
// set, or constant Mean if both are 0.
type Init struct{ Mean, Std, Bound float32 }

// Declared is a parameter that a model asked for.
type Declared struct {
	Name  string
	DType tensor.DType
	Shape []int
	Init  Init
}

// Scope is a graph in the making, with the name of the place in the model
// where layers are being declared.
type Scope struct {
	Graph  *graph.Graph
	Policy Policy
	// LoRA, if not nil, gives linear layers adapters. AdapterSeed, i32 [2] or
	// nil for no dropout, is the seed of the adapters' dropout.
	LoRA        *LoRA
	AdapterSeed *graph.Node
	prefix      string
	all         *[]Declared
}

// NewScope returns the root scope over a graph.
func NewScope(g *graph.Graph, p Policy) Scope {
	return Scope{Graph: g, Policy: p, all: &[]Declared{}}
}

// At returns the scope one or more levels down: At("h", 3) adds "h.3." to the
// names that are declared in it. All scopes of a root share its list.
func (s Scope) At(parts ...any) Scope {
	for _, p := range parts {
		s.prefix += fmt.Sprint(p) + "."
	}
	return s
}

// Declared returns the parameters asked for so far, in order, each once. The
// caller must not change the slice.
func (s Scope) Declared() []Declared { return *s.all }

// Matrix declares a weight matrix [rows, cols] and returns it as stored, in
// Policy.Params. A name that is declared already gives the same node, so that
// tied weights are one; another shape then is an error of the graph, which
// plan.Compile returns.
func (s Scope) Matrix(name string, rows, cols int, init Init) *graph.Node {
	return s.param(name, s.Policy.Params, []int{rows, cols}, init)
}

// factor declares a matrix as an operand of products: as Matrix does, with no
// scale, or in 8 bits, with the scale of each of its columns, or else its rows.
func (s Scope) factor(name string, rows, cols int, columns bool, init Init) (w, scale *graph.Node) {
	if !s.Policy.Int8 {
		return s.Matrix(name, rows, cols, init), nil
	}
	shape := []int{rows, 1}
	if columns {
		shape = []int{1, cols}
	}
	w = s.param(name, tensor.I8, []int{rows, cols}, init)
	return w, s.param(name+tensor.ScaleSuffix, tensor.F32, shape, Init{})
}

// Vector declares a bias or norm weight, f32 [n].
func (s Scope) Vector(name string, n int, init Init) *graph.Node {
	return s.param(name, tensor.F32, []int{n}, init)
}

func (s Scope) param(name string, dt tensor.DType, shape []int, init Init) *graph.Node {
	name = s.prefix + name
	for _, d := range *s.all {
		if d.Name == name {
			return s.Graph.Param(name, dt, shape...)
		}
	}
	*s.all = append(*s.all, Declared{name, dt, shape, init})
	return s.Graph.Param(name, dt, shape...)
}

// LayerNorm normalises the last axis.
type LayerNorm struct {
	W, B *graph.Node
	Eps  float32
}

// NewLayerNorm declares "<name>.weight" [width], ones, and "<name>.bias"
// [width], zeros.
func NewLayerNorm(s Scope, name string, width int, eps float32) LayerNorm {
	s = s.At(name)
	return LayerNorm{s.Vector("weight", width, Init{Mean: 1}), s.Vector("bias", width, Init{}), eps}
}

// Forward normalises the rows of x [N, C].
func (l LayerNorm) Forward(x *graph.Node) *graph.Node { return graph.LayerNorm(x, l.W, l.B, l.Eps) }

// Embedding is a table of vectors.
type Embedding struct {
	Table *graph.Node
	scale *graph.Node // of its rows, if they are in 8 bits
	scope Scope
}

// NewEmbedding declares "<name>.weight" [rows, width], whose initial values
// have the standard deviation std.
func NewEmbedding(s Scope, name string, rows, width int, std float32) Embedding {
	return Embedding{Table: s.At(name).Matrix("weight", rows, width, Init{Std: std}), scope: s}
}

// NewTiedEmbedding is NewEmbedding for a table that is the output's as well.
func NewTiedEmbedding(s Scope, name string, rows, width int, std float32) Embedding {
	table, scale := s.At(name).factor("weight", rows, width, false, Init{Std: std})
	return Embedding{table, scale, s}
}

// Forward looks up ids, i32 of any shape with N elements; the result is
// [N, width], stored as Policy.Compute. An id outside the table gives zeros.
func (e Embedding) Forward(ids *graph.Node) *graph.Node {
	if e.scale != nil {
		return graph.EmbedInt8(e.Table, e.scale, ids, e.scope.Policy.Compute)
	}
	return graph.Embed(e.Table, ids, e.scope.Policy.Compute)
}

// Logits returns the f32 products [N, rows] of x [N, width] with the table's rows,
// and bias, f32 [rows] or nil, added: the table as the output embedding.
func (e Embedding) Logits(x, bias *graph.Node) *graph.Node {
	o := graph.MatMulOpt{TransB: true, Scale: e.scale, Bias: bias, Out: tensor.F32, As: true}
	return graph.MatMul(x, operand(e.Table, e.scope.Policy), o)
}

// Losses returns the cross-entropy of each row's label under Logits, as
// graph.LinearCrossEntropy does.
func (e Embedding) Losses(x, bias, labels *graph.Node) *graph.Node {
	if e.scale != nil {
		return graph.LinearCrossEntropyInt8(x, e.Table, e.scale, bias, labels)
	}
	return graph.LinearCrossEntropy(x, operand(e.Table, e.scope.Policy), bias, labels)
}

// operand returns a stored matrix as products take it: in 8 bits, or stored as
// Policy.Compute.
func operand(w *graph.Node, p Policy) *graph.Node {
	if w.DType() == tensor.I8 {
		return w
	}
	return graph.Cast(w, p.Compute)
}
