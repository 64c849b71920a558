package example

import (
	"bytes"
	"encoding/csv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/corpus/brat"
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
		folder := filepath.Join(dir, "brat")
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		for _, a := range all {
			d := a.Annotated
			d.Text += "\n"
			if err := brat.Save(filepath.Join(folder, d.ID), &d); err != nil {
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
	var sentences []corpus.Tagged
	for _, a := range all {
		if a.Split != split {
			continue
		}
		tagged, err := a.Tagged()
		if err != nil {
			return nil, err
		}
		sentences = append(sentences, tagged...)
	}
	var b bytes.Buffer
	err := corpus.WriteCoNLL(&b, sentences)
	return b.Bytes(), err
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
