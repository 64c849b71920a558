package reference

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// Operands: a, b, scale if Scaled, bias if Bias, residual if Residual; outputs:
// act(op(a)·op(b)·scale + bias) + residual, and the value before act if Pre.
func matMul(s plan.Step, in, out [][]float64) {
	at := s.Attr.(graph.MatMulAttr)
	a, b, rest := in[0], in[1], in[2:]
	var scale, bias, residual []float64
	if at.Scaled {
		scale, rest = rest[0], rest[1:]
	}
	if at.Bias {
		bias, rest = rest[0], rest[1:]
	}
	if at.Residual {
		residual = rest[0]
	}
	if at.TransA {
		a = transpose(a, at.K, at.M)
	}
	if at.TransB {
		b = transpose(b, at.N, at.K)
	}
	row := make([]float64, at.N)
	for i := range at.M {
		clear(row)
		multiplyRow(row, a[i*at.K:][:at.K], b)
		for j, v := range scale {
			row[j] *= v
		}
		if at.Bias {
			for j, v := range bias {
				row[j] += v
			}
		}
		if at.Pre {
			copy(out[1][i*at.N:], row)
		}
		for j, v := range row {
			y := activate(at.Act, v)
			if at.Residual {
				y += residual[i*at.N+j]
			}
			out[0][i*at.N+j] = y
		}
	}
}

// multiplyRow adds a·b to row, with b [len(a), len(row)].
func multiplyRow(row, a, b []float64) {
	n := len(row)
	for k, x := range a {
		for j, y := range b[k*n:][:n] {
			row[j] += x * y
		}
	}
}

// transpose returns x [rows, cols] as [cols, rows].
func transpose(x []float64, rows, cols int) []float64 {
	t := make([]float64, len(x))
	for i := range rows {
		for j, v := range x[i*cols:][:cols] {
			t[j*rows+i] = v
		}
	}
	return t
}
