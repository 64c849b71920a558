package protein

import (
	"context"
	"fmt"
	"iter"

	"github.com/kiban-models/kiban/core/token"
)

// VocabularyOf makes a byte-pair tokenizer, such as ProtGPT2's from
// token.OpenBPE, ready for Prepare. It must know <|endoftext|>.
func VocabularyOf(b *token.BPE) (Vocabulary, error) {
	eot, ok := b.ID(token.EndOfText)
	if !ok {
		return Vocabulary{}, fmt.Errorf("protein: the tokenizer has no token %s", token.EndOfText)
	}
	return Vocabulary{Tokenizer: b, EndOfText: eot, HashFile: "tokenizer.json", Save: b.Save}, nil
}

// LoadBPE reads what VocabularyOf saves.
func LoadBPE(dir string) (Vocabulary, error) {
	b, err := token.OpenBPE(dir)
	if err != nil {
		return Vocabulary{}, err
	}
	return VocabularyOf(b)
}

// TrainBPE learns a byte-pair vocabulary in which <|endoftext|> is 0, as in
// ProtGPT2's. Pairs seen once are not merged, so little data gives fewer
// tokens than asked for.
func TrainBPE(ctx context.Context, words iter.Seq2[[]byte, int64], vocabSize int) (Vocabulary, error) {
	var counter token.WordCounter
	for w, n := range words {
		counter.AddWord(w, n)
	}
	if err := ctx.Err(); err != nil {
		return Vocabulary{}, err
	}
	b, err := token.TrainBPE(&counter, token.TrainOptions{VocabSize: vocabSize, Special: []string{token.EndOfText}, MinFrequency: 2})
	if err != nil {
		return Vocabulary{}, err
	}
	return VocabularyOf(b)
}
