// Package token turns text into the integers that language models read, and
// back, id for id like the tokenizers that the models were published with.
//
// [BPE] is byte-level byte-pair encoding as in GPT-2: the text is cut into
// words by a fixed pattern, each word into bytes, and neighbours are merged in
// the order in which training found them. It reads and writes the files of
// Hugging Face transformers and tokenizers. [TrainBPE] makes a new one.
//
// [WordPiece] is that of BERT, with the bytes of the original text that each piece
// stands for; [WordPieceTrainer] makes a new vocabulary. Its classes of characters
// and decompositions are those of the tokenizers library, whatever Unicode version
// Go has.
//
// Padding, truncation and tokens put around a text are the business of what
// calls this package.
package token

import (
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"
)

// Limits of what is read. They are far above any published tokenizer.
const (
	maxFile   = 128 << 20
	maxVocab  = 1 << 20
	maxToken  = 1024
	maxMerges = 1 << 21
	maxAdded  = 65_536
)

// BPE is a byte-level byte-pair encoder. It does not change after it was made
// and may be used by several goroutines at once.
type BPE struct {
	vocab     []string // the model's tokens by id, spelled in the byte alphabet; "" where an added token has the id
	content   [][]byte // what a token stands for, by id
	ids       map[string]int32
	merges    []merge // in the order in which they are applied
	pairs     pairTable
	byteID    [256]int32
	byteRanks []uint32 // of pairs of bytes: first << 8 | second
	unk       int32    // -1 if there is none
	oneByte   bool     // the unknown token stands for single bytes
	useRegex  bool
	added     []AddedToken // by id
	special   map[int32]bool
	all       [2]*matcher // every added token: not normalised ones first, as tokenizers does
	plain     [2]*matcher // those that are not special

	seed  maphash.Seed
	cache []atomic.Pointer[cached]
	long  sync.Pool // *longWord
}

// Span is a range of bytes of the original text.
type Span struct{ Start, End int }

const (
	cacheSize    = 1 << 13
	maxCacheWord = 32
)

// cached is the encoding of one word.
type cached struct {
	word string
	ids  []int32
}

// model is what files and training give; newBPE checks it.
type model struct {
	vocab    map[string]int32
	merges   [][2]string
	added    []AddedToken
	unk      string
	useRegex bool
}

func newBPE(m model) (*BPE, error) {
	b := &BPE{ids: make(map[string]int32, len(m.vocab)+len(m.added)), unk: -1, useRegex: m.useRegex,
		special: map[int32]bool{}, seed: maphash.MakeSeed(), cache: make([]atomic.Pointer[cached], cacheSize)}
	b.long.New = func() any { return new(longWord) }
	if err := b.addVocab(m); err != nil {
		return nil, err
	}
	if m.unk != "" {
		id, ok := m.vocab[m.unk]
		if !ok {
			return nil, fmt.Errorf("the unknown token %.40q is not in the vocabulary", m.unk)
		}
		b.unk = id
	}
	for c := range 256 {
		id, ok := m.vocab[string(byteRunes[c])]
		if !ok {
			if b.unk < 0 {
				return nil, fmt.Errorf("the vocabulary has no token for the byte %#02x (%q) and there is no unknown token: such text would vanish", c, byteRunes[c])
			}
			id, b.oneByte = b.unk, true
		}
		b.byteID[c] = id
	}
	if err := b.addMerges(m); err != nil {
		return nil, err
	}
	b.byteRanks = make([]uint32, 1<<16)
	for i := range b.byteRanks {
		b.byteRanks[i] = b.pairs.rank(b.byteID[i>>8], b.byteID[i&255])
	}
	b.all = matchers(b.added, func(AddedToken) bool { return true })
	b.plain = matchers(b.added, func(t AddedToken) bool { return !t.Special })
	return b, nil
}

func (b *BPE) addVocab(m model) error {
	if len(m.vocab) > maxVocab || len(m.added) > maxAdded {
		return fmt.Errorf("%d tokens and %d added ones are above the limits of %d and %d", len(m.vocab), len(m.added), maxVocab, maxAdded)
	}
	extra := 0
	for _, t := range m.added {
		if id, ok := m.vocab[t.Content]; !ok {
			extra++
		} else if id != t.ID {
			return fmt.Errorf("added token %.40q has id %d, and id %d in the vocabulary", t.Content, t.ID, id)
		}
	}
	n := len(m.vocab) + extra
	b.vocab = make([]string, n)
	b.content = make([][]byte, n)
	set := func(token string, id int32, content []byte) error {
		switch {
		case token == "" || len(token) > maxToken:
			return fmt.Errorf("token %.40q with id %d has %d bytes, want 1 to %d", token, id, len(token), maxToken)
		case id < 0 || int(id) >= n:
			return fmt.Errorf("token %.40q has id %d, but there are only %d tokens: the ids have gaps", token, id, n)
		case b.content[id] != nil:
			return fmt.Errorf("id %d belongs to token %.40q and to another", id, token)
		}
		b.content[id] = content
		b.ids[token] = id
		return nil
	}
	for token, id := range m.vocab {
		if err := set(token, id, unspell(token)); err != nil {
			return err
		}
		b.vocab[id] = token
	}
	b.added = slices.Clone(m.added)
	slices.SortFunc(b.added, func(x, y AddedToken) int { return int(x.ID) - int(y.ID) })
	for i, t := range b.added {
		if i > 0 && b.added[i-1].ID == t.ID {
			return fmt.Errorf("id %d belongs to added tokens %.40q and %.40q", t.ID, b.added[i-1].Content, t.Content)
		}
		if _, ok := m.vocab[t.Content]; !ok {
			if err := set(t.Content, t.ID, []byte(t.Content)); err != nil {
				return err
			}
		}
		if t.Special {
			b.special[t.ID] = true
		}
	}
	return nil
}

func (b *BPE) addMerges(m model) error {
	if len(m.merges) > maxMerges {
		return fmt.Errorf("%d merges are above the limit of %d", len(m.merges), maxMerges)
	}
	b.pairs = newPairTable(len(m.merges))
	b.merges = make([]merge, len(m.merges))
	for i, pair := range m.merges {
		left, ok1 := m.vocab[pair[0]]
		right, ok2 := m.vocab[pair[1]]
		to, ok3 := m.vocab[pair[0]+pair[1]]
		switch {
		case pair[0] == "" || pair[1] == "":
			return fmt.Errorf("merge %d: a part is empty", i+1)
		case !ok1 || !ok2 || !ok3:
			return fmt.Errorf("merge %d of %.40q and %.40q: the parts or the result are not in the vocabulary", i+1, pair[0], pair[1])
		}
		b.merges[i] = merge{left, right, to}
		if !b.pairs.add(left, right, uint32(i)) {
			return fmt.Errorf("merge %d of %.40q and %.40q comes twice", i+1, pair[0], pair[1])
		}
	}
	return nil
}

// Encode returns the ids of a text. Like transformers it reads added tokens,
// such as <|endoftext|>, where the text spells them; for text that users typed
// see EncodeOrdinary.
func (b *BPE) Encode(text string) []int32 { return b.encode(nil, nil, bytesOf(text), &b.all) }

// EncodeOrdinary is Encode without special tokens: "<|endoftext|>" in the text
// is thirteen characters and no end of a text.
func (b *BPE) EncodeOrdinary(text string) []int32 { return b.encode(nil, nil, bytesOf(text), &b.plain) }

// EncodeOffsets is Encode with the bytes of text that each token stands for.
// The spans follow one another without gaps; one may end inside a character.
func (b *BPE) EncodeOffsets(text string) ([]int32, []Span) {
	spans := []Span{}
	ids := b.encode(nil, &spans, bytesOf(text), &b.all)
	return ids, spans
}

// Append appends the ids of text to dst, which is what Encode returns. With
// room in dst and words seen before, or longer than a few, it makes no garbage.
func (b *BPE) Append(dst []int32, text []byte) []int32 { return b.encode(dst, nil, text, &b.all) }

// AppendOrdinary is Append without special tokens.
func (b *BPE) AppendOrdinary(dst []int32, text []byte) []int32 {
	return b.encode(dst, nil, text, &b.plain)
}

// bytesOf sees a string as bytes, which are only read.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

func (b *BPE) encode(dst []int32, spans *[]Span, text []byte, added *[2]*matcher) []int32 {
	return b.encodeLevel(dst, spans, text, 0, added[:])
}

// encodeLevel cuts text at the tokens of the first matcher and goes on with the
// others between them. base is where text starts in the original.
func (b *BPE) encodeLevel(dst []int32, spans *[]Span, text []byte, base int, added []*matcher) []int32 {
	if len(added) == 0 {
		return b.encodeWords(dst, spans, text, base)
	}
	if added[0] == nil {
		return b.encodeLevel(dst, spans, text, base, added[1:])
	}
	for at := 0; at < len(text); {
		start, end, id, ok := added[0].find(text, at)
		if !ok {
			start = len(text)
		}
		if start > at {
			dst = b.encodeLevel(dst, spans, text[at:start], base+at, added[1:])
		}
		if !ok {
			break
		}
		dst = append(dst, id)
		if spans != nil {
			*spans = append(*spans, Span{base + start, base + end})
		}
		at = end
	}
	return dst
}

func (b *BPE) encodeWords(dst []int32, spans *[]Span, text []byte, base int) []int32 {
	for len(text) > 0 {
		n := len(text)
		if b.useRegex {
			n = nextWord(text)
		}
		first := len(dst)
		dst = b.appendWord(dst, text[:n])
		if spans != nil {
			at := base
			for _, id := range dst[first:] {
				size := len(b.content[id])
				if id == b.unk && b.oneByte {
					size = 1
				}
				*spans = append(*spans, Span{at, at + size})
				at += size
			}
		}
		text = text[n:]
		base += n
	}
	return dst
}

func (b *BPE) appendWord(dst []int32, word []byte) []int32 {
	switch {
	case len(word) == 1:
		return append(dst, b.byteID[word[0]])
	case len(word) > maxCacheWord && len(word) <= maxShort:
		// Long ones rarely come again: a line of a protein is quicker done than
		// looked up, and would push out what does.
		return b.appendShort(dst, word)
	case len(word) > maxShort:
		return b.appendLong(dst, word)
	}
	slot := &b.cache[maphash.Bytes(b.seed, word)%cacheSize]
	if c := slot.Load(); c != nil && c.word == string(word) {
		return append(dst, c.ids...)
	}
	first := len(dst)
	dst = b.appendShort(dst, word)
	slot.Store(&cached{string(word), slices.Clone(dst[first:])})
	return dst
}

// Decode returns the text of ids, special tokens included. It is invalid UTF-8
// where ids cut a character; an id outside the vocabulary shows as U+FFFD.
func (b *BPE) Decode(ids []int32) string {
	var text []byte
	for _, id := range ids {
		if c := b.TokenBytes(id); c != nil {
			text = append(text, c...)
		} else {
			text = utf8.AppendRune(text, utf8.RuneError)
		}
	}
	return string(text)
}

// TokenBytes returns the bytes that a token stands for, nil if id is outside
// the vocabulary. The caller must not change them.
func (b *BPE) TokenBytes(id int32) []byte {
	if id < 0 || int(id) >= len(b.content) {
		return nil
	}
	return b.content[id]
}

// ID returns the id of a token as the vocabulary spells it: "Ġthe" for " the".
func (b *BPE) ID(token string) (int32, bool) {
	id, ok := b.ids[token]
	return id, ok
}

// IsSpecial reports whether id is that of a special token.
func (b *BPE) IsSpecial(id int32) bool { return b.special[id] }

// VocabSize returns the number of ids, added tokens included; they are 0 to
// VocabSize()-1.
func (b *BPE) VocabSize() int { return len(b.content) }
