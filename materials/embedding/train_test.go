package embedding

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"
)

// planted is a corpus in which analogies have an answer: a word w2_3 occurs
// once a sentence among words of its row (r2_…) and of its column (c3_…), as
// king does among words of rank and of gender, and filling.
func planted(sentences int, seed uint64, vocabulary int) Corpus {
	return func() iter.Seq2[[]string, error] {
		return func(yield func([]string, error) bool) {
			r := rand.New(rand.NewPCG(seed, 1))
			for range sentences {
				row, column := r.IntN(6), r.IntN(4)
				s := make([]string, 10)
				for i := range s {
					switch x := r.Float64(); {
					case x < 0.4:
						s[i] = fmt.Sprintf("r%d_%d", row, r.IntN(20))
					case x < 0.8:
						s[i] = fmt.Sprintf("c%d_%d", column, r.IntN(20))
					default:
						s[i] = fmt.Sprintf("f%d", int(float64(vocabulary)*r.Float64()*r.Float64()))
					}
				}
				s[r.IntN(len(s))] = fmt.Sprintf("w%d_%d", row, column)
				if !yield(s, nil) {
					return
				}
			}
		}
	}
}

// questions are all analogies between the planted words.
func questions() string {
	var b bytes.Buffer
	b.WriteString(": planted\n")
	for r1 := range 6 {
		for r2 := range 6 {
			for c1 := range 4 {
				for c2 := range 4 {
					if r1 != r2 && c1 != c2 {
						fmt.Fprintf(&b, "w%d_%d w%d_%d w%d_%d w%d_%d\n", r1, c1, r1, c2, r2, c1, r2, c2)
					}
				}
			}
		}
	}
	return b.String()
}

func TestAnalogiesAreLearnt(t *testing.T) {
	for _, o := range []Options{{}, {dealFrom: 1}, {CBOW: true}, {Fast: true, Threads: 2}} {
		o.Dim, o.Epochs, o.Seed, o.Sample, o.MinCount = 32, 5, 7, -1, 2
		if o.CBOW {
			o.Epochs, o.Rate, o.Window = 15, 0.1, 10
		}
		v, err := Train(t.Context(), planted(8000, 1, 2500), o)
		if err != nil {
			t.Fatal(err)
		}
		s, err := v.Analogies(t.Context(), "planted", bytes.NewBufferString(questions()), AnalogyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("CBOW %t, fast %t, dealt from %d words: %d words, %+v", o.CBOW, o.Fast, o.dealFrom, len(v.Words), s[1])
		if s[1].Asked != 360 || s[1].Accuracy() < 0.8 {
			t.Errorf("CBOW %t, fast %t: %+v", o.CBOW, o.Fast, s[1])
		}
	}
}

// TestThreads: the same bytes for any number of threads, others for another seed.
func TestThreads(t *testing.T) {
	train := func(o Options) []byte {
		o.Dim, o.Epochs, o.MinCount, o.Sample, o.dealFrom = 20, 2, 1, 1e-2, 1
		v, err := Train(t.Context(), planted(3000, 1, 4000), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Words) < smallVocabulary {
			t.Fatalf("only %d words: the test must deal groups", len(v.Words))
		}
		var b bytes.Buffer
		if err := v.WriteBinary(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, cbow := range []bool{false, true} {
		first := train(Options{Threads: 1, CBOW: cbow})
		for _, threads := range []int{2, 3, 8} {
			if !bytes.Equal(first, train(Options{Threads: threads, CBOW: cbow})) {
				t.Errorf("CBOW %t: %d threads give other bytes than 1", cbow, threads)
			}
		}
		if bytes.Equal(first, train(Options{Seed: 1, CBOW: cbow})) {
			t.Errorf("CBOW %t: the seed changes nothing", cbow)
		}
	}
}

func TestTrainRefuses(t *testing.T) {
	empty := func() iter.Seq2[[]string, error] { return func(func([]string, error) bool) {} }
	broken := func() iter.Seq2[[]string, error] {
		return func(yield func([]string, error) bool) { yield(nil, errors.New("text:3: broken")) }
	}
	if _, err := Train(t.Context(), empty, Options{}); err == nil {
		t.Error("an empty corpus is trained")
	}
	if _, err := Train(t.Context(), broken, Options{}); err == nil || err.Error() != "text:3: broken" {
		t.Errorf("a broken corpus gives %v", err)
	}
	for _, o := range []Options{{Dim: -1}, {Negative: 65}, {Window: -2}, {Rate: 11}, {Rate: 0.01, MinRate: 0.02}} {
		if _, err := Train(t.Context(), planted(10, 1, 10), o); err == nil {
			t.Errorf("%+v is trained", o)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Train(ctx, planted(10, 1, 10), Options{MinCount: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
