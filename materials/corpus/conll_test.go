package corpus_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/materials/corpus"
)

func conll(text string, o corpus.CoNLLOptions) (string, error) {
	var out []string
	for s, err := range corpus.ReadCoNLL(strings.NewReader(text), "f.conll", o) {
		if err != nil {
			return strings.Join(out, " | "), err
		}
		var words []string
		for i, w := range s.Words {
			words = append(words, w+"/"+s.Tags[i])
		}
		out = append(out, fmt.Sprintf("%s:%d %s", s.Doc, s.Line, strings.Join(words, " ")))
	}
	return strings.Join(out, " | "), nil
}

func TestReadCoNLL(t *testing.T) {
	for _, c := range []struct {
		text string
		opt  corpus.CoNLLOptions
		want string
	}{
		{"Zr B-MAT\nis O\n\nO2 B-MAT\ngas I-MAT\n", corpus.CoNLLOptions{}, ":1 Zr/B-MAT is/O | :4 O2/B-MAT gas/I-MAT"},
		{"\ufeffZr\tO\tB-X\r\n\r\n\r\nat\tO\tO", corpus.CoNLLOptions{}, ":1 Zr/B-X | :4 at/O"},
		{"Zr\tB-Y\tB-X\n", corpus.CoNLLOptions{Column: 2}, ":1 Zr/B-Y"},
		{"-DOCSTART- (one)\n\na O\n-DOCSTART- -X- O O\nb O\n", corpus.CoNLLOptions{}, "one:3 a/O | 2:5 b/O"},
		{"a S-X\nb B-X\nc E-X\nd I-X\n", corpus.CoNLLOptions{Repair: true}, ":1 a/B-X b/B-X c/I-X d/B-X"},
		{"a I-X\nb I-Y\nc B-Y\n", corpus.CoNLLOptions{Repair: true}, ":1 a/B-X b/B-Y c/B-Y"},
		{"a O\n5 % O\nx  O\n", corpus.CoNLLOptions{Repair: true}, ":1 a/O 5 %/O x/O"},
		{"a O\nb \n", corpus.CoNLLOptions{EmptyTag: "O"}, ":1 a/O b/O"},
		{"# text\na O\n", corpus.CoNLLOptions{Comments: true}, ":2 a/O"},
		{"", corpus.CoNLLOptions{}, ""},
	} {
		if got, err := conll(c.text, c.opt); got != c.want || err != nil {
			t.Errorf("%q: got %q, %v, wanted %q", c.text, got, err, c.want)
		}
	}
}

func TestReadCoNLLErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a O\nb \n", `f.conll:2: "b" has an empty tag`},
		{"a O\nb c O\n", "f.conll:2: 3 columns"},
		{"a\n", "f.conll:1: a word without a tag"},
		{"a O\nb\x00 O\n", `f.conll:2: a NUL byte`},
		{"a B-X\x1bY\n", `f.conll:1: the tag "B-X\x1bY" of "a"`},
		{"a B-" + strings.Repeat("X", 1000) + "\n", `f.conll:1: the tag "B-` + strings.Repeat("X", 58) + `" of "a"; tags`},
		{strings.Repeat("a", 1000) + " I-X\n", `f.conll:1: "` + strings.Repeat("a", 60) + `" has the tag`},
		{"a O\n\nb I-X\n", `f.conll:3: "b" has the tag "I-X", which goes on nothing`},
		{"a B-X\nb I-Y\n", `f.conll:2: "b" has the tag "I-Y"`},
		{"a Q-X\n", `f.conll:1: the tag "Q-X"`},
		{"a MAT\n", `f.conll:1: the tag "MAT"`},
		{"a O\n\xff O\n", "f.conll:2: not valid UTF-8"},
		{"a O\n" + strings.Repeat("x", 1<<21) + " O\n", "f.conll:2: a line of more than"},
	} {
		if _, err := conll(c.text, corpus.CoNLLOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20q: got %v, wanted %q", c.text, err, c.want)
		}
	}
	if _, err := conll("a O\n", corpus.CoNLLOptions{Column: 3}); err == nil || !strings.Contains(err.Error(), "column 3") {
		t.Errorf("got %v", err)
	}
}
