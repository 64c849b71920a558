package graph

import "github.com/kiban-models/kiban/core/tensor"

// EmbedAttr holds the number of rows of the table.
type EmbedAttr struct{ Rows int }

// Embed returns the rows of table [V, C] that ids (i32, any shape, N elements)
// name, [N, C], stored as dt. A table of more dimensions counts as the matrix
// of its last one. An id outside the table gives a row of zeros and no
// gradient.
func Embed(table, ids *Node, dt tensor.DType) *Node {
	shape := []int{ids.Len(), table.cols()}
	if ids.dtype != tensor.I32 || len(table.shape) < 2 {
		return table.g.bad(dt, shape, "embed: %v of table %v", ids, table)
	}
	return table.g.op("embed", EmbedAttr{table.rows()}, dt, shape, table, ids)
}

// The gradient of the table, f32 [V, C], is the sum of d's rows by id, in the
// order of the rows.
func gradEmbed(n, d *Node, need []bool) []*Node {
	if !need[0] {
		return make([]*Node, 2)
	}
	table, ids := n.in[0], n.in[1]
	dt := n.g.op("embed_grad_table", n.attr, tensor.F32, table.shape, d, ids)
	return []*Node{Cast(dt, table.dtype), nil}
}
