package reference

import (
	"math"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// affine sees the rows of w and then of c as one table, whose rows w also have
// a number in x; for those of c it is 1.
type affine struct {
	graph.AffineAttentionAttr
	x, w, c []float64
}

func (a affine) channels() int { return a.Heads * a.Width }

// key and value return those of a head in a row of the table.
func (a affine) key(r, h int) []float64 { return a.part(r, a.channels()+h*a.Width) }

func (a affine) value(r, h int) []float64 { return a.part(r, 2*a.channels()+h*a.Width) }

func (a affine) part(r, at int) []float64 {
	table := a.w
	if first := a.Tokens * a.Numbers; r >= first {
		table, r = a.c, r-first
	}
	return table[r*3*a.channels()+at:][:a.Width]
}

// rows calls f with each row of the table that token t has, and its number at
// place n.
func (a affine) rows(n, t int, f func(r int, x float64)) {
	for k := range a.Numbers {
		f(t*a.Numbers+k, a.x[(n*a.Tokens+t)*a.Numbers+k])
	}
	f(a.Tokens*a.Numbers+t, 1)
}

// Operands: x [N, T*K], w [T*K, 3C], c [T, 3C], q [3C]; outputs: y [N, C], the
// probabilities [N, T, H], the scores of rows [T*K+T, H].
func affineAttention(s plan.Step, in, out [][]float64) {
	a := affine{s.Attr.(graph.AffineAttentionAttr), in[0], in[1], in[2]}
	y, p, scores := out[0], out[1], out[2]
	clear(y)
	for r := range a.Tokens * (a.Numbers + 1) {
		for h := range a.Heads {
			scores[r*a.Heads+h] = float64(a.Scale) * inner(a.key(r, h), in[3][h*a.Width:][:a.Width])
		}
	}
	row := make([]float64, a.Tokens)
	for n := range a.Rows {
		for h := range a.Heads {
			for t := range row {
				row[t] = 0
				a.rows(n, t, func(r int, x float64) { row[t] += x * scores[r*a.Heads+h] })
			}
			sum := logSumExp(row)
			for t := range row {
				weight := math.Exp(row[t] - sum)
				p[(n*a.Tokens+t)*a.Heads+h] = weight
				a.rows(n, t, func(r int, x float64) {
					for j, v := range a.value(r, h) {
						y[n*a.channels()+h*a.Width+j] += weight * x * v
					}
				})
			}
		}
	}
}

// Operands: d [N, C], x, w, c, q, the probabilities, the scores of rows;
// outputs: dw, dc, dq, the gradients of the scores and of those of rows, and dx
// if it is needed.
func affineAttentionGrad(s plan.Step, in, out [][]float64) {
	a := affine{s.Attr.(graph.AffineAttentionAttr), in[1], in[2], in[3]}
	d, q, p, scores := in[0], in[4], in[5], in[6]
	ds, dscores := out[3], out[4]
	for _, o := range out {
		clear(o)
	}
	grads := a // the same table, of gradients
	grads.w, grads.c = out[0], out[1]
	c := a.channels()
	dp := make([]float64, a.Tokens)
	for n := range a.Rows {
		for h := range a.Heads {
			dy, mean := d[n*c+h*a.Width:][:a.Width], 0.0
			for t := range dp {
				dp[t] = 0
				a.rows(n, t, func(r int, x float64) { dp[t] += x * inner(a.value(r, h), dy) })
				mean += dp[t] * p[(n*a.Tokens+t)*a.Heads+h]
			}
			for t := range dp {
				i := (n*a.Tokens+t)*a.Heads + h
				ds[i] = p[i] * (dp[t] - mean)
				a.rows(n, t, func(r int, x float64) {
					dscores[r*a.Heads+h] += ds[i] * x
					for j, v := range dy {
						grads.value(r, h)[j] += p[i] * x * v
					}
					if a.NeedX && r < a.Tokens*a.Numbers {
						out[5][n*a.Tokens*a.Numbers+r] += ds[i]*scores[r*a.Heads+h] + p[i]*inner(a.value(r, h), dy)
					}
				})
			}
		}
	}
	for r := range a.Tokens * (a.Numbers + 1) {
		for h := range a.Heads {
			by := float64(a.Scale) * dscores[r*a.Heads+h]
			for j := range a.Width {
				grads.key(r, h)[j] = by * q[h*a.Width+j]
				out[2][h*a.Width+j] += by * a.key(r, h)[j]
			}
		}
	}
}
