package baseline

import (
	"strings"
	"unicode"

	"github.com/kiban-models/kiban/core/metric"
	"github.com/kiban-models/kiban/materials/corpus"
)

// Dictionary labels what was an entity in training: from the left, the longest
// run of words that is known, with the label that it had most often. Runs that
// were an entity less often than they were not are not known.
type Dictionary struct {
	labels  map[string]string
	longest int // words
}

// LearnDictionary reads sentences with IOB2 tags.
func LearnDictionary(sentences []corpus.Tagged) *Dictionary {
	counts := map[string]map[string]int{}
	d := &Dictionary{labels: map[string]string{}}
	for _, s := range sentences {
		for _, c := range metric.Chunks(s.Tags) {
			k := key(s.Words[c.First:c.Past])
			if counts[k] == nil {
				counts[k] = map[string]int{}
			}
			counts[k][c.Label]++
			d.longest = max(d.longest, c.Past-c.First)
		}
	}
	seen := map[string]int{}
	for _, s := range sentences {
		for i := range s.Words {
			for n := 1; n <= min(d.longest, len(s.Words)-i); n++ {
				if k := key(s.Words[i : i+n]); counts[k] != nil {
					seen[k]++
				}
			}
		}
	}
	for k, by := range counts {
		best, all := "", 0
		for label, n := range by {
			all += n
			if best == "" || n > by[best] || n == by[best] && label < best {
				best = label
			}
		}
		if 2*all >= seen[k] {
			d.labels[k] = best
		}
	}
	return d
}

// Len returns the number of runs of words that are known.
func (d *Dictionary) Len() int { return len(d.labels) }

// Tag returns the IOB2 tags of a sentence.
func (d *Dictionary) Tag(words []string) []string {
	tags := make([]string, len(words))
	for i := 0; i < len(words); {
		n, label := d.at(words[i:])
		if n == 0 {
			tags[i] = "O"
			i++
			continue
		}
		tags[i] = "B-" + label
		for k := i + 1; k < i+n; k++ {
			tags[k] = "I-" + label
		}
		i += n
	}
	return tags
}

func (d *Dictionary) at(words []string) (n int, label string) {
	for n := min(d.longest, len(words)); n > 0; n-- {
		if label := d.labels[key(words[:n])]; label != "" {
			return n, label
		}
	}
	return 0, ""
}

func key(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(fold(w))
	}
	return b.String()
}

// fold makes a word lower case that has a capital only at its beginning, as at
// the beginning of a sentence; short ones are left, for Co is not CO.
func fold(w string) string {
	if len(w) < 4 {
		return w
	}
	for i, r := range w {
		if i > 0 && (unicode.IsUpper(r) || unicode.IsDigit(r)) {
			return w
		}
	}
	return strings.ToLower(w)
}
