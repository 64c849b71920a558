package baseline

import (
	"strconv"

	"github.com/kiban-models/kiban/materials/corpus"
)

// between is how many words between two entities become features.
const between = 20

// PairFeatures returns the features of two entities in a text: their labels,
// which may be "", their words, those between and beside them, which comes first,
// and how far they are apart.
func PairFeatures(text string, head, tail corpus.Span, headLabel, tailLabel string) []string {
	first, second, order := head, tail, "head-first"
	if tail.Start < head.Start {
		first, second, order = tail, head, "tail-first"
	}
	f := []string{order}
	if headLabel != "" || tailLabel != "" {
		f = append(f, "head="+headLabel, "tail="+tailLabel, "labels="+headLabel+">"+tailLabel, order+headLabel+">"+tailLabel)
	}
	put := func(kind string, words []string) {
		for _, w := range words {
			f = append(f, kind+w)
		}
	}
	put("head:", Words(text[head.Start:head.End]))
	put("tail:", Words(text[tail.Start:tail.End]))
	middle := Words(text[first.End:max(first.End, second.Start)])
	size := 0
	for 1<<size <= len(middle) {
		size++
	}
	f = append(f, "apart="+strconv.Itoa(size))
	put("between:", middle[:min(len(middle), between)])
	before, after := Words(text[:first.Start]), Words(text[second.End:])
	put("before:", before[max(0, len(before)-2):])
	put("after:", after[:min(2, len(after))])
	return f
}
