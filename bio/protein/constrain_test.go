package protein

import (
	"slices"
	"strings"
	"testing"
)

// spelled is a vocabulary of strings; id 0 ends a sequence.
type spelled []string

func (s spelled) TokenBytes(id int32) []byte { return []byte(s[id]) }

func TestLayout(t *testing.T) {
	vocab := spelled{"", "\n", "A", "C", "AC", "CAC", "b", "A\n"}
	for _, c := range []struct {
		name string
		o    GenerateOptions
		c    Constraints
		text string // so far, in tokens of one letter
		want []string
	}{
		{"start", GenerateOptions{}, Constraints{}, "", []string{"\n"}},
		{"first residue", GenerateOptions{}, Constraints{}, "\n", []string{"A", "C", "AC", "CAC", "A\n"}},
		{"line", GenerateOptions{}, Constraints{}, "\nAC", []string{"\n", "A", "C", "AC", "CAC", "A\n"}},
		{"one place left", GenerateOptions{}, Constraints{}, "\n" + strings.Repeat("A", 59), []string{"\n", "A", "C", "A\n"}},
		{"full line", GenerateOptions{}, Constraints{}, "\n" + strings.Repeat("A", 60), []string{"\n"}},
		{"new line", GenerateOptions{}, Constraints{}, "\n" + strings.Repeat("A", 60) + "\n", []string{"", "A", "C", "AC", "CAC", "A\n"}},
		{"after a short line", GenerateOptions{}, Constraints{}, "\nAC\n", []string{"", "A", "C", "AC", "CAC", "A\n"}},
		{"after the longest", GenerateOptions{}, Constraints{MaxLength: 2}, "\nAC\n", []string{""}},
		{"not the end", GenerateOptions{}, Constraints{}, "\nAC\nA", []string{"A", "C", "AC", "CAC"}},
		{"too short to end", GenerateOptions{}, Constraints{MinLength: 4}, "\nAC", []string{"A", "C", "AC", "CAC"}},
		{"longest", GenerateOptions{}, Constraints{MaxLength: 4}, "\nACA", []string{"\n", "A", "C", "A\n"}},
		{"at the longest", GenerateOptions{}, Constraints{MaxLength: 3}, "\nACA", []string{"\n"}},
		{"fixed next", GenerateOptions{}, Constraints{Fixed: map[int]byte{2: 'C'}}, "\nAC", []string{"C", "CAC"}},
		{"fixed after next", GenerateOptions{}, Constraints{Fixed: map[int]byte{3: 'C'}}, "\nAC", []string{"A", "C", "AC"}},
		{"forbidden next", GenerateOptions{}, Constraints{Forbidden: []Motif{motif(t, "ACC")}}, "\nAC", []string{"\n", "A", "AC", "A\n"}},
		{"without", GenerateOptions{}, Constraints{Without: []byte("C")}, "\nA", []string{"\n", "A", "A\n"}},
		{"ending lacks", GenerateOptions{}, Constraints{Ending: []byte("CC"), MaxLength: 4}, "\nAA", []string{"\n", "C"}},
		{"ending there", GenerateOptions{}, Constraints{Ending: []byte("CC"), MaxLength: 4}, "\nACC", []string{"\n", "C"}},
		{"ending by tokens", GenerateOptions{MaxTokens: 6}, Constraints{Ending: []byte("AC")}, "\nAA", []string{"A", "C", "AC", "CAC"}},
		{"ending at last", GenerateOptions{MaxTokens: 5}, Constraints{Ending: []byte("AC")}, "\nAA", []string{"C", "AC", "CAC"}},
		{"only the end", GenerateOptions{Beams: 2}, Constraints{}, "\nAC\n", []string{""}},
		{"no end without the ending", GenerateOptions{Beams: 2}, Constraints{Ending: []byte("CC")}, "\nAC", []string{"A", "C", "AC", "CAC"}},
	} {
		if c.o.MaxTokens == 0 {
			c.o.MaxTokens = 1000
		}
		l, err := newLayout(newTrie(vocab, len(vocab)), &c.c, 0, c.o.MaxTokens, c.o.Beams > 1)
		if err != nil {
			t.Fatal(err)
		}
		tokens := []int32{0}
		for _, r := range c.text {
			tokens = append(tokens, int32(slices.Index(vocab, string(r))))
		}
		for range 2 { // the second time from memory
			allowed := make([]bool, len(vocab))
			keep := l.constrain()(tokens, allowed)
			if want := len(l.trim(tokens)); c.name == "not the end" && keep != want || c.name != "not the end" && keep != len(tokens) {
				t.Errorf("%s: %d tokens stay of %d", c.name, keep, len(tokens))
			}
			var got []string
			for id, ok := range allowed {
				if ok {
					got = append(got, vocab[id])
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: after %q may come %q, wanted %q", c.name, c.text, got, c.want)
			}
		}
	}
}

// TestEndingFollowsTheEnd lets the model want to end before the ending is there.
func TestEndingFollowsTheEnd(t *testing.T) {
	vocab := spelled{"", "\n", "A", "C", "AC", "CAC", "b", "A\n"}
	c := Constraints{Ending: []byte("CA")}
	l, err := newLayout(newTrie(vocab, len(vocab)), &c, 0, 20, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ wants, writes []int32 }{
		{[]int32{1, 2, 4, 1, 0}, []int32{3, 2, 1}}, // AAC, a break
		{[]int32{1, 2, 7, 0}, []int32{3, 2, 1}},    // A, A with a break: the latter goes
	} {
		f := l.constrain()
		tokens := []int32{0}
		take := func(id int32) (kept int) {
			allowed := make([]bool, len(vocab))
			for i := range allowed {
				allowed[i] = true
			}
			kept = f(tokens, allowed)
			tokens = append(tokens[:kept], id)
			if !allowed[id] {
				t.Errorf("%v: %q is not allowed", tokens, vocab[id])
			}
			return kept
		}
		for _, id := range x.wants {
			take(id)
		}
		n := len(tokens)
		for i, id := range x.writes {
			if kept := take(id); i == 0 && kept != n-2 {
				t.Errorf("of %v stay %d", x.wants, kept)
			}
		}
		take(0)
		if kept := f(tokens, make([]bool, len(vocab))); kept != len(tokens) {
			t.Errorf("the end of %v is taken back", tokens)
		}
	}
}

func motif(t *testing.T, text string) Motif {
	t.Helper()
	m, err := ParseMotif(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
