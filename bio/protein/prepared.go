package protein

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"strconv"

	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/token"
)

// Prepared reads the sequences back from the tokens of one part that Prepare
// wrote.
type Prepared struct {
	set  *dataset.Dataset
	part string
	text [][]byte // of each token, without line breaks
}

// OpenPrepared opens TrainDir or ValidationDir of a directory that Prepare
// wrote, with the tokenizer that lies beside it.
func OpenPrepared(dir, part string) (*Prepared, error) {
	set, err := dataset.Open(filepath.Join(dir, part), dataset.OpenOptions{})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no prepared data in it (%w); name a directory that prepare has written", dir, err)
	}
	if err != nil {
		return nil, err
	}
	v, err := token.OpenBPE(filepath.Join(dir, TokenizerDir))
	if err != nil {
		set.Close()
		return nil, err
	}
	if n := set.Manifest().VocabSize; n != v.VocabSize() {
		set.Close()
		return nil, fmt.Errorf("%s: tokenizer of %d tokens, the data have %d; prepare the data again", filepath.Join(dir, TokenizerDir), v.VocabSize(), n)
	}
	p := &Prepared{set: set, part: part, text: make([][]byte, v.VocabSize())}
	for id := range p.text {
		if !v.IsSpecial(int32(id)) {
			p.text[id] = bytes.ReplaceAll(v.TokenBytes(int32(id)), []byte("\n"), nil)
		}
	}
	return p, nil
}

// Len is the number of sequences.
func (p *Prepared) Len() int64 { return p.set.Len() }

// All yields the sequences in order. Tokens keep no headers: the IDs are the
// part and a number from 1, as in train:17.
func (p *Prepared) All() iter.Seq2[sequence.Record, error] {
	return func(yield func(sequence.Record, error) bool) {
		i := 0
		for doc, err := range p.set.Documents() {
			rec := sequence.Record{ID: p.part + ":" + strconv.Itoa(i+1), Index: i}
			if err == nil {
				rec.Residues, err = p.residues(doc)
			}
			if err != nil {
				yield(sequence.Record{}, fmt.Errorf("%s: sequence %d: %w", p.part, i+1, err))
				return
			}
			if !yield(rec, nil) {
				return
			}
			i++
		}
	}
}

func (p *Prepared) residues(doc []int32) ([]byte, error) {
	var out []byte
	for _, id := range doc {
		if id < 0 || int(id) >= len(p.text) {
			return nil, fmt.Errorf("token %d of a vocabulary of %d; the data are damaged: prepare them again", id, len(p.text))
		}
		out = append(out, p.text[id]...)
	}
	return out, nil
}

// Close closes the data set.
func (p *Prepared) Close() error { return p.set.Close() }
