package protein_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/decode"
	"github.com/kiban-models/kiban/core/nn"
)

// companyConfig is a model of one small layer with a context that documents
// here exceed.
func companyConfig() protein.Config { return protein.NewConfig(oddVocab, 160, 1, 32, 2, 0) }

// companyBackends are those whose rounding these tests state.
var companyBackends = []string{"reference", "cpu", "cpu without oneDNN"}

// placedOn returns a scoring of companyConfig on a backend.
func placedOn(t *testing.T, name string) *protein.Scoring {
	t.Helper()
	open := backends[name]
	if open == nil {
		t.Skipf("no backend %s", name)
	}
	b := open(t)
	t.Cleanup(func() { b.Close() })
	c := companyConfig()
	putAll(t, b, placed(c))
	return scoringOf(t, b, protein.ScorerOptions{})
}

func scoringOf(t *testing.T, b backend.Backend, o protein.ScorerOptions) *protein.Scoring {
	s := &protein.Scoring{Config: companyConfig(), Backend: b, Options: o}
	t.Cleanup(func() { s.Close() })
	return s
}

// worst is the largest difference of two lists of losses.
func worst(a, b []float32) float64 {
	d := 0.0
	for i := range a {
		d = max(d, math.Abs(float64(a[i])-float64(b[i])))
	}
	return d
}

// bound is what losses may differ by in rows of another length or number: the
// reference backend adds up each row by itself, while the order of a sum on
// others may follow the shape of the whole.
func bound(backend string) float64 {
	if backend == "reference" {
		return 0
	}
	return 1e-5
}

// A sequence's losses do not depend on those scored with it: with rows of one
// shape every bit is the same, whoever the neighbours are, where the row lies
// and what stands in the padding. In rows of other lengths, or
// another number of them, they are within bound.
func TestBatchMates(t *testing.T) {
	var docs [][]int32
	for i, n := range []int{5, 12, 63, 64, 65, 66, 100, 129, 161, 200, 400, 30, 31, 7} { // rows of 64, 128 and 160; windows
		docs = append(docs, drawTokens(n, uint32(i), oddVocab))
	}
	for _, name := range companyBackends {
		t.Run(name, func(t *testing.T) {
			s := placedOn(t, name)
			all, err := s.Documents(t.Context(), docs)
			if err != nil {
				t.Fatal(err)
			}
			reversed := slices.Clone(docs)
			slices.Reverse(reversed)
			back, err := s.Documents(t.Context(), reversed)
			if err != nil {
				t.Fatal(err)
			}
			slices.Reverse(back)
			for i, d := range docs {
				alone, err := s.Documents(t.Context(), [][]int32{d})
				if err != nil {
					t.Fatal(err)
				}
				for what, got := range map[string][]float32{"alone": alone[0], "in another order": back[i]} {
					if !slices.Equal(got, all[i]) {
						t.Errorf("document of %d tokens %s: losses differ by %g from those in company", len(d), what, worst(got, all[i]))
					}
				}
			}
			for _, o := range []protein.ScorerOptions{{BatchTokens: 1}, {BatchTokens: 64 * 3}, {BatchTokens: 1 << 14}} {
				got, err := scoringOf(t, s.Backend, o).Documents(t.Context(), docs)
				if err != nil {
					t.Fatal(err)
				}
				for i := range docs {
					if d := worst(got[i], all[i]); d > bound(name) {
						t.Errorf("document of %d tokens in batches of %d: losses differ by %g", len(docs[i]), o.BatchTokens, d)
					}
				}
			}
		})
	}
}

// A sequence in a longer row, whose rest is padding or, worse, other tokens.
func TestPadding(t *testing.T) {
	const n = 50
	doc := drawTokens(n+1, 1, oddVocab)
	for _, name := range companyBackends {
		t.Run(name, func(t *testing.T) {
			s := placedOn(t, name)
			var first []float32
			for _, x := range []struct {
				length int
				fill   bool
			}{{n, false}, {64, false}, {64, true}, {100, true}, {128, false}, {160, true}} {
				r, err := protein.NewScorer(s.Backend, s.Config, nn.Policy{}, 3, x.length)
				if err != nil {
					t.Fatal(err)
				}
				for i := range r.Batch.Labels {
					r.Batch.Labels[i] = -1
				}
				if x.fill {
					copy(r.Batch.Tokens, drawTokens(3*x.length, uint32(x.length), oddVocab))
				}
				at := x.length // the second row
				copy(r.Batch.Tokens[at:], doc[:n])
				copy(r.Batch.Labels[at:], doc[1:])
				losses, err := r.Losses(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				got := losses[at : at+n]
				if first == nil {
					first = slices.Clone(got)
				}
				if d := worst(got, first); d > bound(name) {
					t.Errorf("in a row of %d, filled %t: losses differ by %g", x.length, x.fill, d)
				}
				for i, l := range losses {
					if (i < at || i >= at+n) && l != 0 {
						t.Fatalf("place %d of padding has loss %g", i, l)
					}
				}
			}
		})
	}
}

// The logits of a row are the same in every bit whatever the other rows hold.
func TestLogitsBesideOthers(t *testing.T) {
	const length = 40
	row := drawTokens(length, 1, oddVocab)
	for _, name := range companyBackends {
		t.Run(name, func(t *testing.T) {
			s := placedOn(t, name)
			var first []float32
			for mates := range uint32(3) {
				for place := range 4 {
					ids := drawTokens(4*length, 10+mates, oddVocab)
					copy(ids[place*length:], row)
					all := logits(t, s.Backend, s.Config, ids, 4, length).Float32()
					got := all[place*length*oddVocab : (place+1)*length*oddVocab]
					if first == nil {
						first = slices.Clone(got)
					}
					if !slices.Equal(got, first) {
						t.Errorf("in row %d beside rows %d: logits differ by %g", place, mates, worst(got, first))
					}
				}
			}
		})
	}
}

// Stream i of a seed is the same sequence in every batch and place.
func TestStreams(t *testing.T) {
	const n, length = 12, 60
	for _, name := range companyBackends {
		t.Run(name, func(t *testing.T) {
			sampling := protein.Recipe()
			sampling.Seed = 5
			var first [][]int32
			for _, batch := range []int{n, 1, 5, 7} {
				s := placedOn(t, name) // a backend keeps a decoder's states, and their shapes
				p, err := decode.Compile(s.Backend.Limits(), func(sc nn.Scope) decode.Model { return protein.NewCausal(sc, s.Config) }, nn.Policy{},
					decode.Shape{Batch: batch, Len: length, Prompt: 3, Vocab: oddVocab, EOS: 0})
				if err != nil {
					t.Fatal(err)
				}
				d, err := p.Load(s.Backend)
				if err != nil {
					t.Fatal(err)
				}
				var got [][]int32
				for at := 0; at < n; at += batch {
					var reqs []decode.Request
					for i := at; i < min(n, at+batch); i++ {
						reqs = append(reqs, decode.Request{Prompt: []int32{0, 7, int32(i)}[:1+i%3], Stream: int32(i)})
					}
					ids, err := d.Generate(t.Context(), reqs, sampling)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, ids...)
				}
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				if first == nil {
					first = got
				}
				for i := range first {
					if !slices.Equal(got[i], first[i]) {
						t.Errorf("batch %d, stream %d: %v, want %v", batch, i, got[i], first[i])
					}
				}
			}
			different := map[string]bool{}
			for _, ids := range first {
				different[fmt.Sprint(ids[3:])] = true
			}
			if len(different) != n {
				t.Errorf("%d streams give %d sequences", n, len(different))
			}
		})
	}
}
