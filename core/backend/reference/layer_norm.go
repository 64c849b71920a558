package reference

import (
	"math"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// Operands: x [N, C], w, b; outputs: the result, mean and 1/√(var+eps) by row.
func layerNorm(s plan.Step, in, out [][]float64) {
	x, w, b := in[0], in[1], in[2]
	y, stats := out[0], out[1]
	eps, c := float64(s.Attr.(graph.LayerNormAttr).Eps), len(w)
	for n := range len(x) / c {
		row := x[n*c:][:c]
		mean, variance := 0.0, 0.0
		for _, v := range row {
			mean += v / float64(c)
		}
		for _, v := range row {
			variance += (v - mean) * (v - mean) / float64(c)
		}
		rstd := 1 / math.Sqrt(variance+eps)
		for j, v := range row {
			y[n*c+j] = (v-mean)*rstd*w[j] + b[j]
		}
		stats[2*n], stats[2*n+1] = mean, rstd
	}
}

// Operands: d, x, w, stats, and the residual if there is one. With
// x̂ = (x-mean)·rstd and e = d·w:
// dx = rstd·(e - mean(e) - x̂·mean(e·x̂)) + residual.
func layerNormGradX(s plan.Step, in, out [][]float64) {
	d, x, w, stats, dx := in[0], in[1], in[2], in[3], out[0]
	residual, c := s.Attr.(graph.LayerNormAttr).Residual, len(w)
	for n := range len(x) / c {
		mean, rstd := stats[2*n], stats[2*n+1]
		meanE, meanEX := 0.0, 0.0
		for j := range c {
			e, hat := d[n*c+j]*w[j], (x[n*c+j]-mean)*rstd
			meanE += e / float64(c)
			meanEX += e * hat / float64(c)
		}
		for j := range c {
			e, hat := d[n*c+j]*w[j], (x[n*c+j]-mean)*rstd
			dx[n*c+j] = rstd * (e - meanE - hat*meanEX)
			if residual {
				dx[n*c+j] += in[4][n*c+j]
			}
		}
	}
}

// Operands: d, x, stats; outputs: dw = Σ d·x̂, db = Σ d over the rows.
func layerNormGradW(_ plan.Step, in, out [][]float64) {
	d, x, stats := in[0], in[1], in[2]
	dw, db := out[0], out[1]
	c := len(dw)
	clear(dw)
	clear(db)
	for n := range len(x) / c {
		mean, rstd := stats[2*n], stats[2*n+1]
		for j := range c {
			dw[j] += d[n*c+j] * (x[n*c+j] - mean) * rstd
			db[j] += d[n*c+j]
		}
	}
}
