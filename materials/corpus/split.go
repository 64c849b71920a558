package corpus

import (
	"fmt"
	"strings"

	"github.com/kiban-models/kiban/core/dataset"
)

// Part is what documents serve for.
type Part uint8

// The parts of a corpus.
const (
	Train Part = iota
	Dev
	Test
)

// String returns "train", "dev" or "test".
func (p Part) String() string { return [...]string{"train", "dev", "test"}[p] }

// Split divides a corpus by its documents: where one goes depends on its name
// and the seed alone, not on the others or on their order, so more documents
// can be added later and none changes sides.
type Split struct {
	Dev, Test float64 // fractions of the documents; the rest is for training
	Seed      uint64
}

// Check refuses fractions that leave nothing to train on.
func (s Split) Check() error {
	if !(s.Dev >= 0 && s.Test >= 0 && s.Dev+s.Test < 1) {
		return fmt.Errorf("fractions of %v for dev and %v for test; both must be 0 or more, and less than 1 together", s.Dev, s.Test)
	}
	return nil
}

// Of returns the part of a document by its name, or by whatever must stay
// together: documents of one name are in one part.
func (s Split) Of(name string) Part {
	d := dataset.DigestOf([]byte(name))
	if (dataset.SplitRule{Validation: s.Test, Seed: s.Seed}).IsValidation(d) {
		return Test
	}
	// of what is not for tests, by an order of its own
	if (dataset.SplitRule{Validation: s.Dev / (1 - s.Test), Seed: ^s.Seed}).IsValidation(d) {
		return Dev
	}
	return Train
}

// Divided are the parts of a corpus.
type Divided[T any] struct {
	Parts     [3][]T // by Part, each in the order given
	Documents [3]int
}

// Divide divides a corpus; name tells the document of an item. That no document
// came to a part that was asked for is an error.
func Divide[T any](s Split, all []T, name func(T) string) (*Divided[T], error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	d := &Divided[T]{}
	seen := map[string]bool{}
	for _, x := range all {
		n := name(x)
		p := s.Of(n)
		d.Parts[p] = append(d.Parts[p], x)
		if !seen[n] {
			seen[n] = true
			d.Documents[p]++
		}
	}
	for p, want := range [3]float64{1 - s.Dev - s.Test, s.Dev, s.Test} {
		if want > 0 && d.Documents[p] == 0 {
			return nil, fmt.Errorf("none of %d documents came to the part %s; choose another seed, or a larger fraction than %.3g", len(seen), Part(p), want)
		}
	}
	return d, nil
}

// blockOf is how many sentences in a row are taken for a document where files
// do not tell: about an abstract or two.
const blockOf = 20

// DividedSentences are parts of tagged sentences.
type DividedSentences struct {
	Divided[Tagged]
	// Blocks says that the file names no documents, so that 20 sentences in a row
	// were taken for one: the first and last sentences of a part may have
	// neighbours, from the same text, in another.
	Blocks bool
	// Repeated counts sentences of dev and test whose very words stand in train.
	Repeated int
}

// DivideSentences divides sentences by the documents that they name. If some
// name none, all are divided by blocks.
func DivideSentences(s Split, all []Tagged) (*DividedSentences, error) {
	out := &DividedSentences{}
	for _, t := range all {
		out.Blocks = out.Blocks || t.Doc == ""
	}
	at := -1
	d, err := Divide(s, all, func(t Tagged) string {
		at++
		if out.Blocks {
			return fmt.Sprintf("block %d", at/blockOf)
		}
		return t.Doc
	})
	if err != nil {
		return nil, err
	}
	out.Divided = *d
	train := map[dataset.Digest]bool{}
	for _, t := range d.Parts[Train] {
		train[digestOf(t)] = true
	}
	for _, p := range [...]Part{Dev, Test} {
		for _, t := range d.Parts[p] {
			if train[digestOf(t)] {
				out.Repeated++
			}
		}
	}
	return out, nil
}

func digestOf(t Tagged) dataset.Digest {
	return dataset.DigestOf([]byte(strings.Join(t.Words, "\x00")))
}
