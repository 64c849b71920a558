package embedding

import (
	"encoding/json"
	"iter"
	"math"
	"os"
	"strings"
	"testing"
)

// TestGensimPhrases: the pairs and scores of gensim's Phrases, and its joining.
func TestGensimPhrases(t *testing.T) {
	var want struct {
		Sentences, Joined []string
		Scores            map[string]float64
	}
	b, err := os.ReadFile("testdata/phrases.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	corpus := func() iter.Seq2[[]string, error] {
		return func(yield func([]string, error) bool) {
			for _, s := range want.Sentences {
				if !yield(strings.Fields(s), nil) {
					return
				}
			}
		}
	}
	p, err := LearnPhrases(corpus, PhraseOptions{MinCount: 3, Threshold: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Scores) < 3 {
		t.Fatalf("the fixture has %d phrases", len(want.Scores))
	}
	for w, s := range want.Scores {
		if math.Abs(p.Scores[w]-s) > 1e-9*s {
			t.Errorf("%s: score %v, gensim %v", w, p.Scores[w], s)
		}
	}
	for i, s := range want.Joined {
		if got := strings.Join(p.Join(strings.Fields(want.Sentences[i])), " "); got != s {
			t.Errorf("joined %q, gensim %q", got, s)
		}
	}
	n := 0
	for words := range p.Corpus(corpus)() {
		n += len(words)
	}
	if n >= 14*len(want.Sentences) {
		t.Errorf("%d words after joining", n)
	}
}

func TestMap(t *testing.T) {
	v, err := New([]string{"a", "b", "c", "d"}, 3, []float32{1, 0.1, 0, 1, -0.1, 0, -1, 0.1, 0, -1, -0.1, 0})
	if err != nil {
		t.Fatal(err)
	}
	xy, shares, err := v.Map(v.Words)
	if err != nil {
		t.Fatal(err)
	}
	u := 1 / math.Sqrt(1.01)
	for i, want := range [][2]float64{{u, 0.1 * u}, {u, -0.1 * u}, {-u, 0.1 * u}, {-u, -0.1 * u}} {
		for k := range 2 {
			if math.Abs(math.Abs(xy[i][k])-math.Abs(want[k])) > 1e-6 {
				t.Errorf("word %d is at %v, wanted %v but for signs", i, xy[i], want)
			}
		}
	}
	if xy[0][0]*xy[1][0] <= 0 || xy[0][0]*xy[2][0] >= 0 || math.Abs(shares[0]-1/1.01) > 1e-6 || math.Abs(shares[0]+shares[1]-1) > 1e-6 {
		t.Errorf("%v, shares %v", xy, shares)
	}
	if s, err := v.Similarity("a", "b"); err != nil || math.Abs(s-0.99/1.01) > 1e-6 {
		t.Errorf("similarity %v, %v", s, err)
	}
}
