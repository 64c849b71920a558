package normalize

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/token"
)

// Normalizer changes characters. It may be used by several goroutines at once.
type Normalizer struct {
	published *published // or
	rules     *rules
}

// Open returns the normalizer of a model directory: that of its
// vocab_mappings.txt if it has one, else this package's rules with the
// vocabulary of w.
func Open(dir string, w *token.WordPiece) (*Normalizer, error) {
	text, err := checkpoint.ReadFile(dir, MappingFile, maxMappingFile)
	if errors.Is(err, fs.ErrNotExist) {
		return New(w), nil
	}
	if err != nil {
		return nil, fmt.Errorf("normalize: %w", err)
	}
	n, err := ReadMapping(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Clean(dir), err)
	}
	return n, nil
}

// Published reports whether a mapping file is followed rather than the rules of
// this package.
func (n *Normalizer) Published() bool { return n.published != nil }

// Normalize returns the text with the characters that the vocabulary knows, and
// the way back. A byte that is not UTF-8 is U+FFFD, or nothing where a mapping
// file is followed.
func (n *Normalizer) Normalize(text string) (string, *Map) {
	var b builder
	if n.published != nil {
		n.published.normalize(&b, text)
	} else {
		n.rules.normalize(&b, text)
	}
	return b.finish(len(text))
}

// Encoder is a tokenizer of texts as they are: it normalises, cuts into pieces,
// and says where each piece is in the original.
type Encoder struct {
	*Normalizer
	*token.WordPiece
}

// OpenEncoder reads tokenizer and normalizer of a model directory.
func OpenEncoder(dir string) (*Encoder, error) {
	w, err := token.OpenWordPiece(dir)
	if err != nil {
		return nil, err
	}
	n, err := Open(dir, w)
	if err != nil {
		return nil, err
	}
	return &Encoder{n, w}, nil
}

// Encode returns the pieces of a text, special tokens in it not among them, with
// the bytes of the text that each stands for. The spans ascend, lie on the
// borders of characters, and overlap only where a character was taken apart:
// those of "##i" after "of" in "oﬁ".
func (e *Encoder) Encode(text string) []token.Piece {
	normal, places := e.Normalize(text)
	pieces := e.EncodeOrdinary(normal)
	for i, p := range pieces {
		pieces[i].Start, pieces[i].End = places.Span(p.Start, p.End)
	}
	return pieces
}

// EncodeWords encodes words one by one; of[i] is the word of pieces[i], whose
// bytes are those of the word alone. A word may have no piece.
func (e *Encoder) EncodeWords(words []string) (pieces []token.Piece, of []int) {
	for i, word := range words {
		pieces = append(pieces, e.Encode(word)...)
		for len(of) < len(pieces) {
			of = append(of, i)
		}
	}
	return pieces, of
}
