package pretrain

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/kiban-models/kiban/core/mask"
	"github.com/kiban-models/kiban/core/token"
)

// words is what masking and packing know of a vocabulary.
type words struct {
	cls, sep, pad, mask, unk int32
	continues                []bool // goes on a word ("##ing")
	special                  []bool
}

func wordsOf(w *token.WordPiece) (words, error) {
	n := w.VocabSize()
	v := words{w.CLS(), w.SEP(), w.PAD(), w.MASK(), w.UNK(), make([]bool, n), make([]bool, n)}
	for i, id := range []int32{v.cls, v.sep, v.pad, v.mask, v.unk} {
		if id < 0 {
			return v, fmt.Errorf("the tokenizer has no %s; a masked language model needs one of BERT's", []string{"[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]"}[i])
		}
	}
	for id := range n {
		v.continues[id] = strings.HasPrefix(w.Token(int32(id)), "##")
		v.special[id] = w.IsSpecial(int32(id))
	}
	for _, id := range []int32{v.cls, v.sep, v.pad, v.mask, v.unk} {
		v.special[id] = true
	}
	return v, nil
}

// masker makes masks with a share of the tokens, 0 for BERT's.
func (v words) masker(seed uint64, share float64) (*mask.Masker, error) {
	var special []int32
	for id, s := range v.special {
		if s {
			special = append(special, int32(id))
		}
	}
	return mask.New(mask.Options{Seed: seed, Share: share, Mask: v.mask, Vocab: len(v.special), Special: special})
}

// number writes the numbers of the words of a row for mask.Masker.
func (v words) number(ids, to []int32) {
	mask.Words(ids, to, func(id int32) bool { return v.continues[id] }, func(id int32) bool { return v.special[id] })
}

// VocabularyHash is a digest of all tokens in the order of their ids.
func VocabularyHash(w *token.WordPiece) string {
	h := sha256.New()
	for id := range w.VocabSize() {
		fmt.Fprintf(h, "%s\n", w.Token(int32(id)))
	}
	return hex.EncodeToString(h.Sum(nil))
}
