package example

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/kiban-models/kiban/core/checkpoint"
)

// Write fills the directory dir, which appears as a whole and replaces one of
// that name: ner/ with the CoNLL files, brat/, topics/, documents/ and the
// README.md that explains them.
func Write(dir string) error {
	all, err := Abstracts()
	if err != nil {
		return err
	}
	return checkpoint.WriteDir(dir, func(dir string) error {
		put := func(name string, data []byte) error {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				return err
			}
			return os.WriteFile(path, data, 0o666)
		}
		for _, split := range Splits {
			b, err := CoNLL(all, split)
			if err != nil {
				return err
			}
			if err := put("ner/"+split+".conll", b); err != nil {
				return err
			}
			if b, err = Topics(all, split); err != nil {
				return err
			}
			if err := put("topics/"+split+".csv", b); err != nil {
				return err
			}
		}
		for _, a := range all {
			if err := put("brat/"+a.ID+".txt", []byte(a.Text+"\n")); err != nil {
				return err
			}
			if err := put("brat/"+a.ID+".ann", a.Brat()); err != nil {
				return err
			}
		}
		return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || name == "annotated.txt" {
				return err
			}
			b, err := files.ReadFile(name)
			if err != nil {
				return err
			}
			return put(name, b)
		})
	})
}

// CoNLL returns the sentences of a split: a word and its tag a line.
func CoNLL(all []Abstract, split string) ([]byte, error) {
	var b bytes.Buffer
	for _, a := range all {
		if a.Split != split {
			continue
		}
		fmt.Fprintf(&b, "-DOCSTART- (%s)\n\n", a.ID)
		sentences, err := a.Tagged()
		if err != nil {
			return nil, err
		}
		for _, s := range sentences {
			for i, w := range s.Words {
				fmt.Fprintf(&b, "%s\t%s\n", w, s.Tags[i])
			}
			b.WriteByte('\n')
		}
	}
	return b.Bytes(), nil
}

// Topics returns the abstracts of a split with their topics, as CSV.
func Topics(all []Abstract, split string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{{"id", "text", "label"}}
	for _, a := range all {
		if a.Split == split {
			rows = append(rows, []string{a.ID, strings.ReplaceAll(a.Text, "\n\n", ". "), a.Topic})
		}
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

// Brat returns the entities in brat's standoff form, whose offsets count code
// points.
func (a Abstract) Brat() []byte {
	var b bytes.Buffer
	at, points := 0, 0
	count := func(to int) int {
		points += utf8.RuneCountInString(a.Text[at:to])
		at = to
		return points
	}
	for _, e := range a.Entities {
		s := e.Spans[0]
		fmt.Fprintf(&b, "%s\t%s %d %d\t%s\n", e.ID, e.Label, count(s.Start), count(s.End), a.Text[s.Start:s.End])
	}
	return b.Bytes()
}
