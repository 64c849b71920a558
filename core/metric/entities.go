package metric

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Chunk is a stretch of tags that make one entity: those from First up to
// Past, which is excluded.
type Chunk struct {
	Label       string
	First, Past int
}

// Chunks finds the entities of a sentence's tags by the rules of conlleval,
// the program that scored CoNLL-2000's task (Tjong Kim Sang & Buchholz 2000):
// IOB1, IOB2 and IOE tags are read alike, and an I that continues nothing
// begins an entity.
func Chunks(tags []string) []Chunk {
	var all []Chunk
	open := -1
	prefix, label := byte('O'), ""
	for i := range len(tags) + 1 {
		p, l := byte('O'), ""
		if i < len(tags) {
			p, l = splitTag(tags[i])
		}
		other := l != label
		if open >= 0 && (p == 'O' || other || p == 'B' || prefix == 'E') {
			all = append(all, Chunk{label, open, i})
			open = -1
		}
		if p != 'O' && open < 0 {
			open = i
		}
		prefix, label = p, l
	}
	return all
}

// splitTag takes B-MAT apart. A tag without a hyphen is all prefix.
func splitTag(tag string) (prefix byte, label string) {
	if tag == "" {
		return 'O', ""
	}
	p, l, _ := strings.Cut(tag, "-")
	if p == "O" || p == "." || p == "" {
		return 'O', ""
	}
	return p[0], l
}

// Counts are the entities that should have been found, that were, and that were
// rightly.
type Counts struct {
	Gold    int `json:"gold"`
	Found   int `json:"found"`
	Correct int `json:"correct"`
}

// Precision is the share of what was found that is right, 0 of nothing.
func (c Counts) Precision() float64 { return share(c.Correct, c.Found) }

// Recall is the share of what is there that was found, 0 of nothing.
func (c Counts) Recall() float64 { return share(c.Correct, c.Gold) }

// F1 is the harmonic mean of both.
func (c Counts) F1() float64 { return share(2*c.Correct, c.Gold+c.Found) }

func share(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func (c *Counts) add(o Counts) {
	c.Gold, c.Found, c.Correct = c.Gold+o.Gold, c.Found+o.Found, c.Correct+o.Correct
}

// Entities scores entities: one is right if label and both ends are.
type Entities struct {
	Labels         map[string]Counts
	Words, Correct int // of all words, how many have the right tag
}

// Add counts a sentence's tags, as they should be and as they were found, of
// one length.
func (e *Entities) Add(gold, found []string) {
	if e.Labels == nil {
		e.Labels = map[string]Counts{}
	}
	for i, g := range gold {
		e.Words++
		if g == found[i] {
			e.Correct++
		}
	}
	right := map[Chunk]bool{}
	for _, c := range Chunks(gold) {
		right[c] = true
		n := e.Labels[c.Label]
		n.Gold++
		e.Labels[c.Label] = n
	}
	for _, c := range Chunks(found) {
		n := e.Labels[c.Label]
		n.Found++
		if right[c] {
			n.Correct++
		}
		e.Labels[c.Label] = n
	}
}

// Names returns the labels that occur, in order.
func (e *Entities) Names() []string {
	return slices.SortedFunc(maps.Keys(e.Labels), cmp.Compare[string])
}

// Micro counts the entities of all labels together.
func (e *Entities) Micro() Counts {
	var all Counts
	for _, c := range e.Labels {
		all.add(c)
	}
	return all
}

// MacroF1 is the mean of the F1 of the labels that the gold tags have, 0
// without any.
func (e *Entities) MacroF1() float64 {
	sum, n := 0.0, 0
	for _, name := range e.Names() {
		if c := e.Labels[name]; c.Gold > 0 {
			sum += c.F1()
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// Accuracy is the share of words with the right tag.
func (e *Entities) Accuracy() float64 { return share(e.Correct, e.Words) }
