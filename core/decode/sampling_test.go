package decode_test

import (
	"math"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/decode"
	"github.com/kiban-models/kiban/core/nn"
)

// expected returns the probabilities that settings give to the tokens after a
// prompt.
func expected(logits []float64, prompt []int32, s decode.Sampling) []float64 {
	logits = slices.Clone(logits)
	if s.RepetitionPenalty > 0 {
		punish(logits, prompt, s.RepetitionPenalty)
	}
	p := make([]float64, len(logits))
	normalise := func() {
		sum := 0.0
		for _, v := range p {
			sum += v
		}
		for i := range p {
			p[i] /= sum
		}
	}
	t := s.Temperature
	if t == 0 {
		t = 1
	}
	order := make([]int, len(p)) // by falling probability
	for i, v := range logits {
		p[i], order[i] = math.Exp(v/t), i
	}
	slices.SortFunc(order, func(a, b int) int {
		if p[a] > p[b] {
			return -1
		}
		return 1
	})
	if s.TopK > 0 {
		for _, i := range order[min(s.TopK, len(order)):] {
			p[i] = 0
		}
	}
	normalise()
	if s.TopP > 0 {
		before := 0.0
		for _, i := range order {
			q := p[i]
			if before >= s.TopP {
				p[i] = 0
			}
			before += q
		}
		normalise()
	}
	return p
}

// TestFrequencies draws one token many times and compares the counts with the
// probabilities by the chi-square test.
func TestFrequencies(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		const batch, calls = 64, 50
		b := open()
		d := load(t, b, shape(batch, 8, 4), nn.Policy{})
		prompt := []int32{3, 1, 3, 8}
		logits := score(t, b, 4, nn.Policy{}).logits(prompt)[3]
		reqs := make([]decode.Request, batch)
		for _, c := range []struct {
			s       decode.Sampling
			bySeeds bool // every call has a seed of its own, instead of other streams
		}{
			{s: decode.Sampling{}},
			{s: decode.Sampling{}, bySeeds: true},
			{s: decode.Sampling{Temperature: 0.5}},
			{s: decode.Sampling{Temperature: 3}},
			{s: decode.Sampling{Temperature: 2, TopK: 4}},
			{s: decode.Sampling{Temperature: 2, TopP: 0.7}},
			{s: decode.Sampling{Temperature: 3, TopK: 9, TopP: 0.8, RepetitionPenalty: 1.5}},
		} {
			p := expected(logits, prompt, c.s)
			counts := make([]float64, vocab)
			for call := range calls {
				for i := range reqs {
					reqs[i] = decode.Request{Prompt: prompt, Stream: int32(i), Max: 5}
					if !c.bySeeds {
						reqs[i].Stream += int32(call * batch)
					}
				}
				s := c.s
				s.Seed = 1
				if c.bySeeds {
					s.Seed += uint64(call)
				}
				for _, out := range generate(t, d, s, reqs...) {
					if len(out) != 5 {
						t.Fatalf("%v, wanted one token more than the prompt", out)
					}
					counts[out[4]]++
				}
			}
			chi, kinds, rest, restWanted := 0.0, 0, 0.0, 0.0
			for i, n := range counts {
				want := p[i] * batch * calls
				switch {
				case want == 0 && n > 0:
					t.Errorf("%+v: token %d was drawn %g times, it is ruled out", c.s, i, n)
				case want < 5: // too few for the test by themselves
					rest, restWanted = rest+n, restWanted+want
				default:
					chi, kinds = chi+(n-want)*(n-want)/want, kinds+1
				}
			}
			if restWanted > 0 {
				chi, kinds = chi+(rest-restWanted)*(rest-restWanted)/restWanted, kinds+1
			}
			// Wilson and Hilferty's approximation, four standard deviations.
			df := float64(kinds - 1)
			bound := df * math.Pow(1-2/(9*df)+4*math.Sqrt(2/(9*df)), 3)
			if kinds < 3 || chi > bound {
				t.Errorf("%+v: chi-square %g with %g degrees of freedom, wanted %g at most: counts %v, probabilities %.3f", c.s, chi, df, bound, counts, p)
			}
		}
	})
}
