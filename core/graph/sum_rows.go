package graph

import "github.com/kiban-models/kiban/core/tensor"

// SumRows returns the column sums of x [N, C] as f32 [C]: the gradient of a
// bias.
func SumRows(x *Node) *Node {
	return x.g.op("sum_rows", nil, tensor.F32, []int{x.cols()}, x)
}
