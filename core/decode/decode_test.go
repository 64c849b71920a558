package decode_test

import (
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
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

var greedy = decode.Sampling{Greedy: true}

// TestGreedy holds decoding with the cache to the whole model, with prompts of
// different lengths in a batch that is not full, and twice in a row.
func TestGreedy(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		const length = 20
		for _, c := range []struct {
			dt     tensor.DType
			prompt int
			tol    float64
		}{{tensor.F32, 6, 1e-4}, {tensor.F32, 9, 1e-4}, {tensor.BF16, 6, 0.2}} {
			b := open()
			p := nn.Policy{Compute: c.dt}
			d, s := load(t, b, shape(4, length, c.prompt), p), score(t, b, length, p)
			prompts := [][]int32{{3}, {1, 2, 12, 4, 0, 6}, {7, 7, 7}}
			var reqs []decode.Request
			for i, p := range prompts {
				reqs = append(reqs, decode.Request{Prompt: p, Stream: int32(i)})
			}
			first := generate(t, d, greedy, reqs...)
			for i, got := range first {
				if len(got) != length || !slices.Equal(got[:len(prompts[i])], prompts[i]) {
					t.Fatalf("prompt %v gave %v", prompts[i], got)
				}
				s.likeliest(fmt.Sprintf("%v, prompt %v", c.dt, prompts[i]), got, len(prompts[i]), c.tol, nil)
				if tail := slices.Clone(got[10:]); len(slices.Compact(slices.Sorted(slices.Values(tail)))) < 2 {
					t.Errorf("prompt %v: %v says little", prompts[i], got)
				}
			}
			slices.Reverse(reqs)
			again := generate(t, d, greedy, reqs...)
			slices.Reverse(again)
			if fmt.Sprint(again) != fmt.Sprint(first) {
				t.Errorf("in another order, after other sequences: %v, wanted %v", again, first)
			}
		}
	})
}

// TestNoPrefill has prompts of one token only.
func TestNoPrefill(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		b := open()
		one := generate(t, load(t, b, shape(1, 12, 1), nn.Policy{}), greedy, decode.Request{Prompt: []int32{5}})
		score(t, b, 12, nn.Policy{}).likeliest("prompt of 1", one[0], 1, 1e-4, nil)
	})
}

// TestCompany generates a sequence alone and in company, in decoders of two
// shapes on one backend, with their calls mixed.
func TestCompany(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		s := decode.Sampling{Temperature: 1.3, TopK: 10, TopP: 0.95, RepetitionPenalty: 1.1, Seed: 1 << 40}
		me := decode.Request{Prompt: []int32{4, 8}, Stream: 77}
		other := func(i int32) decode.Request {
			return decode.Request{Prompt: []int32{i, i + 1, i + 2}[:1+i%3], Stream: i, Max: int(6 + 3*i)}
		}
		b := open()
		alone, many := load(t, b, shape(1, 16, 3), nn.Policy{}), load(t, b, shape(4, 18, 4), nn.Policy{})
		want := generate(t, alone, s, decode.Request{Prompt: me.Prompt, Stream: 77})[0]
		me.Max = 16
		for place := range 4 {
			var reqs []decode.Request
			for i := range 4 {
				reqs = append(reqs, other(int32(i)))
			}
			reqs[place] = me
			if got := generate(t, many, s, reqs...)[place]; !slices.Equal(got, want) {
				t.Errorf("in row %d: %v, alone %v", place, got, want)
			}
			if got := generate(t, alone, s, me)[0]; !slices.Equal(got, want) {
				t.Errorf("alone, after the other decoder: %v, before %v", got, want)
			}
		}
		me.Stream++
		if got := generate(t, alone, s, me)[0]; slices.Equal(got, want) {
			t.Error("two streams gave one sequence")
		}
		me.Stream--
		for _, seed := range []uint64{0, 1 << 41, 1<<40 + 1} {
			s.Seed = seed
			if got := generate(t, alone, s, me)[0]; slices.Equal(got, want) {
				t.Errorf("seed %d gave the sequence of another", seed)
			}
		}
	})
}

func TestForced(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		const length = 16
		b := open()
		sh := shape(2, length, 2)
		free := generate(t, load(t, b, sh, nn.Policy{}), greedy, decode.Request{Prompt: []int32{1, 2}})[0]
		sh.EOS = (free[3] + 1) % vocab // what is forced must not end the sequence
		reqs := []decode.Request{{Prompt: []int32{1, 2}, Forced: map[int]int32{3: sh.EOS, 4: 0, 15: 9}}, {Prompt: []int32{1, 2}}}
		out := generate(t, load(t, b, sh, nn.Policy{}), greedy, reqs...)
		got := out[0]
		if len(got) < 5 || got[3] != sh.EOS || got[4] != 0 || got[2] != free[2] {
			t.Fatalf("%v, wanted %d and 0 forced at places 3 and 4", got, sh.EOS)
		}
		if len(got) == length && got[15] != 9 {
			t.Errorf("%v, wanted 9 at the last place", got)
		}
		// The model goes on from the forced tokens.
		score(t, b, length, nn.Policy{}).likeliest("after forced tokens", got[:min(len(got), 15)], 5, 1e-4, nil)
		if end := slices.Index(free[2:], sh.EOS); end < 0 && !slices.Equal(out[1], free) {
			t.Errorf("the other sequence is %v, wanted %v", out[1], free)
		}
	})
}

func TestEnd(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		const length = 24
		b := open()
		prompts := [][]int32{{1, 2}, {9}, {3, 3}}
		run := func(sh decode.Shape, limits ...int) [][]int32 {
			var reqs []decode.Request
			for i, p := range prompts {
				reqs = append(reqs, decode.Request{Prompt: p, Stream: int32(i), Max: limits[i]})
			}
			return generate(t, load(t, b, sh, nn.Policy{}), decode.Sampling{Seed: 3}, reqs...)
		}
		sh := shape(3, length, 2)
		free := run(sh, 0, 0, 0)
		for end := range int32(vocab) {
			sh.EOS = end
			for i, got := range run(sh, 0, 0, 0) {
				want := free[i]
				if at := slices.Index(want[len(prompts[i]):], end); at >= 0 {
					want = want[:len(prompts[i])+at+1]
				}
				if !slices.Equal(got, want) {
					t.Errorf("end token %d: %v, wanted %v", end, got, want)
				}
			}
		}
		sh.EOS = -1
		limits := []int{2, 9, 99}
		for i, got := range run(sh, limits...) {
			if want := free[i][:min(limits[i], length)]; !slices.Equal(got, want) {
				t.Errorf("at most %d tokens: %v, wanted %v", limits[i], got, want)
			}
		}
		if got := run(sh, 1, 1, 1); fmt.Sprint(got) != fmt.Sprint(prompts) {
			t.Errorf("at most 1 token: %v, wanted the prompts", got)
		}
	})
}

func TestRepetitionPenalty(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		const length, penalty = 24, 3
		b := open()
		d, s := load(t, b, shape(1, length, 2), nn.Policy{}), score(t, b, length, nn.Policy{})
		distinct := func(p float64) (int, []int32) {
			out := generate(t, d, decode.Sampling{Greedy: true, RepetitionPenalty: p}, decode.Request{Prompt: []int32{1, 2}})[0]
			return len(slices.Compact(slices.Sorted(slices.Values(out)))), out
		}
		plain, a := distinct(0)
		if _, b := distinct(1); !slices.Equal(a, b) {
			t.Errorf("a penalty of 1 is not none: %v, %v", b, a)
		}
		varied, out := distinct(penalty)
		if varied <= plain {
			t.Errorf("%d distinct tokens with a penalty, %d without", varied, plain)
		}
		s.likeliest("with a penalty", out, 2, 1e-4, func(place int, logits []float64) { punish(logits, out[:place], penalty) })
	})
}

// punish applies the repetition penalty to the logits of tokens.
func punish(logits []float64, tokens []int32, penalty float64) {
	for _, id := range slices.Compact(slices.Sorted(slices.Values(tokens))) {
		if logits[id] > 0 {
			logits[id] /= penalty
		} else {
			logits[id] *= penalty
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, s := range []decode.Shape{
		shape(0, 8, 2), shape(1, 1, 1), shape(1, 8, 0), shape(1, 8, 8),
		{Batch: 1, Len: 8, Prompt: 2, Vocab: vocab + 1}, // not the model's
		{Batch: 1, Len: 8, Prompt: 2},
	} {
		if _, err := decode.Compile(plan.Limits{}, build, nn.Policy{}, s); err == nil {
			t.Errorf("%+v was accepted", s)
		}
	}
}

func TestGenerateRefuses(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		d := load(t, open(), shape(2, 8, 3), nn.Policy{})
		ok := decode.Request{Prompt: []int32{1}}
		none := func(_ []int32, allowed []bool) int { clear(allowed); return 1 }
		for _, c := range []struct {
			reqs []decode.Request
			s    decode.Sampling
			want string
		}{
			{nil, greedy, "0 requests"},
			{[]decode.Request{ok, ok, ok}, greedy, "3 requests for a batch of 2"},
			{[]decode.Request{ok, {}}, greedy, "prompt 2 has 0 tokens"},
			{[]decode.Request{{Prompt: []int32{1, 2, 3, 4}}}, greedy, "prompt 1 has 4 tokens; 1 to 3 fit"},
			{[]decode.Request{{Prompt: []int32{1, vocab}}}, greedy, "token 13; the vocabulary has 13"},
			{[]decode.Request{{Prompt: []int32{-1}}}, greedy, "token -1"},
			{[]decode.Request{{Prompt: []int32{1}, Forced: map[int]int32{0: 1}}}, greedy, "forced at place 0"},
			{[]decode.Request{{Prompt: []int32{1}, Forced: map[int]int32{8: 1}}}, greedy, "forced at place 8"},
			{[]decode.Request{{Prompt: []int32{1}, Forced: map[int]int32{3: vocab}}}, greedy, "token 13 forced"},
			{[]decode.Request{ok, {Prompt: []int32{1}, Constrain: none}}, greedy, "sequence 2 has no token left"},
			{[]decode.Request{ok}, decode.Sampling{Temperature: -1}, "temperature -1"},
			{[]decode.Request{ok}, decode.Sampling{TopK: -2}, "top-k -2"},
			{[]decode.Request{ok}, decode.Sampling{TopP: 1.5}, "top-p 1.5"},
			{[]decode.Request{ok}, decode.Sampling{TopP: math.NaN()}, "top-p NaN"},
			{[]decode.Request{ok}, decode.Sampling{RepetitionPenalty: -1}, "penalty -1"},
		} {
			if _, err := d.Generate(context.Background(), c.reqs, c.s); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, wanted an error with %q", err, c.want)
			}
			if got := generate(t, d, greedy, ok); len(got[0]) != 8 {
				t.Errorf("after an error: %v", got)
			}
		}
	})
}

func TestGenerateCancelled(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		d := load(t, open(), shape(1, 16, 3), nn.Policy{})
		free := generate(t, d, greedy, decode.Request{Prompt: []int32{1}})[0]
		ctx, cancel := context.WithCancel(context.Background())
		calls := 0
		_, err := d.Generate(ctx, []decode.Request{{Prompt: []int32{1}, Constrain: func(tokens []int32, allowed []bool) int {
			for _, id := range free[1:] {
				allowed[id] = false
			}
			if calls++; calls == 3 {
				cancel()
			}
			return len(tokens)
		}}}, greedy)
		if !errors.Is(err, context.Canceled) || calls != 3 {
			t.Errorf("got %v after %d tokens, wanted that the context was cancelled at the third", err, calls)
		}
		if got := generate(t, d, greedy, decode.Request{Prompt: []int32{1}})[0]; !slices.Equal(got, free) {
			t.Errorf("after a call that was broken off: %v, before %v", got, free)
		}
	})
}

// ledger is a backend that notes what programs need when they are loaded.
type ledger struct {
	backend.Backend
	need   plan.Memory
	params map[string]bool
}

func (l *ledger) Load(p *plan.Program) (backend.Runner, error) {
	m := p.Memory()
	l.need.IO, l.need.Scratch = l.need.IO+m.IO, l.need.Scratch+m.Scratch
	for _, s := range p.States {
		if _, err := l.Get(s.Name); err != nil {
			l.need.States += s.Bytes()
		}
	}
	for _, n := range p.Params {
		if !l.params[n.Name] {
			l.params[n.Name] = true
			l.need.Params += n.Bytes()
		}
	}
	return l.Backend.Load(p)
}

func TestMemory(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		for _, prompt := range []int{1, 5} {
			l := &ledger{Backend: open(), params: map[string]bool{}}
			d, err := decode.Compile(l.Limits(), build, nn.Policy{}, shape(3, 10, prompt))
			if err != nil {
				t.Fatal(err)
			}
			dec, err := d.Load(l)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Memory(); got != l.need {
				t.Errorf("prompt of %d: planned %+v, came to %+v", prompt, got, l.need)
			}
			if err := dec.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// A prompt's sequence has the same bits whatever the lengths of the prompts
// beside it, and of those that the decoder has room for.
func TestPromptsOfManyLengths(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		var reqs []decode.Request
		for i, n := range []int{1, 2, 9, 10, 17, 18, 29} {
			prompt := make([]int32, n)
			for j := range prompt {
				prompt[j] = int32((5*j + 3*i + j*j) % vocab)
			}
			reqs = append(reqs, decode.Request{Prompt: prompt, Stream: int32(i)})
		}
		all := generate(t, load(t, open(), shape(len(reqs), room, 29), nn.Policy{}), warm, reqs...)
		s := score(t, open(), room, nn.Policy{})
		for i, r := range reqs {
			alone := generate(t, load(t, open(), shape(1, room, len(r.Prompt)), nn.Policy{}), warm, r)[0]
			if !slices.Equal(alone, all[i]) {
				t.Errorf("prompt of %d: %v alone, %v in company", len(r.Prompt), alone, all[i])
			}
			best := generate(t, load(t, open(), shape(1, room, len(r.Prompt)), nn.Policy{}), greedy, r)[0]
			s.likeliest(fmt.Sprintf("prompt of %d", len(r.Prompt)), best, len(r.Prompt), 1e-4, nil)
		}
	})
}
