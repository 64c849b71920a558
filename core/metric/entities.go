package metric

import (
	"cmp"
	"fmt"
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
	before := mark{tag: "O"}
	for i := range len(tags) + 1 {
		now := mark{tag: "O"}
		if i < len(tags) {
			now = markOf(tags[i])
		}
		begins := begin(before, now)
		if open >= 0 && (begins || end(before, now)) {
			all = append(all, Chunk{before.label, open, i})
			open = -1
		}
		if begins {
			open = i
		}
		before = now
	}
	return all
}

// mark is a tag taken apart: B and MAT of B-MAT.
type mark struct{ tag, label string }

// markOf takes a tag apart. A tag without a hyphen has no label; the label 0 is
// none either, for Perl holds it to be false.
func markOf(s string) mark {
	tag, label, _ := strings.Cut(s, "-")
	if label == "0" {
		label = ""
	}
	return mark{tag, label}
}

func (m mark) outside() bool { return m.tag == "O" || m.tag == "." }

// end and begin are conlleval's rules of what happens between two tags. They
// leave out that B begins after E, as it does.
func end(before, now mark) bool {
	switch before.tag + " " + now.tag {
	case "B B", "B O", "I B", "I O", "E E", "E I", "E O":
		return true
	}
	return !before.outside() && before.label != now.label || before.tag == "]" || before.tag == "["
}

func begin(before, now mark) bool {
	switch before.tag + " " + now.tag {
	case "B B", "I B", "O B", "O I", "E E", "E I", "O E":
		return true
	}
	return !now.outside() && before.label != now.label || now.tag == "]" || now.tag == "["
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

// Entities scores entities: one is right if label and both ends are. Its
// numbers are conlleval's, for tags of any kind.
type Entities struct {
	Labels         map[string]Counts
	Words, Correct int // of all words, how many have the right tag
}

// Add counts a sentence's tags, as they should be and as they were found, of
// one length.
func (e *Entities) Add(gold, found []string) {
	if len(gold) != len(found) {
		panic(fmt.Sprintf("metric: %d tags and %d found", len(gold), len(found)))
	}
	outside := mark{tag: "O"}
	g, f := outside, outside // the tags before
	same := false            // what is open in both began together
	for i := range len(gold) + 1 {
		now, guess := outside, outside
		if i < len(gold) {
			now, guess = markOf(gold[i]), markOf(found[i])
			e.Words++
			if now == guess {
				e.Correct++
			}
		}
		if same {
			goldEnds, foundEnds := end(g, now), end(f, guess)
			switch {
			case goldEnds && foundEnds && g.label == f.label:
				same = false
				e.count(g.label, Counts{Correct: 1})
			case goldEnds != foundEnds || now.label != guess.label:
				same = false
			}
		}
		goldBegins, foundBegins := begin(g, now), begin(f, guess)
		if goldBegins {
			e.count(now.label, Counts{Gold: 1})
		}
		if foundBegins {
			e.count(guess.label, Counts{Found: 1})
		}
		if goldBegins && foundBegins && now.label == guess.label {
			same = true
		}
		g, f = now, guess
	}
}

// Join adds what another has counted, such as a document of a set, so many
// times.
func (e *Entities) Join(o *Entities, times int) {
	e.Words, e.Correct = e.Words+times*o.Words, e.Correct+times*o.Correct
	for label, c := range o.Labels {
		e.count(label, Counts{times * c.Gold, times * c.Found, times * c.Correct})
	}
}

func (e *Entities) count(label string, c Counts) {
	if e.Labels == nil {
		e.Labels = map[string]Counts{}
	}
	n := e.Labels[label]
	n.add(c)
	e.Labels[label] = n
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

// Macro returns the means of precision, recall and F1 of the labels that occur,
// as gold or as found, 0 without any.
func (e *Entities) Macro() (precision, recall, f1 float64) {
	names := e.Names()
	if len(names) == 0 {
		return 0, 0, 0
	}
	for _, name := range names {
		c := e.Labels[name]
		precision, recall, f1 = precision+c.Precision(), recall+c.Recall(), f1+c.F1()
	}
	n := float64(len(names))
	return precision / n, recall / n, f1 / n
}

// MacroF1 is the mean of the F1 of the labels that occur.
func (e *Entities) MacroF1() float64 {
	_, _, f1 := e.Macro()
	return f1
}

// Accuracy is the share of words with the right tag.
func (e *Entities) Accuracy() float64 { return share(e.Correct, e.Words) }
