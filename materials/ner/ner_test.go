package ner_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/crf"
	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/ner"
)

// letters cuts a word into its letters; "-" has no piece.
type letters struct{}

func (letters) EncodeWords(words []string) (pieces []token.Piece, of []int) {
	for i, w := range words {
		if w == "-" {
			continue
		}
		for j := range w {
			pieces, of = append(pieces, token.Piece{ID: int32(w[j]), Start: j, End: j + 1}), append(of, i)
		}
	}
	return pieces, of
}

func sentence(r *rand.Rand, n, longest int) []string {
	words := make([]string, n)
	for i := range words {
		words[i] = strings.Repeat("w", 1+r.IntN(longest))
		if r.IntN(8) == 0 {
			words[i] = "-"
		}
	}
	return words
}

// TestWindows cuts random sentences: every word with pieces is in a window, no
// window is too long, and each but the first begins anew by about a stride.
func TestWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		f := ner.NewFrame(1, 2, 8+r.IntN(20))
		words := sentence(r, r.IntN(60), 5+r.IntN(12))
		windows := ner.Windows(letters{}, f, words, nil)
		seen := make([]int, len(words))
		last := -1
		for k, w := range windows {
			if len(w.Row.IDs) > f.Length || w.Row.IDs[0] != 1 || w.Row.IDs[len(w.Row.IDs)-1] != 2 || len(w.Words) != len(w.Row.Places) || len(w.Words) == 0 {
				t.Fatalf("%q: window %+v of frame %+v", words, w, f)
			}
			for j, word := range w.Words {
				seen[word]++
				if w.Row.IDs[w.Row.Places[j]] != int32(words[word][0]) {
					t.Fatalf("place %d holds no piece of word %d", w.Row.Places[j], word)
				}
			}
			if end := w.Words[len(w.Words)-1]; end <= last {
				t.Fatalf("%q: window %d ends at word %d, the one before at %d", words, k, end, last)
			} else {
				last = end
			}
		}
		for i, n := range seen {
			if (n == 0) != (words[i] == "-") {
				t.Fatalf("%q: word %d is in %d windows", words, i, n)
			}
		}
	}
}

// TestRows teaches sentences that are longer than a row, with words that have no
// piece: no row begins with, or goes on with, what nothing began.
func TestRows(t *testing.T) {
	labels := []string{"B-A", "B-B", "I-A", "I-B", "O"}
	moves, err := crf.NewMoves(labels)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(4, 4))
	reader := ner.Reader{Tokenizer: letters{}, Frame: ner.NewFrame(1, 2, 16)}
	several := 0
	for range 500 {
		s := corpus.Tagged{Words: sentence(r, 1+r.IntN(30), 4)}
		at := "O"
		for range s.Words {
			switch {
			case r.IntN(3) == 0:
				at = []string{"B-A", "B-B"}[r.IntN(2)]
			case at != "O" && r.IntN(2) == 0:
				at = "I" + at[1:]
			default:
				at = "O"
			}
			s.Tags = append(s.Tags, at)
		}
		rows, cut, err := reader.Rows("x.conll", []corpus.Tagged{s}, labels)
		if err != nil {
			t.Fatal(err)
		}
		several += cut
		n := 0
		for _, row := range rows {
			for i, l := range row.Labels {
				if i == 0 && !moves.Begin(int(l)) || i > 0 && !moves.Follow(int(row.Labels[i-1]), int(l)) {
					t.Fatalf("%v: label %d of %v", s, i, row.Labels)
				}
			}
			n += len(row.Labels)
		}
		for _, w := range s.Words {
			if w != "-" {
				n--
			}
		}
		if n != 0 {
			t.Fatalf("%d words too many or twice", n)
		}
	}
	if several < 100 {
		t.Errorf("only %d sentences were cut", several)
	}
	_, _, err = reader.Rows("x.conll", []corpus.Tagged{{Line: 7, Words: []string{"w", "w"}, Tags: []string{"O", "B-C"}}}, labels)
	if err == nil || !strings.Contains(err.Error(), "x.conll:8:") || !strings.Contains(err.Error(), "B-A") {
		t.Errorf("a label that the model does not know: %v", err)
	}
}

// TestProbability compares the confidence of entities with the sum over all
// legal labels of a sentence.
func TestProbability(t *testing.T) {
	labels := []string{"B-A", "B-B", "I-A", "I-B", "O"}
	moves, err := crf.NewMoves(labels)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 5))
	for range 30 {
		var chain *crf.Weights
		w := moves.Weights()
		if r.IntN(2) == 0 {
			for i := range w.Transitions {
				w.Transitions[i] = float32(r.NormFloat64())
			}
			for i := range w.Start {
				w.Start[i], w.End[i] = float32(r.NormFloat64()), float32(r.NormFloat64())
			}
			chain = &w
		}
		d, err := ner.NewDecoder(labels, chain)
		if err != nil {
			t.Fatal(err)
		}
		n := 1 + r.IntN(5)
		scores := make([][]float32, n)
		for i := range scores {
			for range labels {
				scores[i] = append(scores[i], float32(2*r.NormFloat64()))
			}
		}
		tags, found := d.Decode(scores)
		total, with := 0.0, make([]float64, len(found))
		best, bestPath := math.Inf(-1), []int(nil)
		for code := range int(math.Pow(5, float64(n))) {
			path := make([]int, n)
			for i := range path {
				path[i] = code % 5
				code /= 5
			}
			score, legal := float64(w.Start[path[0]]), moves.Begin(path[0])
			for i, l := range path {
				score += float64(scores[i][l])
				if i > 0 {
					score += float64(w.Transitions[path[i-1]*5+l])
					legal = legal && moves.Follow(path[i-1], l)
				}
			}
			score += float64(w.End[path[n-1]])
			if !legal {
				continue
			}
			if score > best {
				best, bestPath = score, path
			}
			total += math.Exp(score)
			for k, e := range found {
				match := path[e.First] == slices.Index(labels, "B-"+e.Label) && (e.Past == n || path[e.Past] != slices.Index(labels, "I-"+e.Label))
				for i := e.First + 1; i < e.Past; i++ {
					match = match && path[i] == slices.Index(labels, "I-"+e.Label)
				}
				if match {
					with[k] += math.Exp(score)
				}
			}
		}
		if !slices.Equal(tags, bestPath) {
			t.Errorf("labels %v, the best are %v", tags, bestPath)
		}
		for k, e := range found {
			if want := with[k] / total; math.Abs(e.Score-want) > 1e-6 {
				t.Errorf("%+v: probability %g", e, want)
			}
		}
	}
}

// TestUnseen has words without a piece before, within and behind an entity.
func TestUnseen(t *testing.T) {
	d, err := ner.NewDecoder([]string{"B-A", "I-A", "O"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tags, found := d.Decode([][]float32{nil, {9, 0, 0}, nil, {0, 9, 0}, nil, {0, 0, 9}})
	if got := fmt.Sprint(tags, found[0].First, found[0].Past, len(found)); got != "[2 0 1 1 2 2] 1 4 1" {
		t.Error(got)
	}
}

// TestNoLabels has sets that are none of BIO.
func TestNoLabels(t *testing.T) {
	for _, labels := range [][]string{{"B-A", "I-A"}, {"LABEL_0", "O"}, {"B-A", "I-B", "O"}, {"O", "O"}} {
		if _, err := ner.NewDecoder(labels, nil); err == nil {
			t.Errorf("%q was taken", labels)
		}
	}
}

// TestAggregate labels words by all their pieces.
func TestAggregate(t *testing.T) {
	labels := []string{"B-A", "I-A", "O"}
	chain := crf.Weights{Labels: 3, Transitions: make([]float32, 9), Start: make([]float32, 3), End: make([]float32, 3)}
	d, err := ner.NewDecoder(labels, &chain)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&ner.Tagger{Decoder: d}).SetAggregate(ner.Max); err == nil {
		t.Error("a CRF labels by all pieces")
	}
	if d, err = ner.NewDecoder(labels, nil); err != nil {
		t.Fatal(err)
	}
	x := &ner.Tagger{Decoder: d}
	if err := x.SetAggregate("simple"); err == nil {
		t.Error("an unknown way was taken")
	}
	for how, want := range map[ner.Aggregate][]float64{
		ner.Average: {(0.2 + 0.7) / 2, (0.1 + 0.1) / 2, (0.7 + 0.2) / 2},
		ner.Max:     {0.2, 0.1, 0.7},
	} {
		if err := x.SetAggregate(how); err != nil {
			t.Fatal(err)
		}
		log := func(p ...float64) []float32 {
			var s []float32
			for _, v := range p {
				s = append(s, float32(math.Log(v)+3)) // scores, not yet normalised
			}
			return s
		}
		w := ner.Windows(letters{}, ner.NewFrame(1, 2, 16), []string{"ab", "-", "c"}, nil)[0]
		got := x.Together(w, [][]float32{log(0.2, 0.1, 0.7), log(0.7, 0.1, 0.2), log(0.3, 0.3, 0.4)})
		if len(got) != 2 {
			t.Fatalf("%d words", len(got))
		}
		for i, p := range want {
			if math.Abs(math.Exp(float64(got[0][i]))-p) > 1e-6 {
				t.Errorf("%s: probabilities of %v, wanted %v", how, got[0], want)
			}
		}
		if math.Abs(math.Exp(float64(got[1][2]))-0.4) > 1e-6 {
			t.Errorf("%s: %v", how, got[1])
		}
	}
}
