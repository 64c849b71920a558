package embedding

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Corpus is sentences as words. It is gone through several times and must give
// the same each time; what it yields is not kept.
type Corpus func() iter.Seq2[[]string, error]

// vocabulary is the words that are trained, most frequent first, those that are
// as frequent in alphabetical order.
type vocabulary struct {
	words  []string
	counts []int64
	index  map[string]int32
	total  int64 // words of the corpus that are in it
	seen   int64 // all words of the corpus
}

// maxSentence cuts sentences, in words, as the original program does.
const maxSentence = 10000

// countWords counts a corpus and keeps words that occur at least least times.
// Where more than room different words are held, the rarest are dropped, as the
// original program does: words then must occur more often than that in a row.
func countWords(corpus Corpus, least, room int) (*vocabulary, error) {
	counts := map[string]int64{}
	v := &vocabulary{}
	floor := int64(1)
	for words, err := range corpus() {
		if err != nil {
			return nil, err
		}
		for _, w := range words {
			v.seen++
			if w != "" && len(w) <= maxWord {
				if n, ok := counts[w]; ok {
					counts[w] = n + 1
				} else {
					counts[strings.Clone(w)] = 1 // not the line that it was cut from
				}
			}
		}
		for len(counts) > room {
			for w, n := range counts {
				if n <= floor {
					delete(counts, w)
				}
			}
			floor++
		}
	}
	for w, n := range counts {
		if n >= int64(least) {
			v.words = append(v.words, w)
		}
	}
	if len(v.words) == 0 {
		return nil, fmt.Errorf("embedding: none of %d words occurs %d times; give more text or a lower minimum", v.seen, least)
	}
	slices.SortFunc(v.words, func(a, b string) int {
		if c := cmp.Compare(counts[b], counts[a]); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	v.index = make(map[string]int32, len(v.words))
	for i, w := range v.words {
		v.words[i] = w
		v.index[v.words[i]] = int32(i)
		v.counts = append(v.counts, counts[w])
		v.total += counts[w]
	}
	return v, nil
}
