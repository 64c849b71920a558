package graph

import "github.com/kiban-models/kiban/core/tensor"

// FillAttr holds the value of a "fill" kernel.
type FillAttr struct{ Value float32 }

// Fill returns a constant tensor.
func Fill(g *Graph, value float32, dt tensor.DType, shape ...int) *Node {
	return g.op("fill", FillAttr{value}, dt, shape)
}
