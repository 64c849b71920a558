package decode_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/decode"
	"github.com/kiban-models/kiban/core/nn"
)

var warm = decode.Sampling{Temperature: 1.5, Seed: 9}

// all lets everything pass.
func all(tokens []int32, _ []bool) int { return len(tokens) }

func TestConstrainAllowed(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		d := load(t, open(), shape(3, 20, 2), nn.Policy{})
		reqs := []decode.Request{{Prompt: []int32{1, 3}}, {Prompt: []int32{5}, Stream: 1}, {Prompt: []int32{7}, Stream: 2}}
		free := generate(t, d, warm, reqs...)

		var seen []int32
		reqs[0].Constrain = func(tokens []int32, allowed []bool) int {
			if slices.Contains(allowed, false) {
				t.Error("not all tokens were allowed at first")
			}
			if len(tokens) != max(2, len(seen)+1) || !slices.Equal(tokens[:len(seen)], seen) {
				t.Errorf("the constraint saw %v after %v", tokens, seen)
			}
			seen = slices.Clone(tokens)
			for id := 1; id < vocab; id += 2 {
				allowed[id] = false
			}
			return len(tokens)
		}
		reqs[1].Constrain = all
		out := generate(t, d, warm, reqs...)
		for _, id := range out[0][2:] {
			if id%2 == 1 {
				t.Errorf("%v has odd tokens", out[0])
			}
		}
		if len(out[0]) != 20 || !slices.Equal(seen, out[0][:19]) {
			t.Errorf("the constraint saw %v of %v", seen, out[0])
		}
		if !slices.Equal(out[1], free[1]) || !slices.Equal(out[2], free[2]) {
			t.Errorf("sequences that are free: %v, wanted %v", out[1:], free[1:])
		}
		// Nothing is left of the constraint.
		reqs[0].Constrain, reqs[1].Constrain = nil, nil
		if again := generate(t, d, warm, reqs...); fmt.Sprint(again) != fmt.Sprint(free) {
			t.Errorf("after a constraint: %v, before %v", again, free)
		}
	})
}

func TestConstrainForced(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		d := load(t, open(), shape(1, 8, 2), nn.Policy{})
		out := generate(t, d, warm, decode.Request{Prompt: []int32{1}, Forced: map[int]int32{3: 5}, Constrain: func(tokens []int32, allowed []bool) int {
			clear(allowed)
			allowed[2] = len(tokens) != 3 // no token is left for the forced place
			return len(tokens)
		}})[0]
		if want := []int32{1, 2, 2, 5, 2, 2, 2, 2}; !slices.Equal(out, want) {
			t.Errorf("got %v, wanted %v", out, want)
		}
	})
}

// takeBack returns a constraint that takes a sequence of n tokens back to keep
// of them, a number of times.
func takeBack(n, keep, times int) func([]int32, []bool) int {
	return func(tokens []int32, _ []bool) int {
		if len(tokens) == n && times > 0 {
			times--
			return keep
		}
		return len(tokens)
	}
}

// TestTakeBack samples a part of a sequence again.
func TestTakeBack(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		const length = 16
		b := open()
		alone, many := load(t, b, shape(1, length, 2), nn.Policy{}), load(t, b, shape(3, length, 4), nn.Policy{})
		me := decode.Request{Prompt: []int32{4, 1}, Stream: 3}
		free := generate(t, alone, warm, me)[0]
		var drawn []string
		for times := range 4 {
			request := func() decode.Request {
				me.Constrain = takeBack(10, 6, times)
				return me
			}
			out := generate(t, alone, warm, request())[0]
			if len(out) != length || !slices.Equal(out[:6], free[:6]) {
				t.Fatalf("%v, wanted %d tokens and the beginning of %v", out, length, free)
			}
			if text := fmt.Sprint(out); slices.Contains(drawn, text) {
				t.Errorf("taken back %d times: %v was drawn before", times, out)
			} else {
				drawn = append(drawn, text)
			}
			if again := generate(t, alone, warm, request())[0]; !slices.Equal(again, out) {
				t.Errorf("taken back %d times: %v, then %v", times, out, again)
			}
			other := decode.Request{Prompt: []int32{5, 6, 7}, Stream: 1}
			theirs := generate(t, many, warm, other)[0]
			other.Constrain = takeBack(5, 4, 1)
			company := generate(t, many, warm, decode.Request{Prompt: []int32{5, 6, 7}, Stream: 1}, other, request())
			if !slices.Equal(company[2], out) {
				t.Errorf("taken back %d times: %v in company, %v alone", times, company[2], out)
			}
			if !slices.Equal(company[0], theirs) {
				t.Errorf("taking back changed another sequence: %v, wanted %v", company[0], theirs)
			}
		}
		if drawn[0] != fmt.Sprint(free) {
			t.Errorf("a constraint that takes nothing back: %v, without %v", drawn[0], free)
		}
	})
}

// TestTakeBackGreedy takes tokens back and forbids the first of them: the model
// must go on as if they had never been.
func TestTakeBackGreedy(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		const length = 16
		b := open()
		d, s := load(t, b, shape(2, length, 4), nn.Policy{}), score(t, b, length, nn.Policy{})
		for _, keep := range []int{3, 5, 8, 0} { // 0: the prompt stays all the same
			me := decode.Request{Prompt: []int32{2, 9, 9}}
			free := generate(t, d, greedy, me)[0]
			me.Constrain = takeBack(9, keep, 2)
			if got := generate(t, d, greedy, me)[0]; !slices.Equal(got, free) {
				t.Errorf("taken back to %d: %v, wanted the same again, %v", keep, got, free)
			}
			place := max(keep, 3)
			var banned int32 = -1
			me.Constrain = func(tokens []int32, allowed []bool) int {
				stay := len(tokens)
				if stay == 9 && banned < 0 {
					stay, banned = keep, tokens[place]
				}
				if max(stay, 3) == place && banned >= 0 {
					allowed[banned] = false
				}
				return stay
			}
			got := generate(t, d, greedy, me)[0]
			if len(got) != length || !slices.Equal(got[:place], free[:place]) || got[place] == free[place] {
				t.Errorf("taken back to %d without %d: %v, before %v", keep, banned, got, free)
			}
			s.likeliest(fmt.Sprint("taken back to ", keep), got, 3, 1e-4, func(at int, logits []float64) {
				if at == place {
					logits[banned] = -1e9
				}
			})
		}
	})
}

// TestTakeBackEnd takes the end token back: the sequence goes on.
func TestTakeBackEnd(t *testing.T) {
	onBackends(t, func(t *testing.T, open func() backend.Backend) {
		s := shape(2, 24, 2)
		s.EOS = end
		d := load(t, open(), s, nn.Policy{})
		me := decode.Request{Prompt: []int32{4, 1}}
		free := generate(t, d, warm, me)[0]
		first := len(free)
		if free[first-1] != end || first > 20 {
			t.Fatalf("%v does not end early; the test shows nothing", free)
		}
		asked := 0
		me.Constrain = func(tokens []int32, allowed []bool) int {
			if last := len(tokens) - 1; tokens[last] == end {
				if asked++; asked == 1 {
					allowed[end] = false
					return last
				}
			}
			return len(tokens)
		}
		got := generate(t, d, warm, me, decode.Request{Prompt: []int32{4, 1}})
		if !slices.Equal(got[1], free) {
			t.Errorf("the other sequence is %v, alone %v", got[1], free)
		}
		if out := got[0]; len(out) < first || !slices.Equal(out[:first-1], free[:first-1]) || out[first-1] == end {
			t.Errorf("after %v, whose end is taken back, comes %v", free, out)
		} else if out[len(out)-1] == end && asked != 2 {
			t.Errorf("the constraint saw %d ends of %v", asked, out)
		}
	})
}
