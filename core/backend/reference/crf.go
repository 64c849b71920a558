package reference

import (
	"math"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// Operands: emissions [B*T, L], transitions [L, L], start, end [L], labels
// [B*T], lengths [B]; outputs: loss [B], alpha and reach [B*T, L]. Places past
// a length are zeros.
func crf(s plan.Step, in, out [][]float64) {
	at := s.Attr.(graph.CRFAttr)
	emissions, transitions, start, end := in[0], in[1], in[2], in[3]
	loss, alpha, reach := out[0], out[1], out[2]
	clear(loss)
	clear(alpha)
	clear(reach)
	l := at.Labels
	ways := make([]float64, l)
	for b := range at.Batch {
		n := min(at.Len, int(in[5][b]))
		score := 0.0 // of the labels, and all that was taken off on the way
		for t := range max(n, 0) {
			row := (b*at.Len + t) * l
			e, a, r := emissions[row:][:l], alpha[row:][:l], reach[row:][:l]
			label := int(in[4][b*at.Len+t])
			if label < 0 || label >= l {
				score, label = math.NaN(), 0
			}
			for j := range l {
				if t == 0 {
					r[j] = start[j]
					continue
				}
				for i := range l {
					ways[i] = alpha[row-l+i] + transitions[i*l+j]
				}
				r[j] = logSumExp(ways)
			}
			for j := range l {
				a[j] = e[j] + r[j]
			}
			top := largest(a)
			for j := range l {
				a[j] -= top
			}
			score += e[label] - top
			if t == 0 {
				score += start[label]
			} else if before := int(in[4][b*at.Len+t-1]); before >= 0 && before < l {
				score += transitions[before*l+label]
			}
			if t == n-1 {
				for j := range l {
					ways[j] = a[j] + end[j]
				}
				loss[b] = logSumExp(ways) - end[label] - score
			}
		}
	}
}

// Operands: d [B], transitions, end, labels, lengths, alpha, reach; outputs:
// the gradients of emissions, transitions, start and end, and a scratch of sums
// by sequence.
func crfGrad(s plan.Step, in, out [][]float64) {
	at := s.Attr.(graph.CRFAttr)
	transitions, end, alpha, reach := in[1], in[2], in[5], in[6]
	for _, x := range out {
		clear(x)
	}
	l := at.Labels
	p := make([]float64, l)
	for b, d := range in[0] {
		n := min(at.Len, int(in[4][b]))
		for t := n - 1; t >= 0; t-- {
			row := (b*at.Len + t) * l
			label := int(in[3][b*at.Len+t])
			if t == n-1 {
				for j := range l {
					p[j] = alpha[row+j] + end[j]
				}
				sum := logSumExp(p)
				for j := range l {
					p[j] = math.Exp(p[j] - sum)
					out[3][j] += d * (p[j] - is(j == label))
				}
			}
			for j := range l {
				out[0][row+j] = d * (p[j] - is(j == label))
			}
			if t == 0 {
				for j := range l {
					out[2][j] += out[0][row+j]
				}
				break
			}
			before := int(in[3][b*at.Len+t-1])
			pairs := make([]float64, l) // sums over the label that follows
			for i := range l {
				for j := range l {
					pair := p[j] * math.Exp(alpha[row-l+i]+transitions[i*l+j]-reach[row+j])
					pairs[i] += pair
					out[1][i*l+j] += d * (pair - is(i == before && j == label))
				}
			}
			p = pairs
		}
	}
}

// is returns 1 for true.
func is(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func largest(x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, v)
	}
	return top
}
