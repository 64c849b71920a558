package token

import (
	"fmt"
	"maps"
	"slices"
)

// WordCounter counts the words of a corpus, which is all that training sees of
// it. Its memory is that of the distinct words: a corpus of lines of protein,
// which hardly repeat, should be sampled.
type WordCounter struct {
	counts map[string]int64
}

// Add cuts text into words by GPT-2's pattern and counts them.
func (c *WordCounter) Add(text []byte) {
	for len(text) > 0 {
		n := nextWord(text)
		c.AddWord(text[:n], 1)
		text = text[n:]
	}
}

// AddWord counts a word n times; n below 1 counts nothing.
func (c *WordCounter) AddWord(word []byte, n int64) {
	if n < 1 {
		return
	}
	if c.counts == nil {
		c.counts = map[string]int64{}
	}
	c.counts[string(word)] += n
}

// TrainOptions says what to train; VocabSize must be set.
type TrainOptions struct {
	VocabSize int      // special tokens and the 256 bytes included
	Special   []string // get the ids from 0 on; usually EndOfText

	// MinFrequency is how often two tokens must be neighbours to become one.
	MinFrequency int64

	// MaxTokenLength stops the growth of tokens: two longer than a byte are
	// merged only into less than this many bytes. 0 is no limit.
	MaxTokenLength int
}

// TrainBPE learns merges: again and again the most frequent two neighbouring
// tokens become a new one, of equally frequent ones the two with the smaller
// ids. Vocabulary and merges equal those of the tokenizers library with its
// ByteLevel alphabet, whatever the order in which words were counted. The
// vocabulary is smaller than asked for if the corpus has no more to merge.
//
// A merge costs a pass over each word that has it: cut long sequences into
// lines first.
func TrainBPE(words *WordCounter, opt TrainOptions) (*BPE, error) {
	t := &trainer{ids: map[string]int32{}, opt: opt}
	if opt.VocabSize < 256 || opt.VocabSize > maxVocab {
		return nil, fmt.Errorf("token: training: vocabulary size %d, want 256 to %d", opt.VocabSize, maxVocab)
	}
	m := model{useRegex: true}
	for _, s := range opt.Special {
		if s == "" {
			return nil, fmt.Errorf("token: training: a special token is empty")
		}
		if _, ok := t.ids[s]; ok {
			return nil, fmt.Errorf("token: training: special token %q comes twice", s)
		}
		m.added = append(m.added, AddedToken{ID: t.add(s), Content: s, Special: true})
	}
	t.addBytes()
	if len(t.vocab) > opt.VocabSize {
		return nil, fmt.Errorf("token: training: vocabulary size %d does not hold %d special tokens and 256 bytes", opt.VocabSize, len(opt.Special))
	}
	if err := t.load(words); err != nil {
		return nil, fmt.Errorf("token: training: %w", err)
	}
	t.run()
	m.vocab = t.ids
	for _, pair := range t.learned() {
		m.merges = append(m.merges, [2]string{t.vocab[pair.left], t.vocab[pair.right]})
	}
	b, err := newBPE(m)
	if err != nil {
		return nil, fmt.Errorf("token: training: %w", err)
	}
	return b, nil
}

func (t *trainer) add(token string) int32 {
	id := int32(len(t.vocab))
	t.vocab = append(t.vocab, token)
	t.ids[token] = id
	return id
}

// addBytes adds the byte alphabet in the order of its characters.
func (t *trainer) addBytes() {
	runes := byteRunes
	slices.Sort(runes[:])
	for _, r := range runes {
		if _, ok := t.ids[string(r)]; !ok {
			t.add(string(r))
		}
	}
}

// load turns the counted words into token sequences, sorted, so that memory is
// laid out the same way each time.
func (t *trainer) load(words *WordCounter) error {
	var byteID [256]int32
	for c, r := range byteRunes {
		byteID[c] = t.ids[string(r)]
	}
	total := 0
	for w := range words.counts {
		total += len(w)
	}
	if total > maxTrainBytes || len(words.counts) > maxTrainBytes {
		return fmt.Errorf("%d words of %d bytes in all are above the limit of %d", len(words.counts), total, maxTrainBytes)
	}
	t.symbols = make([]int32, 0, total)
	t.words = make([]trainWord, 0, len(words.counts))
	for _, w := range slices.Sorted(maps.Keys(words.counts)) {
		t.words = append(t.words, trainWord{start: int32(len(t.symbols)), n: int32(len(w)), count: words.counts[w]})
		for i := range len(w) {
			t.symbols = append(t.symbols, byteID[w[i]])
		}
	}
	return nil
}
