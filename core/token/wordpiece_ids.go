package token

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// CLS returns the id of the token before a text, [CLS]; -1 if there is none.
func (w *WordPiece) CLS() int32 { return w.roles[roleCLS] }

// SEP returns the id of the token after a text, [SEP]; -1 if there is none.
func (w *WordPiece) SEP() int32 { return w.roles[roleSEP] }

// PAD returns the id of the token that fills up a row, [PAD]; -1 if there is none.
func (w *WordPiece) PAD() int32 { return w.roles[rolePAD] }

// MASK returns the id of the token for one to be guessed, [MASK]; -1 if there is none.
func (w *WordPiece) MASK() int32 { return w.roles[roleMASK] }

// UNK returns the id of the token for unknown words, [UNK].
func (w *WordPiece) UNK() int32 { return w.unk }

// VocabSize returns the number of ids, added tokens included; they are 0 to
// VocabSize()-1.
func (w *WordPiece) VocabSize() int { return len(w.tokens) }

// ID returns the id of a token as the vocabulary spells it: "##ing".
func (w *WordPiece) ID(token string) (int32, bool) {
	id, ok := w.ids[token]
	return id, ok
}

// Token returns how the vocabulary spells an id, "" if id is outside it.
func (w *WordPiece) Token(id int32) string {
	if id < 0 || int(id) >= len(w.tokens) {
		return ""
	}
	return w.tokens[id]
}

// IsSpecial reports whether id is that of a special token.
func (w *WordPiece) IsSpecial(id int32) bool { return w.special[id] }

// WordStart reports whether a token begins a word, which those with "##" do
// not. Masking whole words goes by it.
func (w *WordPiece) WordStart(id int32) bool {
	_, added := w.contents[id]
	return added || !strings.HasPrefix(w.Token(id), w.settings.prefix)
}

// Decode returns a text of ids: pieces joined to words, words with a space
// between, spaces before punctuation taken out, as the decoder of the tokenizers
// library does. What normalisation took away does not come back. Special tokens
// are left out unless special is true, ids outside the vocabulary always.
func (w *WordPiece) Decode(ids []int32, special bool) string {
	var b strings.Builder
	first := true
	for _, id := range ids {
		token := w.Token(id)
		if token == "" || !special && w.special[id] {
			continue
		}
		if t, ok := w.contents[id]; ok && t.Normalized {
			token = w.normalized(t.Content)
		}
		if !first {
			if later, ok := strings.CutPrefix(token, w.settings.prefix); ok && !w.settings.noJoin {
				token = later
			} else {
				token = " " + token
			}
		}
		if w.settings.cleanup && !w.settings.noJoin {
			token = tidy(token)
		}
		b.WriteString(token)
		first = false
	}
	return b.String()
}

// tidy takes out spaces as the library does, one token at a time and in its order.
func tidy(token string) string {
	for _, p := range [...][2]string{{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"},
		{" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}} {
		token = strings.ReplaceAll(token, p[0], p[1])
	}
	return token
}

// normalized returns what the normaliser makes of a text.
func (w *WordPiece) normalized(text string) string {
	out, _ := w.apply(appendDecoded(nil, text), nil)
	s := make([]byte, 0, len(text))
	for _, c := range out {
		s = utf8.AppendRune(s, c.r)
	}
	return string(s)
}

// WithTokens returns a tokenizer that knows more special tokens, such as "[E1]",
// which are found in a text before it is cut into words. Those that the
// vocabulary has keep their ids, others get the next ones: the embeddings of the
// model must grow to VocabSize rows.
func (w *WordPiece) WithTokens(special ...string) (*WordPiece, error) {
	m := w.settings
	m.added = slices.Clone(m.added)
	next := int32(len(w.tokens))
	for _, s := range special {
		if slices.ContainsFunc(m.added, func(t AddedToken) bool { return t.Content == s }) {
			continue
		}
		t := AddedToken{ID: next, Content: s, Special: true}
		if id, ok := m.vocab[s]; ok {
			t.ID = id
		} else {
			next++
		}
		m.added = append(m.added, t)
	}
	more, err := newWordPiece(m)
	if err != nil {
		return nil, fmt.Errorf("token: adding tokens: %w", err)
	}
	return more, nil
}

// Truncate cuts two texts, of which b may be empty, so that together they have
// at most n pieces: always the last piece of the longer one, of b if they are
// equally long. It returns parts of a and b.
func Truncate(a, b []Piece, n int) ([]Piece, []Piece) {
	n = max(n, 0)
	over := len(a) + len(b) - n
	if over <= 0 {
		return a, b
	}
	// First the longer one comes down to the other, then both in turn.
	if d := len(a) - len(b); d > 0 {
		d = min(d, over)
		a, over = a[:len(a)-d], over-d
	} else {
		d = min(-d, over)
		b, over = b[:len(b)-d], over-d
	}
	return a[:len(a)-over/2], b[:len(b)-(over+1)/2]
}

// Wrap returns the ids and token types of [CLS] a [SEP], or [CLS] a [SEP] b [SEP]
// if b is not nil: the latter part has type 1. Piece i of a is at i+1, piece i of b
// at len(a)+2+i. It panics if the vocabulary lacks [CLS] or [SEP].
func (w *WordPiece) Wrap(a, b []Piece) (ids, types []int32) {
	if w.CLS() < 0 || w.SEP() < 0 {
		panic("token: the vocabulary has no [CLS] or no [SEP]")
	}
	ids = make([]int32, 0, len(a)+len(b)+3)
	put := func(id, kind int32) { ids, types = append(ids, id), append(types, kind) }
	put(w.CLS(), 0)
	for _, p := range a {
		put(p.ID, 0)
	}
	put(w.SEP(), 0)
	if b != nil {
		for _, p := range b {
			put(p.ID, 1)
		}
		put(w.SEP(), 1)
	}
	return ids, types
}
