package decode_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/decode"
	"github.com/kiban-models/kiban/core/nn"
)

const end = 3 // a token that the model likes

func loadBeams(t *testing.T, b backend.Backend, s decode.Shape, beams int) *decode.BeamDecoder {
	t.Helper()
	p, err := decode.CompileBeams(b.Limits(), build, nn.Policy{}, s, beams)
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// naive is the definition of beam search, without a cache: every sequence is
// run through the whole model at every step.
func naive(s scorer, prompt []int32, beams, limit int, o decode.BeamSearch, allow func(tokens []int32, id int32) bool) []decode.Hypothesis {
	type hyp struct {
		tokens []int32
		sum    float64
	}
	running := []hyp{{slices.Clone(prompt), 0}}
	var done []decode.Hypothesis
	norm := func(sum float64, length int) float64 {
		return sum / math.Pow(float64(length-len(prompt)), o.LengthPenalty)
	}
	hopeless := false
	for len(running) > 0 {
		var all []hyp
		for _, h := range running {
			rows := s.logits(h.tokens)
			row := rows[len(rows)-1]
			lse := 0.0
			for _, x := range row {
				lse += math.Exp(x)
			}
			for id, x := range row {
				l := x - math.Log(lse)
				if o.RepetitionPenalty > 0 && slices.Contains(h.tokens, int32(id)) {
					l *= o.RepetitionPenalty
				}
				if allow == nil || allow(h.tokens, int32(id)) {
					all = append(all, hyp{append(slices.Clone(h.tokens), int32(id)), h.sum + l})
				}
			}
		}
		slices.SortStableFunc(all, func(a, b hyp) int { return cmp.Compare(b.sum, a.sum) })
		running = nil
		for i, h := range all[:min(2*beams, len(all))] {
			n := len(h.tokens)
			if n == limit || h.tokens[n-1] == end {
				if i < beams && !hopeless {
					done = append(done, decode.Hypothesis{Tokens: h.tokens, Score: float32(norm(h.sum, n))})
				}
			} else if len(running) < beams {
				running = append(running, h)
			}
		}
		slices.SortStableFunc(done, func(a, b decode.Hypothesis) int { return cmp.Compare(b.Score, a.Score) })
		done = done[:min(beams, len(done))]
		if len(done) < beams || len(running) == 0 {
			continue
		}
		at := len(running[0].tokens)
		if o.EarlyStopping == decode.StopNever && o.LengthPenalty > 0 {
			at = limit
		}
		if o.EarlyStopping == decode.StopFull || norm(running[0].sum, at) <= float64(done[beams-1].Score) {
			break
		}
	}
	return done
}

func TestBeamSearch(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		const limit = 14
		b := open()
		whole := score(t, b, limit, nn.Policy{})
		ends, cuts := 0, 0
		for _, beams := range []int{1, 2, 3, 5} {
			s := decode.Shape{Batch: 2 * beams, Len: limit, Prompt: 10, Vocab: vocab, EOS: end}
			d := loadBeams(t, b, s, beams)
			for i, o := range []decode.BeamSearch{
				{}, {LengthPenalty: 1}, {LengthPenalty: 1, EarlyStopping: decode.StopFull}, {LengthPenalty: 2, EarlyStopping: decode.StopNever},
				{LengthPenalty: -1, EarlyStopping: decode.StopNever}, {LengthPenalty: 1, RepetitionPenalty: 1.4},
			} {
				o.Return = beams
				reqs := []decode.Request{{Prompt: []int32{1}}, {Prompt: []int32{2, 9, 4, 4, 1, 8, 7, 7, 7, int32(i)}}}
				got, err := d.Search(t.Context(), reqs, o)
				if err != nil {
					t.Fatal(err)
				}
				for k, r := range reqs {
					sameHypotheses(t, fmt.Sprintf("%d beams, %+v, prompt %d", beams, o, k), got[k], naive(whole, r.Prompt, beams, limit, o, nil))
					alone, err := d.Search(t.Context(), reqs[k:k+1], o)
					if err != nil {
						t.Fatal(err)
					}
					if fmt.Sprint(alone[0]) != fmt.Sprint(got[k]) {
						t.Errorf("%d beams, %+v, prompt %d: alone %v, in company %v", beams, o, k, alone[0], got[k])
					}
					for _, h := range got[k] {
						if h.Tokens[len(h.Tokens)-1] == end {
							ends++
						} else {
							cuts++
						}
					}
				}
			}
		}
		if ends < 20 || cuts < 20 {
			t.Errorf("%d sequences ended and %d were cut; the test shows too little", ends, cuts)
		}
	})
}

func sameHypotheses(t *testing.T, what string, got, want []decode.Hypothesis) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d sequences, wanted %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if !slices.Equal(got[i].Tokens, want[i].Tokens) || math.Abs(float64(got[i].Score-want[i].Score)) > 1e-4*(1+math.Abs(float64(want[i].Score))) {
			t.Errorf("%s: sequence %d is %v, wanted %v", what, i, got[i], want[i])
		}
	}
}

// Constraints and forced tokens hold in every beam.
func TestBeamsConstrained(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		const limit, beams = 10, 4
		b := open()
		d := loadBeams(t, b, decode.Shape{Batch: beams, Len: limit, Prompt: 2, Vocab: vocab, EOS: end}, beams)
		allow := func(tokens []int32, id int32) bool { // no token follows itself
			if len(tokens) == 4 {
				return id == 6
			}
			return id != tokens[len(tokens)-1]
		}
		r := decode.Request{Prompt: []int32{5, 2}, Forced: map[int]int32{4: 6}, Constrain: func(tokens []int32, allowed []bool) int {
			for id := range allowed {
				allowed[id] = int32(id) != tokens[len(tokens)-1]
			}
			return len(tokens)
		}}
		o := decode.BeamSearch{LengthPenalty: 1, Return: beams}
		got, err := d.Search(t.Context(), []decode.Request{r}, o)
		if err != nil {
			t.Fatal(err)
		}
		sameHypotheses(t, "constrained", got[0], naive(score(t, b, limit, nn.Policy{}), r.Prompt, beams, limit, o, allow))

		r = decode.Request{Prompt: []int32{5, 2}, Constrain: func(tokens []int32, allowed []bool) int {
			clear(allowed)
			allowed[7] = len(tokens) < 4
			return len(tokens)
		}}
		var dead *decode.DeadEnd
		if _, err := d.Search(t.Context(), []decode.Request{r}, o); !errors.As(err, &dead) || dead.Sequence != 0 {
			t.Errorf("a dead end gives %v", err)
		}
		r.Constrain = func([]int32, []bool) int { return 1 }
		if _, err := d.Search(t.Context(), []decode.Request{r}, o); err == nil || !strings.Contains(err.Error(), "takes tokens back") {
			t.Errorf("a constraint that takes back gives %v", err)
		}
	})
}

func TestBeamErrors(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		b := open()
		s := decode.Shape{Batch: 4, Len: 8, Prompt: 2, Vocab: vocab, EOS: end}
		for _, beams := range []int{0, -1, 3, 5, 8} {
			if _, err := decode.CompileBeams(b.Limits(), build, nn.Policy{}, s, beams); err == nil {
				t.Errorf("%d beams in a batch of 4 are planned", beams)
			}
		}
		d := loadBeams(t, b, s, 2)
		one := []decode.Request{{Prompt: []int32{1}}}
		for _, o := range []decode.BeamSearch{{EarlyStopping: "yes"}, {RepetitionPenalty: -1}, {LengthPenalty: math.NaN()}, {Return: 3}, {Return: -1}} {
			if _, err := d.Search(t.Context(), one, o); err == nil {
				t.Errorf("%+v is no error", o)
			}
		}
		for _, reqs := range [][]decode.Request{nil, {one[0], one[0], one[0]}, {{}}, {{Prompt: []int32{vocab}}}} {
			if _, err := d.Search(t.Context(), reqs, decode.BeamSearch{}); err == nil {
				t.Errorf("requests %v are no error", reqs)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := d.Search(ctx, one, decode.BeamSearch{}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		out, err := d.Search(t.Context(), []decode.Request{{Prompt: []int32{4, 4}, Max: 2}}, decode.BeamSearch{})
		if err != nil || len(out[0]) != 1 || len(out[0][0].Tokens) != 2 {
			t.Errorf("a prompt without room gives %v (%v)", out, err)
		}
	})
}

// What the plan says is what its programs need: the caches once, whatever
// moves them.
func TestBeamMemory(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		b := open()
		s := decode.Shape{Batch: 6, Len: 32, Prompt: 2, Vocab: vocab, EOS: end}
		p, err := decode.CompileBeams(b.Limits(), build, nn.Policy{}, s, 3)
		if err != nil {
			t.Fatal(err)
		}
		caches := int64(2 * 6 * 32 * 2 * width * 4)
		m := p.Memory()
		if m.States != caches {
			t.Errorf("states need %d bytes, the caches have %d", m.States, caches)
		}
		if m.Scratch < caches/2 || m.Scratch > caches/2+64<<10 { // one layer's rows on their way
			t.Errorf("scratch of %d bytes; a layer's cache has %d", m.Scratch, caches/2)
		}
	})
}
