package graph

import "github.com/kiban-models/kiban/core/tensor"

// EmbedAttr holds the constants of the two kernels. The operands of "embed" are
// the table, the ids, and the scale if Scaled.
type EmbedAttr struct {
	Rows   int  // of the table
	Scaled bool // f32, Rows elements: of each row of a table that is i8
}

// Embed returns the rows of table [V, C] that ids (i32, any shape, N elements)
// name, [N, C], stored as dt. A table of more dimensions counts as the matrix
// of its last one. An id outside the table gives a row of zeros and no
// gradient.
func Embed(table, ids *Node, dt tensor.DType) *Node {
	shape := []int{ids.Len(), table.cols()}
	if ids.dtype != tensor.I32 || len(table.shape) < 2 {
		return table.g.bad(dt, shape, "embed: %v of table %v", ids, table)
	}
	return table.g.op("embed", EmbedAttr{Rows: table.rows()}, dt, shape, table, ids)
}

// EmbedInt8 is Embed for a table in 8 bits, as tensor.Int8 makes it, of which
// each row is multiplied by its scale, f32 with V elements. It has no gradient.
func EmbedInt8(table, scale, ids *Node, dt tensor.DType) *Node {
	shape := []int{ids.Len(), table.cols()}
	if ids.dtype != tensor.I32 || len(table.shape) < 2 || table.dtype != tensor.I8 || scale.dtype != tensor.F32 || scale.Len() != table.rows() {
		return table.g.bad(dt, shape, "embed: %v of table %v with scale %v", ids, table, scale)
	}
	return table.g.op("embed", EmbedAttr{table.rows(), true}, dt, shape, table, ids, scale)
}

// The gradient of the table, f32 [V, C], is the sum of d's rows by id, in the
// order of the rows.
func gradEmbed(n, d *Node, need []bool) []*Node {
	if n.attr.(EmbedAttr).Scaled {
		return inference(n)
	}
	if !need[0] {
		return make([]*Node, 2)
	}
	table, ids := n.in[0], n.in[1]
	dt := n.g.op("embed_grad_table", n.attr, tensor.F32, table.shape, d, ids)
	return []*Node{Cast(dt, table.dtype), nil}
}
