package reference

import (
	"math"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// Operands: x [N, C], w [V, C], labels [N], scale and bias [V] if there are
// such; outputs: loss [N], scratch.
func linearCrossEntropy(s plan.Step, in, out [][]float64) {
	at := s.Attr.(graph.LinearCrossEntropyAttr)
	eachLoss(at, in, func(n, _ int, _ []float64, loss float64) {
		out[0][n] = loss
	})
}

// Operands: d [N], and those of the loss; outputs: dx if NeedX, dw if NeedW,
// loss [N], scratch, and last db if NeedB. dlogits = d·(softmax - onehot),
// dx = dlogits·w, dw = dlogitsᵀ·x, db = Σ dlogits.
func linearCrossEntropyGrad(s plan.Step, in, out [][]float64) {
	at := s.Attr.(graph.LinearCrossEntropyAttr)
	d, x, w := in[0], in[1], in[2]
	c := at.Channels
	if at.NeedX {
		clear(out[0])
	}
	if at.NeedW {
		clear(out[1])
	}
	db := out[len(out)-1]
	if at.NeedB {
		clear(db)
	}
	eachLoss(at, in[1:], func(n, label int, logits []float64, loss float64) {
		out[2][n] = loss
		if label < 0 {
			return
		}
		lse := loss + logits[label]
		for v, logit := range logits {
			dlogit := math.Exp(logit - lse)
			if v == label {
				dlogit--
			}
			dlogit *= d[n]
			if at.NeedX {
				addScaled(out[0][n*c:][:c], w[v*c:][:c], dlogit)
			}
			if at.NeedW {
				addScaled(out[1][v*c:][:c], x[n*c:][:c], dlogit)
			}
			if at.NeedB {
				db[v] += dlogit
			}
		}
	})
}

// eachLoss calls f with every row's label, logits and loss. A row without a
// label (outside the vocabulary) has label -1, no logits, and loss 0.
func eachLoss(at graph.LinearCrossEntropyAttr, in [][]float64, f func(n, label int, logits []float64, loss float64)) {
	x, w, labels, rest := in[0], in[1], in[2], in[3:]
	var scale, bias []float64
	if at.Scaled {
		scale, rest = rest[0], rest[1:]
	}
	if at.Bias {
		bias = rest[0]
	}
	wt := transpose(w, at.Vocab, at.Channels)
	logits := make([]float64, at.Vocab)
	for n := range at.Rows {
		label := int(labels[n])
		if label < 0 || label >= at.Vocab {
			f(n, -1, nil, 0)
			continue
		}
		clear(logits)
		multiplyRow(logits, x[n*at.Channels:][:at.Channels], wt)
		for v, by := range scale {
			logits[v] *= by
		}
		for v, b := range bias {
			logits[v] += b
		}
		f(n, label, logits, logSumExp(logits)-logits[label])
	}
}

// addScaled adds x·factor to sum.
func addScaled(sum, x []float64, factor float64) {
	for i, v := range x {
		sum[i] += v * factor
	}
}
