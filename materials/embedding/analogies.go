package embedding

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// AnalogyOptions are how analogies are asked. Zero values are useful.
type AnalogyOptions struct {
	Restrict      int  // only the first words of the vocabulary; 0 is 300000
	CaseSensitive bool // else words are compared in upper case, the first spelling of the vocabulary standing for all
	CountUnknown  bool // questions with a word that has no vector count as wrong; else they are left out
}

// Section is what became of the questions of one section of a file.
type Section struct {
	Name    string
	Correct int
	Asked   int // that count
	Unknown int // with a word outside the vocabulary
	Invalid int // lines that are not four words
}

// Accuracy is Correct / Asked, 0 if none was asked.
func (s Section) Accuracy() float64 {
	if s.Asked == 0 {
		return 0
	}
	return float64(s.Correct) / float64(s.Asked)
}

// analogyBatch is the number of questions that one pass over the vectors answers.
const analogyBatch = 16

// Analogies answers a file of questions a is to b as c is to d, four words a
// line in sections that start with ": name", by the cosine to b - a + c (3CosAdd,
// Mikolov et al. 2013), with the rules of gensim's evaluate_word_analogies: the
// five best words but a, b and c are looked through for the first that is none
// of these in upper case. The last section returned is the total.
func (v *Vectors) Analogies(ctx context.Context, file string, r io.Reader, opt AnalogyOptions) ([]Section, error) {
	if opt.Restrict <= 0 {
		opt.Restrict = 300000
	}
	fold := upper
	if opt.CaseSensitive {
		fold = func(s string) string { return s }
	}
	n := v.bound(opt.Restrict)
	known := make(map[string]int, n)
	for i := n - 1; i >= 0; i-- {
		known[fold(v.Words[i])] = i
	}
	var sections []Section
	a := asker{v: v, n: n, known: known, fold: fold}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, ": "); ok {
			sections = append(sections, Section{Name: strings.TrimSpace(strings.TrimLeft(name, ": "))})
			continue
		}
		if len(sections) == 0 {
			return nil, fmt.Errorf("%s:%d: a question stands before the first section; put a line \": name\" before it", file, number)
		}
		s := &sections[len(sections)-1]
		w := strings.Fields(line)
		if len(w) != 4 {
			s.Invalid++
			continue
		}
		var at [4]int
		missing := false
		for k := range w {
			w[k] = fold(w[k])
			i, ok := known[w[k]]
			at[k], missing = i, missing || !ok
		}
		if missing {
			s.Unknown++
			if opt.CountUnknown {
				s.Asked++
			}
			continue
		}
		s.Asked++
		a.ask(analogy{len(sections) - 1, at, [4]string(w)}, sections)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = errors.New("a line of more than 1 MiB; give lines of four words")
		}
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	a.answer(sections)
	total := Section{Name: "total"}
	for _, s := range sections {
		total.Correct += s.Correct
		total.Asked += s.Asked
		total.Unknown += s.Unknown
		total.Invalid += s.Invalid
	}
	return append(sections, total), nil
}

type analogy struct {
	section int
	at      [4]int
	words   [4]string
}

// asker gathers questions and answers several in one pass over the vectors.
type asker struct {
	v       *Vectors
	n       int
	known   map[string]int
	fold    func(string) string
	waiting []analogy
	q, out  []float32
}

func (a *asker) ask(q analogy, sections []Section) {
	if a.waiting = append(a.waiting, q); len(a.waiting) == analogyBatch {
		a.answer(sections)
	}
}

func (a *asker) answer(sections []Section) {
	k := len(a.waiting)
	if k == 0 {
		return
	}
	a.q = a.q[:0]
	for _, q := range a.waiting {
		a.q = append(a.q, a.v.question([]int{q.at[1], q.at[2], q.at[0]}, 2)...)
	}
	if a.out == nil {
		a.out = make([]float32, analogyBatch*a.n)
	}
	a.v.scores(a.n, a.q, k, a.out)
	for i, q := range a.waiting {
		predicted := ""
		for _, b := range a.v.top(a.out[i*a.n:(i+1)*a.n], q.at[:3], 5) {
			predicted = a.fold(b.Word)
			if _, ok := a.known[predicted]; ok && predicted != q.words[0] && predicted != q.words[1] && predicted != q.words[2] {
				break
			}
		}
		if predicted == q.words[3] {
			sections[q.section].Correct++
		}
	}
	a.waiting = a.waiting[:0]
}

// wide are letters whose upper case is several letters.
var wide = strings.NewReplacer("ß", "SS", "ﬀ", "FF", "ﬁ", "FI", "ﬂ", "FL", "ﬃ", "FFI", "ﬄ", "FFL", "ﬅ", "ST", "ﬆ", "ST")

func upper(s string) string { return wide.Replace(strings.ToUpper(s)) }
