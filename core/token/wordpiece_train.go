package token

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"unicode/utf8"
)

// WordPieceOptions says what vocabulary to train; VocabSize must be set.
type WordPieceOptions struct {
	VocabSize int   // special tokens and characters included
	Rules     Rules // how texts are normalised, then and ever after

	// Special tokens get the ids from 0 on: [PAD] [UNK] [CLS] [SEP] [MASK] if nil.
	// [UNK] must be among them.
	Special []string

	// MinFrequency is how often two pieces must be neighbours to become one.
	MinFrequency int64

	// LimitAlphabet keeps that many characters, the most frequent ones, of equally
	// frequent ones those that come first in Unicode. 0 keeps all.
	LimitAlphabet int

	// Alphabet are characters to have whether the texts have them or not.
	Alphabet []rune

	// MaxWords bounds the memory: when there are more distinct words, the rarest
	// are forgotten. 0 is no limit.
	MaxWords int
}

// WordPieceTrainer learns a vocabulary from texts. Its memory is that of the
// distinct words.
type WordPieceTrainer struct {
	opt    WordPieceOptions
	scan   scan
	split  *splitter
	words  WordCounter
	rarest int64 // words that came up to so often were forgotten
}

// NewWordPieceTrainer makes a trainer that has seen no text.
func NewWordPieceTrainer(opt WordPieceOptions) (*WordPieceTrainer, error) {
	if opt.Special == nil {
		opt.Special = []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
	}
	seen := map[string]bool{}
	for _, s := range opt.Special {
		if s == "" || seen[s] {
			return nil, fmt.Errorf("token: training: special token %q is empty or comes twice", s)
		}
		seen[s] = true
	}
	switch {
	case !seen[roleDefaults[roleUNK]]:
		return nil, fmt.Errorf("token: training: [UNK] is not among the special tokens %.200q", opt.Special)
	case opt.VocabSize <= len(opt.Special) || opt.VocabSize > maxVocab:
		return nil, fmt.Errorf("token: training: vocabulary size %d, want more than the %d special tokens and at most %d", opt.VocabSize, len(opt.Special), maxVocab)
	case opt.LimitAlphabet < 0 || opt.MaxWords < 0 || opt.MinFrequency < 0:
		return nil, fmt.Errorf("token: training: a negative limit")
	}
	return &WordPieceTrainer{opt: opt, split: newSplitter(opt.Rules.steps())}, nil
}

// Add counts the words of a text.
func (t *WordPieceTrainer) Add(text string) {
	t.scan.reset(t.split, text)
	for t.scan.next() {
		t.words.AddWord(t.scan.word, 1)
		if t.opt.MaxWords > 0 && len(t.words.counts) > t.opt.MaxWords {
			t.forget()
		}
	}
}

// forget drops rare words until a quarter of the room is free.
func (t *WordPieceTrainer) forget() {
	for len(t.words.counts) > t.opt.MaxWords-t.opt.MaxWords/4 {
		t.rarest++
		maps.DeleteFunc(t.words.counts, func(_ string, n int64) bool { return n <= t.rarest })
	}
}

// Forgotten returns up to which count words were dropped for MaxWords, 0 if none
// were.
func (t *WordPieceTrainer) Forgotten() int64 { return t.rarest }

// Train learns pieces: again and again the two most frequent neighbours become a
// new one, of equally frequent ones the two with the smaller ids. This is how the
// tokenizers library trains WordPiece, and the vocabulary equals its own, but
// for one thing: the library numbers the characters that go on a word, and so
// settles ties, in an order that changes from run to run; here it is that of
// Unicode. The vocabulary is larger than asked for if the characters alone are
// more, and smaller if the texts have no more to merge.
func (t *WordPieceTrainer) Train() (*WordPiece, error) {
	m := defaultModel()
	m.rules, m.steps, m.roles = t.opt.Rules, t.opt.Rules.steps(), roleDefaults
	tr := &trainer{ids: map[string]int32{}, prefix: m.prefix,
		opt: TrainOptions{VocabSize: t.opt.VocabSize, MinFrequency: t.opt.MinFrequency}}
	for _, s := range t.opt.Special {
		m.added = append(m.added, AddedToken{ID: tr.add(s), Content: s, Special: true})
	}
	if err := t.load(tr); err != nil {
		return nil, fmt.Errorf("token: training: %w", err)
	}
	tr.run()
	m.vocab = tr.ids
	w, err := newWordPiece(m)
	if err != nil {
		return nil, fmt.Errorf("token: training: %w", err)
	}
	return w, nil
}

// load adds the alphabet and turns the counted words into sequences of it,
// without the characters that it lacks.
func (t *WordPieceTrainer) load(tr *trainer) error {
	total := 0
	count := map[rune]int64{}
	words := slices.Sorted(maps.Keys(t.words.counts))
	for _, w := range words {
		total += len(w)
		for _, c := range w {
			count[c] += t.words.counts[w]
		}
	}
	if total > maxTrainBytes {
		return fmt.Errorf("%d words of %d bytes in all are above the limit of %d; set MaxWords", len(words), total, maxTrainBytes)
	}
	for _, c := range t.opt.Alphabet {
		count[c] = math.MaxInt64
	}
	alphabet := slices.Sorted(maps.Keys(count))
	if n := t.opt.LimitAlphabet; n > 0 && len(alphabet) > n {
		slices.SortStableFunc(alphabet, func(a, b rune) int {
			switch {
			case count[a] > count[b]:
				return -1
			case count[a] < count[b]:
				return 1
			}
			return 0
		})
		alphabet = alphabet[:n]
		slices.Sort(alphabet)
	}
	for _, c := range alphabet {
		if _, ok := tr.ids[string(c)]; !ok {
			tr.add(string(c))
		}
	}
	later := map[rune]bool{} // those that go on a word somewhere
	for _, w := range words {
		_, n := utf8.DecodeRuneInString(w)
		for _, c := range w[n:] {
			if _, ok := tr.ids[string(c)]; ok {
				later[c] = true
			}
		}
	}
	laterID := make(map[rune]int32, len(later))
	for _, c := range slices.Sorted(maps.Keys(later)) {
		s := tr.prefix + string(c)
		id, ok := tr.ids[s]
		if !ok {
			id = tr.add(s)
		}
		laterID[c] = id
	}
	for _, w := range words {
		start := len(tr.symbols)
		for i, c := range w {
			id, ok := tr.ids[string(c)]
			if i > 0 {
				id, ok = laterID[c]
			}
			if ok {
				tr.symbols = append(tr.symbols, id)
			}
		}
		if n := len(tr.symbols) - start; n > 0 {
			tr.words = append(tr.words, trainWord{start: int32(start), n: int32(n), count: t.words.counts[w]})
		}
	}
	return nil
}
