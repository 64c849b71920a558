package decode

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// EarlyStopping says when a beam search has found enough, as transformers'
// early_stopping does.
type EarlyStopping string

// The ways to stop a search whose finished sequences are as many as its beams.
// "" is StopUnlikely.
const (
	// StopUnlikely ends it when the best running beam, scored at its present
	// length, is worse than the worst finished sequence. ("False")
	StopUnlikely EarlyStopping = "false"
	// StopFull ends it at once. ("True")
	StopFull EarlyStopping = "true"
	// StopNever ends it when no running beam can become better than the worst
	// finished sequence at any length that is allowed. ("never")
	StopNever EarlyStopping = "never"
)

// BeamSearch are the settings of a search, with the meaning that transformers'
// generate gives them.
type BeamSearch struct {
	// LengthPenalty is the power of the number of generated tokens by which a
	// finished sequence's log-probability is divided: 0 compares sums, 1 (what
	// transformers takes if nothing is said) means.
	LengthPenalty float64
	EarlyStopping EarlyStopping
	// RepetitionPenalty multiplies the log-probabilities of tokens that
	// occurred. 0 means 1.
	RepetitionPenalty float64
	// Return is the number of sequences to return for a request, at most the
	// number of beams; 0 means 1.
	Return int
}

func (o BeamSearch) validate(beams int) error {
	switch o.EarlyStopping {
	case "", StopUnlikely, StopFull, StopNever:
	default:
		return fmt.Errorf("decode: early stopping %q; give false, true or never", o.EarlyStopping)
	}
	if !(o.RepetitionPenalty >= 0) || math.IsNaN(o.LengthPenalty) || math.IsInf(o.LengthPenalty, 0) {
		return fmt.Errorf("decode: length penalty %g, repetition penalty %g; they must be numbers, the latter not negative", o.LengthPenalty, o.RepetitionPenalty)
	}
	if o.Return < 0 || o.Return > beams {
		return fmt.Errorf("decode: %d sequences wanted of a search with %d beams", o.Return, beams)
	}
	return nil
}

// Hypothesis is a sequence that a beam search found.
type Hypothesis struct {
	Tokens []int32 // prompt included, and the end token if it drew it
	// Score is the sum of the log-probabilities of the generated tokens, after
	// the repetition penalty, by the length penalty.
	Score float32
}

// search is the beam search of one request.
type search struct {
	request Request
	number  int // of the request
	o       BeamSearch
	eos     int32
	limit   int // tokens in all
	beams   int

	running  []beam       // the best first
	finished []Hypothesis // the best first
	hopeless bool         // nothing can become better than what is finished
	over     bool

	found   []candidate // of one step, the best first
	logProb []float32
	allowed []bool
}

// beam is a sequence that goes on. Its keys and values lie in row: of the rows
// of its request, from 0.
type beam struct {
	tokens []int32
	score  float32
	row    int
}

type candidate struct {
	score  float32
	parent int // in running
	id     int32
}

func newSearch(number int, r Request, o BeamSearch, s Shape, beams int) *search {
	x := &search{request: r, number: number, o: o, eos: s.EOS, limit: s.Len, beams: beams,
		logProb: make([]float32, s.Vocab), allowed: make([]bool, s.Vocab)}
	if r.Max > 0 {
		x.limit = min(r.Max, s.Len)
	}
	x.running = []beam{{tokens: slices.Clone(r.Prompt)}}
	if len(r.Prompt) >= x.limit {
		x.finished, x.over = []Hypothesis{{Tokens: slices.Clone(r.Prompt)}}, true
	}
	return x
}

// step takes the logits of the token after each running beam, by rows, and
// extends the beams. It returns the row from which each running beam's keys and
// values must come.
//
// As transformers has it: of the 2k likeliest continuations of k beams, those
// among the first k that end are finished; the first k of those that do not end
// go on.
func (s *search) step(logits func(row int) []float32) (from []int, err error) {
	if err := s.continuations(logits); err != nil {
		return nil, err
	}
	length := len(s.running[0].tokens) + 1
	full := len(s.finished) == s.beams
	var next []candidate
	for i, c := range s.found {
		_, forced := s.request.Forced[length-1]
		switch ends := length >= s.limit || c.id == s.eos && !forced; {
		case !ends && len(next) < s.beams:
			next = append(next, c)
		case ends && i < s.beams && !s.hopeless && !(full && s.o.EarlyStopping == StopFull):
			s.finish(Hypothesis{Tokens: s.extend(c), Score: s.normalised(c.score, length)})
		}
	}
	from = s.advance(next)
	s.over = len(s.running) == 0
	if len(s.finished) < s.beams {
		return from, nil
	}
	if !s.over {
		best := length
		if s.o.EarlyStopping == StopNever && s.o.LengthPenalty > 0 {
			best = s.limit
		}
		s.hopeless = s.hopeless || s.normalised(s.running[0].score, best) <= s.finished[s.beams-1].Score
	}
	s.over = s.over || s.hopeless || s.o.EarlyStopping == StopFull
	return from, nil
}

// normalised is the score of a sequence of so many tokens, prompt included.
func (s *search) normalised(sum float32, length int) float32 {
	return sum / float32(math.Pow(float64(length-len(s.request.Prompt)), s.o.LengthPenalty))
}

// continuations finds the 2k likeliest ones.
func (s *search) continuations(logits func(row int) []float32) error {
	s.found = s.found[:0]
	worst := float32(math.Inf(-1)) // of those found, once they are enough
	for i, b := range s.running {
		if err := s.logProbs(b, logits(b.row)); err != nil {
			return err
		}
		for id, l := range s.logProb {
			x := b.score + l
			if !(x > worst) {
				continue
			}
			at, _ := slices.BinarySearchFunc(s.found, x, func(c candidate, x float32) int {
				if c.score < x {
					return 1
				}
				return -1 // of equals the first stays first
			})
			if len(s.found) < 2*s.beams {
				s.found = append(s.found, candidate{})
			}
			copy(s.found[at+1:], s.found[at:])
			s.found[at] = candidate{x, i, int32(id)}
			if len(s.found) == 2*s.beams {
				worst = s.found[len(s.found)-1].score
			}
		}
	}
	if len(s.found) == 0 && len(s.finished) == 0 {
		return noToken(s.number)
	}
	return nil
}

// logProbs computes the scores of the tokens after a beam: the logarithms of
// the probabilities, then the repetition penalty, then the constraints.
func (s *search) logProbs(b beam, logits []float32) error {
	top := slices.Max(logits)
	sum := 0.0
	for _, x := range logits {
		sum += math.Exp(float64(x - top))
	}
	lse := float64(top) + math.Log(sum)
	if math.IsNaN(lse) || math.IsInf(lse, 0) {
		return fmt.Errorf("decode: sequence %d, token %d: the model's scores are no finite numbers; are its weights sound?", s.number+1, len(b.tokens))
	}
	for id, x := range logits {
		s.logProb[id] = float32(float64(x) - lse)
	}
	if p := float32(s.o.RepetitionPenalty); p > 0 && p != 1 {
		for _, id := range b.tokens { // from the logits: twice is once
			l := float32(float64(logits[id]) - lse)
			if l < 0 {
				l *= p
			} else {
				l /= p
			}
			s.logProb[id] = l
		}
	}
	forbidden := float32(math.Inf(-1))
	if want, forced := s.request.Forced[len(b.tokens)]; forced {
		for id := range s.logProb {
			if int32(id) != want {
				s.logProb[id] = forbidden
			}
		}
		return nil
	}
	if s.request.Constrain == nil {
		return nil
	}
	if keep, _ := ask(s.request, b.tokens, s.allowed); keep < len(b.tokens) {
		return fmt.Errorf("decode: the constraint of sequence %d takes tokens back; in a beam search it cannot", s.number+1)
	}
	for id, ok := range s.allowed {
		if !ok {
			s.logProb[id] = forbidden
		}
	}
	return nil
}

func (s *search) extend(c candidate) []int32 {
	parent := s.running[c.parent].tokens
	return append(append(make([]int32, 0, len(parent)+1), parent...), c.id)
}

// finish keeps the best hypotheses, of equals the earlier ones.
func (s *search) finish(h Hypothesis) {
	s.finished = append(s.finished, h)
	slices.SortStableFunc(s.finished, func(a, b Hypothesis) int { return cmp.Compare(b.Score, a.Score) })
	s.finished = s.finished[:min(len(s.finished), s.beams)]
}

// advance makes the candidates the running beams. The first child of a beam
// stays in its row, so that as few rows as possible move.
func (s *search) advance(next []candidate) (from []int) {
	beams := make([]beam, len(next))
	from = make([]int, s.beams)
	taken := make([]bool, s.beams)
	for row := range from {
		from[row] = row
	}
	var moved []int
	for i, c := range next {
		parent := s.running[c.parent]
		beams[i] = beam{tokens: s.extend(c), score: c.score, row: parent.row}
		if taken[parent.row] {
			moved = append(moved, i)
		}
		taken[parent.row] = true
	}
	for _, i := range moved {
		row := slices.Index(taken, false)
		taken[row] = true
		from[row], beams[i].row = beams[i].row, row
	}
	s.running = beams
	return from
}

// results returns the best sequences. Fewer than wanted are there only if the
// constraints left no more.
func (s *search) results() []Hypothesis {
	return s.finished[:min(max(1, s.o.Return), len(s.finished))]
}
