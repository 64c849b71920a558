package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/materials/example"
)

// The work of the rows of tokenizers: all texts to their ids, on all cores.
// WordPiece's also have offsets, those of BPE do not; of the peers the slower
// has offsets, too.
const (
	proteinRecords    = 25_000 // 8 MB of text
	proteinVocabulary = 8192
	abstractTexts     = 5000 // 5 MB
	pieceVocabulary   = 8192
)

func tokenRows() []row {
	peers := []peer{
		{"tokenizers encode_batch", "encode.py", []string{"offsets"}, []string{"offsets"}},
		{"tokenizers encode_batch_fast", "encode.py", []string{"fast"}, []string{"fast"}},
	}
	return []row{
		{name: "BPE of proteins", unit: "MB", prepare: proteinTexts, ours: encodeBPE, peers: peers},
		{name: "WordPiece of abstracts", unit: "MB", prepare: abstractsTexts, ours: encodeWordPiece, peers: peers},
	}
}

// Texts lie in one file, a NUL between two.
func textsFile(dir string) string { return filepath.Join(dir, "texts") }

func writeTexts(dir string, texts [][]byte) error {
	return checkpoint.WriteFile(textsFile(dir), func(w io.Writer) error {
		_, err := w.Write(bytes.Join(texts, []byte{0}))
		return err
	})
}

func readTexts(dir string) (texts []string, size float64, err error) {
	b, err := os.ReadFile(textsFile(dir))
	if err != nil {
		return nil, 0, err
	}
	texts = strings.Split(string(b), "\x00")
	for _, t := range texts {
		size += float64(len(t))
	}
	return texts, size, nil
}

// proteinTexts writes proteins as ProtGPT2 reads them, and a vocabulary trained
// on their lines.
func proteinTexts(dir string, s settings) error {
	n, vocabulary := proteinRecords, proteinVocabulary
	if s.tiny {
		n, vocabulary = 200, 400
	}
	if err := writeFASTA(dir, n, shareExact, shareNear); err != nil {
		return err
	}
	var texts [][]byte
	var words token.WordCounter
	err := eachRecord(fastaFile(dir), func(r sequence.Record) {
		t := protein.Text(r.Residues)
		texts = append(texts, t)
		words.Add(t)
	})
	if err != nil {
		return err
	}
	b, err := token.TrainBPE(&words, token.TrainOptions{VocabSize: vocabulary, Special: []string{token.EndOfText}})
	if err != nil {
		return err
	}
	if err := b.Save(dir); err != nil {
		return err
	}
	return writeTexts(dir, texts)
}

func encodeBPE(ctx context.Context, s settings) (m measured, err error) {
	texts, size, err := readTexts(s.data)
	if err != nil {
		return m, err
	}
	b, err := token.OpenBPE(s.data)
	if err != nil {
		return m, err
	}
	out := make([][]int32, len(texts))
	m, err = clock(ctx, s, size/1e6, func(int) error {
		var next atomic.Int64
		var wait sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			wait.Go(func() {
				for i := int(next.Add(1)) - 1; i < len(texts); i = int(next.Add(1)) - 1 {
					out[i] = b.Encode(texts[i])
				}
			})
		}
		wait.Wait()
		return nil
	})
	m.Check = count(out)
	return m, err
}

// abstractsTexts writes texts like the abstracts that Kiban carries, and a
// vocabulary trained on those.
func abstractsTexts(dir string, s settings) error {
	n := abstractTexts
	if s.tiny {
		n = 20
	}
	all, err := example.Abstracts()
	if err != nil {
		return err
	}
	t, err := token.NewWordPieceTrainer(token.WordPieceOptions{VocabSize: pieceVocabulary, Rules: token.Rules{Lowercase: true}})
	if err != nil {
		return err
	}
	var sentences, words []string
	for _, a := range all {
		t.Add(a.Text)
		words = append(words, strings.Fields(a.Text)...)
		for _, x := range a.Sentences {
			sentences = append(sentences, a.Text[x.Start:x.End])
		}
	}
	w, err := t.Train()
	if err != nil {
		return err
	}
	if err := w.Save(dir); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 1))
	texts := make([][]byte, n)
	for i := range texts {
		for range 8 {
			texts[i] = appendSentence(texts[i], sentences[r.IntN(len(sentences))], words, r)
		}
	}
	return writeTexts(dir, texts)
}

// appendSentence appends a sentence with other digits, in which one word of
// twenty is made of halves of two: in a real text, too, new words never end.
func appendSentence(dst []byte, sentence string, words []string, r *rand.Rand) []byte {
	half := func() []rune { return []rune(words[r.IntN(len(words))]) }
	for word := range strings.FieldsSeq(sentence) {
		if r.IntN(20) == 0 {
			a, b := half(), half()
			word = string(a[:(len(a)+1)/2]) + string(b[len(b)/2:])
		}
		for _, c := range word {
			if unicode.IsDigit(c) && c < 128 {
				c = rune('0' + r.IntN(10))
			}
			dst = append(dst, string(c)...)
		}
		dst = append(dst, ' ')
	}
	return dst
}

func encodeWordPiece(ctx context.Context, s settings) (m measured, err error) {
	texts, size, err := readTexts(s.data)
	if err != nil {
		return m, err
	}
	w, err := token.OpenWordPiece(s.data)
	if err != nil {
		return m, err
	}
	var out [][]token.Piece
	m, err = clock(ctx, s, size/1e6, func(int) error {
		out = w.EncodeAll(texts, runtime.GOMAXPROCS(0))
		return nil
	})
	m.Check = count(out)
	return m, err
}

// count is how many ids all texts have.
func count[T any](all [][]T) (n int64) {
	for _, x := range all {
		n += int64(len(x))
	}
	return n
}
