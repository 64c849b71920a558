package token

import (
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// WordPiece is the tokenizer of BERT and of models like it: a text is
// normalised ([Rules]), cut into words at white space and punctuation, and each
// word into the longest pieces that the vocabulary has, from left to right;
// pieces that go on a word are spelled with "##". A word that does not come out
// even, or is longer than 100 characters, is one unknown token. Ids and offsets
// equal those of the tokenizers library (BertNormalizer, BertPreTokenizer,
// WordPiece: https://github.com/huggingface/tokenizers; M. Schuster and
// K. Nakajima, "Japanese and Korean voice search", 2012).
//
// It does not change after it was made and may be used by several goroutines
// at once.
type WordPiece struct {
	*splitter
	settings wordPieceModel
	tokens   []string // by id
	ids      map[string]int32
	tree     pieceTree
	ascii    [utf8.RuneSelf]int32 // the words of one byte
	unk      int32
	roles    [len(roleNames)]int32
	special  map[int32]bool
	all      [2]*matcher
	plain    [2]*matcher
	contents map[int32]AddedToken

	seed  maphash.Seed
	cache []atomic.Pointer[cachedWord]
	pool  sync.Pool // *pieceWork
}

// Piece is a token of a text: the bytes [Start, End) of the text that was
// given. Pieces ascend and do not overlap, except those that grew out of the
// same character, which share its bytes: a character that decomposes, or that a
// vocabulary takes apart, is never cut.
type Piece struct {
	ID         int32
	Start, End int
}

// wordPieceModel is what files and training give.
type wordPieceModel struct {
	vocab    map[string]int32
	added    []AddedToken
	steps    []step
	rules    Rules // as which the steps are written, if bert
	bert     bool
	prefix   string
	maxChars int
	cleanup  bool // Decode puts punctuation back to its word
	noJoin   bool // no decoder: Decode leaves "##" and puts spaces everywhere

	roles [len(roleNames)]string
}

// Roles of tokens, as transformers calls them, and BERT's tokens for them.
const (
	roleUNK = iota
	roleSEP
	rolePAD
	roleCLS
	roleMASK
)

var (
	roleNames    = [...]string{"unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}
	roleDefaults = [...]string{"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"}
)

const defaultMaxChars = 100

type cachedWord struct {
	word string
	ids  []int32
	ends []int32
}

// pieceWork is what an encoding needs for itself.
type pieceWork struct {
	scan
	ids  []int32
	ends []int32
	text []byte        // a normalised segment and, of each byte,
	at   []int32       // its place in
	seg  []alignedRune // the characters
}

func newWordPiece(m wordPieceModel) (*WordPiece, error) {
	if m.prefix == "" || len(m.prefix) > 16 {
		return nil, fmt.Errorf("continuing_subword_prefix %.40q has %d bytes, want 1 to 16", m.prefix, len(m.prefix))
	}
	if m.maxChars < 1 || m.maxChars > maxToken {
		return nil, fmt.Errorf("max_input_chars_per_word is %d, want 1 to %d", m.maxChars, maxToken)
	}
	w := &WordPiece{splitter: newSplitter(m.steps), settings: m, special: map[int32]bool{}, contents: map[int32]AddedToken{},
		seed: maphash.MakeSeed(), cache: make([]atomic.Pointer[cachedWord], cacheSize)}
	w.pool.New = func() any { return new(pieceWork) }
	if err := w.addVocab(m); err != nil {
		return nil, err
	}
	for i, name := range m.roles {
		w.roles[i] = -1
		if id, ok := w.ids[name]; ok && name != "" {
			w.roles[i] = id
		}
	}
	id, ok := m.vocab[m.roles[roleUNK]]
	if !ok {
		return nil, fmt.Errorf("the unknown token %.40q is not in the vocabulary", m.roles[roleUNK])
	}
	w.unk = id
	if err := w.addTree(m); err != nil {
		return nil, err
	}
	for c := range w.ascii {
		w.ascii[c] = w.unk
		if id, ok := m.vocab[string(rune(c))]; ok {
			w.ascii[c] = id
		}
	}
	return w, w.addMatchers()
}

func (w *WordPiece) addVocab(m wordPieceModel) error {
	if len(m.vocab) > maxVocab || len(m.added) > maxAdded {
		return fmt.Errorf("%d tokens and %d added ones are above the limits of %d and %d", len(m.vocab), len(m.added), maxVocab, maxAdded)
	}
	w.ids = make(map[string]int32, len(m.vocab)+len(m.added))
	for token, id := range m.vocab {
		w.ids[token] = id
	}
	for _, t := range m.added {
		if id, ok := w.ids[t.Content]; ok && id != t.ID {
			return fmt.Errorf("added token %.40q has id %d and %d", t.Content, t.ID, id)
		}
		w.ids[t.Content] = t.ID
		if t.Special {
			w.special[t.ID] = true
		}
		w.contents[t.ID] = t
	}
	w.tokens = make([]string, len(w.ids))
	for token, id := range w.ids {
		switch {
		case token == "" || len(token) > maxToken:
			return fmt.Errorf("token %.40q with id %d has %d bytes, want 1 to %d", token, id, len(token), maxToken)
		case !utf8.ValidString(token):
			return fmt.Errorf("token %.40q with id %d is not UTF-8", token, id)
		case id < 0 || int(id) >= len(w.tokens):
			return fmt.Errorf("token %.40q has id %d, but there are only %d tokens: the ids have gaps", token, id, len(w.tokens))
		case w.tokens[id] != "":
			return fmt.Errorf("id %d belongs to tokens %.40q and %.40q", id, min(token, w.tokens[id]), max(token, w.tokens[id]))
		}
		w.tokens[id] = token
	}
	return nil
}

// addTree makes what finds pieces. A token that is spelled as one that goes on
// a word begins words too, unless its prefix is punctuation, which is a word of
// its own.
func (w *WordPiece) addTree(m wordPieceModel) error {
	both := false
	for _, r := range m.prefix {
		both = both || w.chars.flags(r)&charPunct == 0
	}
	size := 0
	for token := range m.vocab {
		size += len(token)
	}
	if size > maxPieceBytes {
		return fmt.Errorf("the tokens have %d bytes in all, at most %d can be used", size, maxPieceBytes)
	}
	if both {
		size *= 2
	}
	w.tree = newPieceTree(size)
	for id, token := range w.tokens {
		if at, ok := m.vocab[token]; !ok || at != int32(id) {
			continue
		}
		later := len(token) > len(m.prefix) && token[:len(m.prefix)] == m.prefix
		if later {
			w.tree.add(laterPiece, token[len(m.prefix):], int32(id))
		}
		if !later || both {
			w.tree.add(firstPiece, token, int32(id))
		}
	}
	return nil
}

// addMatchers makes what finds added tokens; those that are normalised are
// looked for as the normaliser spells them.
func (w *WordPiece) addMatchers() error {
	spelled := slices.Clone(w.settings.added)
	slices.SortFunc(spelled, func(a, b AddedToken) int { return int(a.ID) - int(b.ID) })
	w.settings.added = slices.Clone(spelled)
	seen := map[string]string{}
	for i, t := range spelled {
		if t.Normalized {
			out, _ := w.apply(appendDecoded(nil, t.Content), nil)
			var s []byte
			for _, c := range out {
				s = utf8.AppendRune(s, c.r)
			}
			spelled[i].Content = string(s)
			switch other, twice := seen[string(s)]; {
			case len(s) == 0:
				return fmt.Errorf("added token %.40q is empty after normalisation; make it one that is not normalized", t.Content)
			case twice:
				return fmt.Errorf("added tokens %.40q and %.40q are the same after normalisation; make them such that are not normalized", other, t.Content)
			}
			seen[string(s)] = t.Content
		}
	}
	w.all = matchers(spelled, func(AddedToken) bool { return true })
	w.plain = matchers(spelled, func(t AddedToken) bool { return !t.Special })
	return nil
}

// Encode returns the pieces of a text, without [CLS] and [SEP] around them.
// Like transformers it reads special tokens, such as [SEP], where the text
// spells them; for text that users typed see EncodeOrdinary. A byte that is not
// UTF-8 is U+FFFD, which BERT's rules remove. The text may have 2 GiB.
func (w *WordPiece) Encode(text string) []Piece { return w.encode(nil, text, &w.all) }

// EncodeOrdinary is Encode without special tokens: "[SEP]" in the text is
// three words and no end of a text.
func (w *WordPiece) EncodeOrdinary(text string) []Piece { return w.encode(nil, text, &w.plain) }

// Append appends the pieces of text to dst, which are those of Encode. With
// room in dst and words seen before it makes no garbage.
func (w *WordPiece) Append(dst []Piece, text string) []Piece { return w.encode(dst, text, &w.all) }

// AppendOrdinary is Append without special tokens.
func (w *WordPiece) AppendOrdinary(dst []Piece, text string) []Piece {
	return w.encode(dst, text, &w.plain)
}

// EncodeWords encodes words one by one, as transformers does for a text that is
// cut into words already. of[i] is the word of pieces[i], whose bytes are those
// of the word alone. A word may have no piece, for instance a soft hyphen.
func (w *WordPiece) EncodeWords(words []string) (pieces []Piece, of []int) {
	for i, word := range words {
		pieces = w.Append(pieces, word)
		for len(of) < len(pieces) {
			of = append(of, i)
		}
	}
	return pieces, of
}

// EncodeAll encodes many texts on up to threads goroutines, at least one.
func (w *WordPiece) EncodeAll(texts []string, threads int) [][]Piece {
	out := make([][]Piece, len(texts))
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(max(threads, 1), len(texts)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(texts); i = int(next.Add(1)) - 1 {
				out[i] = w.Encode(texts[i])
			}
		})
	}
	wait.Wait()
	return out
}

func (w *WordPiece) encode(dst []Piece, text string, added *[2]*matcher) []Piece {
	work := w.pool.Get().(*pieceWork)
	defer w.pool.Put(work)
	if added[0] == nil {
		return w.encodeSegment(dst, work, text, 0, added[1])
	}
	for at := 0; at < len(text); {
		start, end, id, ok := added[0].find(bytesOf(text), at)
		if !ok {
			start = len(text)
		}
		if start > at {
			dst = w.encodeSegment(dst, work, text[at:start], at, added[1])
		}
		if !ok {
			break
		}
		dst = append(dst, Piece{id, start, end})
		at = end
	}
	return dst
}

// encodeSegment encodes text between added tokens that are not normalised;
// base is where it starts.
func (w *WordPiece) encodeSegment(dst []Piece, work *pieceWork, text string, base int, added *matcher) []Piece {
	if added != nil {
		return w.encodeNormalized(dst, work, text, base, added)
	}
	work.reset(w.splitter, text)
	return w.encodeScan(dst, work, base)
}

// encodeNormalized finds the added tokens in what the normaliser makes of a
// segment.
func (w *WordPiece) encodeNormalized(dst []Piece, work *pieceWork, text string, base int, added *matcher) []Piece {
	work.seg, work.spare = w.apply(appendDecoded(work.seg[:0], text), work.spare)
	seg := work.seg
	work.text, work.at = work.text[:0], work.at[:0]
	for i, c := range seg {
		work.text = utf8.AppendRune(work.text, c.r)
		for len(work.at) < len(work.text) {
			work.at = append(work.at, int32(i))
		}
	}
	work.at = append(work.at, int32(len(seg)))
	for at := 0; at < len(work.text); {
		start, end, id, ok := added.find(work.text, at)
		if !ok {
			start = len(work.text)
		}
		if start > at {
			work.reset(w.splitter, "")
			work.base, work.rest = 0, seg[work.at[at]:work.at[start]]
			dst = w.encodeScan(dst, work, base)
		}
		if !ok {
			break
		}
		dst = append(dst, Piece{id, base + int(seg[work.at[start]].from), base + int(seg[work.at[end]-1].to)})
		at = end
	}
	return dst
}

func (w *WordPiece) encodeScan(dst []Piece, work *pieceWork, base int) []Piece {
	for work.next() {
		if work.aligned == nil && len(work.word) == 1 {
			dst = append(dst, Piece{w.ascii[work.word[0]], base + work.start, base + work.start + 1})
			continue
		}
		ids, ends := w.pieces(work)
		if work.aligned == nil {
			at := base + work.start
			last := at
			for i, id := range ids {
				end := at + int(ends[i])
				dst = append(dst, Piece{id, last, end})
				last = end
			}
			continue
		}
		dst = appendAligned(dst, ids, ends, work.aligned, base+work.base)
	}
	return dst
}

// appendAligned appends the pieces of a word that is made of chars.
func appendAligned(dst []Piece, ids []int32, ends []int32, chars []alignedRune, base int) []Piece {
	k, size := 0, 0
	for i, id := range ids {
		first := k
		for size < int(ends[i]) {
			size += utf8.RuneLen(chars[k].r)
			k++
		}
		dst = append(dst, Piece{id, base + int(chars[first].from), base + int(chars[k-1].to)})
	}
	return dst
}

// pieces returns the pieces of work.word and where each ends in it.
func (w *WordPiece) pieces(work *pieceWork) ([]int32, []int32) {
	word := work.word
	if len(word) > maxCacheWord {
		w.cut(work)
		return work.ids, work.ends
	}
	slot := &w.cache[maphash.Bytes(w.seed, word)%cacheSize]
	if c := slot.Load(); c != nil && c.word == string(word) {
		return c.ids, c.ends
	}
	w.cut(work)
	if len(work.ids) == 1 && work.ids[0] != w.unk {
		// The token's own string serves as the key.
		slot.Store(&cachedWord{w.tokens[work.ids[0]], slices.Clone(work.ids), slices.Clone(work.ends)})
	} else {
		slot.Store(&cachedWord{string(word), slices.Clone(work.ids), slices.Clone(work.ends)})
	}
	return work.ids, work.ends
}

// cut finds the pieces of a word.
func (w *WordPiece) cut(work *pieceWork) {
	word := work.word
	work.ids, work.ends = work.ids[:0], work.ends[:0]
	if len(word) <= w.settings.maxChars || utf8.RuneCount(word) <= w.settings.maxChars {
		node := int32(firstPiece)
		for at := 0; at < len(word); {
			id, n := w.tree.longest(node, word[at:])
			if n == 0 {
				work.ids, work.ends = work.ids[:0], work.ends[:0]
				break
			}
			at += n
			work.ids, work.ends = append(work.ids, id), append(work.ends, int32(at))
			node = laterPiece
		}
		if len(work.ids) > 0 {
			return
		}
	}
	work.ids, work.ends = append(work.ids, w.unk), append(work.ends, int32(len(word)))
}
