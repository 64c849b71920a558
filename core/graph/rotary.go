package graph

import (
	"math"

	"github.com/kiban-models/kiban/core/tensor"
)

// RotaryAttr holds the constants of "rotary". Rows are b*Len+t of x; the heads
// lie in its columns as Layout says, each Width wide, of which the first Turned
// are turned. The table has Places rows.
type RotaryAttr struct {
	Batch, Len   int
	Heads, Width int
	Layout       HeadLayout
	Turned       int // even
	Places       int
	HasStart     bool // whether the optional operand follows
	Back         bool // turn the other way, as the gradient does
}

// Rotary turns the heads of x [B*Len, C] by their place (Su et al. 2021,
// arXiv:2104.09864), in the half-split form of GPT-NeoX and ESM-2. With h =
// Turned/2, column i < h of a head and column i+h are a pair:
//
//	y[i] = x[i]·cos - x[i+h]·sin,  y[i+h] = x[i+h]·cos + x[i]·sin
//
// Columns past Turned, and those of no head, stay. Row t of sequence b stands at
// place start[b]+t, which chooses a row of table, f32 [Places, Turned]: the
// cosines of the h angles, then their sines, as RotaryTable makes them. A place
// that the table lacks is taken for its nearest. start, i32 [B], may be nil for
// zeros.
func Rotary(x, table *Node, at RotaryAttr, start *Node) *Node {
	if table == nil || table.dtype != tensor.F32 || len(table.shape) != 2 || table.cols() != at.Turned ||
		at.Turned <= 0 || at.Turned%2 != 0 || at.Turned > at.Width || at.Heads <= 0 || at.Batch <= 0 || x.rows() != at.Batch*at.Len ||
		at.Layout.Offset < 0 || at.Layout.Stride < at.Width || at.Layout.Offset+(at.Heads-1)*at.Layout.Stride+at.Width > x.cols() {
		return x.g.bad(x.dtype, x.shape, "rotary: %v with table %v does not fit %+v", x, table, at)
	}
	at.Places = table.rows()
	in := []*Node{x, table}
	if at.HasStart = start != nil; at.HasStart {
		if start.dtype != tensor.I32 || start.Len() != at.Batch {
			return x.g.bad(x.dtype, x.shape, "rotary: start %v, wanted i32[%d]", start, at.Batch)
		}
		in = append(in, start)
	} else if at.Len > at.Places {
		return x.g.bad(x.dtype, x.shape, "rotary: %d tokens with a table of %d places", at.Len, at.Places)
	}
	return x.g.op("rotary", at, x.dtype, x.shape, in...)
}

// A rotation's transpose is the rotation back. The table is no parameter.
func gradRotary(n, d *Node, _ []bool) []*Node {
	at := n.attr.(RotaryAttr)
	at.Back = !at.Back
	in := append([]*Node{Cast(d, n.dtype)}, n.in[1:]...)
	return append([]*Node{n.g.op("rotary", at, n.dtype, n.shape, in...)}, make([]*Node, len(n.in)-1)...)
}

// RotaryFrequencies returns base^(-2i/turned) for the turned/2 pairs, rounded to
// f32, as models have them that store none.
func RotaryFrequencies(turned int, base float64) []float32 {
	f := make([]float32, turned/2)
	for i := range f {
		f[i] = float32(math.Pow(base, -float64(2*i)/float64(turned)))
	}
	return f
}

// RotaryTable returns the table of Rotary for so many places, f32 [places,
// 2*len(frequencies)]: the cosines and sines of place times frequency. The
// product is rounded to f32, as PyTorch's is, since at far places that moves
// the angle. Frequencies that a checkpoint holds are to be used as they are:
// ESM-2's were rounded to f16 in training.
func RotaryTable(frequencies []float32, places int) *tensor.Tensor {
	h := len(frequencies)
	table := tensor.New(tensor.F32, places, 2*h)
	x := table.Float32()
	for p := range places {
		for i, f := range frequencies {
			sin, cos := math.Sincos(float64(float32(p) * f))
			x[p*2*h+i], x[p*2*h+h+i] = float32(cos), float32(sin)
		}
	}
	return table
}
