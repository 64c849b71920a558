package extract

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/kiban-models/kiban/core/checkpoint"
)

// Brat writes a folder for the annotation tool brat: for each document a .txt,
// the text as it is, and an .ann beside it, with a line T for an entity, N for
// its normalised form and # for its score (https://brat.nlplab.org/standoff.html).
type Brat struct {
	dir  string
	used map[string]bool
}

// NewBrat returns a writer into a folder, which exists.
func NewBrat(dir string) *Brat { return &Brat{dir, map[string]bool{}} }

// Write writes the two files of a document, named after its ID.
func (b *Brat) Write(r *Result) error {
	all, err := r.Written(false)
	if err != nil {
		return err
	}
	name := b.name(r.ID)
	err = checkpoint.WriteFile(filepath.Join(b.dir, name+".txt"), func(w io.Writer) error {
		_, err := io.WriteString(w, r.Text)
		return err
	})
	if err != nil {
		return err
	}
	return checkpoint.WriteFile(filepath.Join(b.dir, name+".ann"), func(w io.Writer) error {
		out := bufio.NewWriter(w)
		for i, e := range all {
			places, text := fragments(e)
			fmt.Fprintf(out, "T%d\t%s %s\t%s\n", i+1, bratLabel(e.Label), places, text)
			if e.Normalized != "" {
				fmt.Fprintf(out, "N%d\tReference T%d Formula:%s\t%s\n", i+1, i+1, strings.Join(strings.Fields(e.Normalized), "_"), e.Normalized)
			}
			fmt.Fprintf(out, "#%d\tAnnotatorNotes T%d\tscore %.4f\n", i+1, i+1, e.Score)
		}
		for i, x := range r.Relations {
			fmt.Fprintf(out, "R%d\t%s Arg1:T%d Arg2:T%d\n", i+1, bratLabel(x.Label), x.Head+1, x.Tail+1)
		}
		return out.Flush()
	})
}

// Close does nothing: every document is whole.
func (b *Brat) Close() error { return nil }

// fragments cuts an entity at tabs and the ends of lines, which brat's lines
// cannot hold.
func fragments(e Entity) (places, text string) {
	var where, what []string
	at, start := e.Start, e.Start
	var part []rune
	flush := func() {
		if len(part) > 0 {
			where, what = append(where, fmt.Sprintf("%d %d", start, at)), append(what, string(part))
		}
		part = part[:0]
	}
	for _, c := range e.Text {
		if c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f' || c == '\u0085' || c == '\u2028' || c == '\u2029' {
			flush()
			start = at + 1
		} else {
			part = append(part, c)
		}
		at++
	}
	flush()
	return strings.Join(where, ";"), strings.Join(what, " ")
}

// bratLabel makes a label one word.
func bratLabel(label string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || c == ':' || c == ';' {
			return '_'
		}
		return c
	}, label)
}

// maxName bounds a file's name, with room for a number and a suffix.
const maxName = 120

// name makes a file's name of an ID, one that no other document has.
func (b *Brat) name(id string) string {
	base := strings.Map(func(c rune) rune {
		if c < ' ' || c == unicode.ReplacementChar || strings.ContainsRune(`/\:*?"<>|`, c) {
			return '_'
		}
		return c
	}, id)
	for len(base) > maxName {
		r := []rune(base)
		base = string(r[:len(r)-1])
	}
	if base = strings.TrimLeft(base, "."); base == "" {
		base = "document"
	}
	name := base
	// File systems may take capital and small letters for the same.
	for n := 2; b.used[strings.ToLower(name)]; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	b.used[strings.ToLower(name)] = true
	return name
}

// MakeBrat makes the folder with an annotation.conf that names the labels, so
// that brat shows it.
func MakeBrat(dir string, labels []string) (*Brat, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	names := make([]string, len(labels))
	for i, l := range labels {
		names[i] = bratLabel(l)
	}
	return NewBrat(dir), checkpoint.WriteFile(filepath.Join(dir, "annotation.conf"), func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "[entities]\n%s\n\n[relations]\n\n[events]\n\n[attributes]\n", strings.Join(names, "\n"))
		return err
	})
}
