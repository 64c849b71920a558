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
		text string // so far, in tokens of one letter
		want []string
	}{
		{"start", GenerateOptions{}, "", []string{"\n"}},
		{"first residue", GenerateOptions{}, "\n", []string{"A", "C", "AC", "CAC", "A\n"}},
		{"line", GenerateOptions{}, "\nAC", []string{"\n", "A", "C", "AC", "CAC", "A\n"}},
		{"one place left", GenerateOptions{}, "\n" + strings.Repeat("A", 59), []string{"\n", "A", "C", "A\n"}},
		{"full line", GenerateOptions{}, "\n" + strings.Repeat("A", 60), []string{"\n"}},
		{"new line", GenerateOptions{}, "\n" + strings.Repeat("A", 60) + "\n", []string{"", "A", "C", "AC", "CAC", "A\n"}},
		{"after a short line", GenerateOptions{}, "\nAC\n", []string{"", "A", "C", "AC", "CAC", "A\n"}},
		{"after the longest", GenerateOptions{MaxLength: 2}, "\nAC\n", []string{""}},
		{"not the end", GenerateOptions{}, "\nAC\nA", []string{"A", "C", "AC", "CAC"}},
		{"too short to end", GenerateOptions{MinLength: 4}, "\nAC", []string{"A", "C", "AC", "CAC"}},
		{"longest", GenerateOptions{MaxLength: 4}, "\nACA", []string{"\n", "A", "C", "A\n"}},
		{"at the longest", GenerateOptions{MaxLength: 3}, "\nACA", []string{"\n"}},
		{"fixed next", GenerateOptions{Fixed: map[int]byte{2: 'C'}}, "\nAC", []string{"C", "CAC"}},
		{"fixed after next", GenerateOptions{Fixed: map[int]byte{3: 'C'}}, "\nAC", []string{"A", "C", "AC"}},
	} {
		g := Generator{Scoring: Scoring{Spelling: vocab, Config: NewConfig(len(vocab), 64, 1, 8, 1, 0)}}
		l := g.layout(&c.o)
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
	if g := (Generator{}); g.layout(&GenerateOptions{AsPublished: true}) != nil {
		t.Error("as published, the model is not free")
	}
}
