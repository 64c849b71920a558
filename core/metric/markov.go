package metric

import (
	"fmt"
	"math"
)

const (
	endSymbol   = 26 // after the last residue
	startSymbol = 27 // before the first, in contexts only
	symbols     = 27 // that can be predicted: A to Z and the end
	maxOrder    = 8
)

// Markov predicts a residue, or the end of the sequence, from the residues
// before it. Order 0 is the unigram model.
//
// Order 0 is smoothed by adding one to each of the 27 counts, A to Z and the
// end:
//
//	P(s) = (count(s) + 1) / (total + 27)
//
// Higher orders are interpolated with the next lower one as Witten and Bell
// do, where kinds is the number of different symbols seen after the context:
//
//	P(s | context) = (count(context, s) + kinds * P(s | shorter)) / (count(context) + kinds)
//
// and a context never seen passes on to the shorter one. The start of a
// sequence is part of the context.
type Markov struct {
	order int
	// levels[k] are the contexts of k symbols, five bits each.
	levels []map[uint64]*follow
}

type follow struct {
	total int64
	kinds int64
	count [symbols]int64
}

// NewMarkov returns an untrained model of order 0 to 8. A context takes 232
// bytes; orders above 4 want much data.
func NewMarkov(order int) (*Markov, error) {
	if order < 0 || order > maxOrder {
		return nil, fmt.Errorf("metric: Markov order %d, want 0 to %d", order, maxOrder)
	}
	m := &Markov{order: order, levels: make([]map[uint64]*follow, order+1)}
	for k := range m.levels {
		m.levels[k] = map[uint64]*follow{}
	}
	return m, nil
}

// Train counts a sequence of letters A to Z, and its end.
func (m *Markov) Train(residues []byte) error {
	return walk(residues, func(context uint64, symbol int) {
		for k, level := range m.levels {
			key := context & (1<<(5*k) - 1)
			f := level[key]
			if f == nil {
				f = new(follow)
				level[key] = f
			}
			if f.count[symbol] == 0 {
				f.kinds++
			}
			f.count[symbol]++
			f.total++
		}
	})
}

// Score returns the nats of the residues and the end, over len(residues)+1
// places.
func (m *Markov) Score(residues []byte) (Likelihood, error) {
	l := Likelihood{Places: int64(len(residues)) + 1}
	err := walk(residues, func(context uint64, symbol int) {
		l.Nats -= math.Log(m.probability(context, symbol))
	})
	return l, err
}

func (m *Markov) probability(context uint64, symbol int) float64 {
	p := 1.0 / symbols
	for k, level := range m.levels {
		f := level[context&(1<<(5*k)-1)]
		if f == nil {
			break // longer contexts were not seen either
		}
		if k == 0 {
			p = float64(f.count[symbol]+1) / float64(f.total+symbols)
			continue
		}
		kinds := float64(f.kinds)
		p = (float64(f.count[symbol]) + kinds*p) / (float64(f.total) + kinds)
	}
	return p
}

// walk visits the residues and the end, each with the symbols before it, the
// nearest in the lowest five bits.
func walk(residues []byte, visit func(context uint64, symbol int)) error {
	for i, c := range residues {
		if c < 'A' || c > 'Z' {
			return fmt.Errorf("metric: residue %d is %q, want A to Z", i+1, c)
		}
	}
	context := uint64(0)
	for range maxOrder {
		context = context<<5 | startSymbol
	}
	for _, c := range residues {
		visit(context, int(c-'A'))
		context = context<<5 | uint64(c-'A')
	}
	visit(context, endSymbol)
	return nil
}
