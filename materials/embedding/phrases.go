package embedding

import (
	"fmt"
	"iter"
	"strings"
)

// PhraseOptions are how phrases are found.
type PhraseOptions struct {
	MinCount  int     // a pair must occur so often; 0 is 10, as mat2vec
	Threshold float64 // and score more; 0 is 15, as mat2vec
	Room      int     // different words and pairs held while counting; 0 is 40 million
}

// Phrases joins pairs of words that occur together more often than by chance
// into one word, "thin_film" (Mikolov et al. 2013b, equation 6, scaled as gensim
// does): (n(ab) - min) · N / (n(a) · n(b)), N the number of different words and
// pairs. Joining twice gives phrases of up to four words.
type Phrases struct {
	Scores map[string]float64 // "thin film": those above the threshold
}

// LearnPhrases goes through a corpus once.
func LearnPhrases(corpus Corpus, o PhraseOptions) (*Phrases, error) {
	if o.MinCount == 0 {
		o.MinCount = 10
	}
	if o.Threshold == 0 {
		o.Threshold = 15
	}
	if o.Room == 0 {
		o.Room = 40_000_000
	}
	if o.MinCount < 1 || !(o.Threshold > 0) || o.Room < 1 {
		return nil, fmt.Errorf("embedding: phrases of %d occurrences above %v; give positive numbers", o.MinCount, o.Threshold)
	}
	counts := map[string]int64{}
	pair := []byte{}
	floor := int64(1)
	for words, err := range corpus() {
		if err != nil {
			return nil, err
		}
		for i, w := range words {
			counts[w]++
			if i > 0 {
				pair = append(append(append(pair[:0], words[i-1]...), ' '), w...)
				counts[string(pair)]++
			}
		}
		for ; len(counts) > o.Room; floor++ {
			for w, n := range counts {
				if n <= floor {
					delete(counts, w)
				}
			}
		}
	}
	p := &Phrases{map[string]float64{}}
	for w, n := range counts {
		a, b, ok := strings.Cut(w, " ")
		if !ok || n < int64(o.MinCount) || counts[a] == 0 || counts[b] == 0 {
			continue
		}
		s := float64(n-int64(o.MinCount)) / float64(counts[a]) / float64(counts[b]) * float64(len(counts))
		if s > o.Threshold {
			p.Scores[w] = s
		}
	}
	return p, nil
}

// Join joins the phrases of a sentence, from the left.
func (p *Phrases) Join(words []string) []string {
	var out []string
	for i := 0; i < len(words); i++ {
		if i+1 < len(words) {
			if _, ok := p.Scores[words[i]+" "+words[i+1]]; ok {
				out = append(out, words[i]+"_"+words[i+1])
				i++
				continue
			}
		}
		out = append(out, words[i])
	}
	return out
}

// Corpus is a corpus with its phrases joined.
func (p *Phrases) Corpus(corpus Corpus) Corpus {
	return func() iter.Seq2[[]string, error] {
		return func(yield func([]string, error) bool) {
			for words, err := range corpus() {
				if !yield(p.Join(words), err) || err != nil {
					return
				}
			}
		}
	}
}
