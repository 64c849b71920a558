package extract

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/materials/corpus/brat"
)

// Brat writes a folder for the annotation tool brat: for each document a .txt,
// the text as it is, and an .ann beside it.
type Brat struct {
	dir  string
	used map[string]bool
}

// NewBrat returns a writer into a folder, which exists.
func NewBrat(dir string) *Brat { return &Brat{dir, map[string]bool{}} }

// Write writes the two files of a document, named after its ID.
func (b *Brat) Write(r *Result) error {
	if _, err := r.Written(false); err != nil {
		return err
	}
	return brat.Save(filepath.Join(b.dir, b.name(r.ID)), &r.Annotated)
}

// Close does nothing: every document is whole.
func (b *Brat) Close() error { return nil }

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

// MakeBrat makes the folder with an annotation.conf that names the labels of
// entities and of relations between any two, so that brat shows it.
func MakeBrat(dir string, labels, relations []string) (*Brat, error) {
	related := ""
	for _, l := range relations {
		related += l + " Arg1:<ENTITY>, Arg2:<ENTITY>\n"
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	return NewBrat(dir), checkpoint.WriteFile(filepath.Join(dir, "annotation.conf"), func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "[entities]\n%s\n\n[relations]\n%s\n[events]\n\n[attributes]\n", strings.Join(labels, "\n"), related)
		return err
	})
}
