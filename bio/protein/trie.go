package protein

// trie holds the tokens that spell residues and line breaks by their letters,
// so that a beginning which is not allowed is looked at once for all tokens
// that share it.
type trie struct {
	letter []byte
	ids    [][]int32 // tokens that end at the node
	child  []int32   // first child; 0 is none
	next   []int32   // next child of the same parent; 0 is none

	text    [][]byte // of each token of the vocabulary
	longest int      // token, in bytes
}

func newTrie(s Spelling, vocab int) *trie {
	t := &trie{letter: []byte{0}, ids: [][]int32{nil}, child: []int32{0}, next: []int32{0}}
	for id := range int32(vocab) {
		text := s.TokenBytes(id)
		t.text = append(t.text, text)
		if len(text) > 0 && spells(text) {
			t.add(text, id)
			t.longest = max(t.longest, len(text))
		}
	}
	return t
}

func spells(text []byte) bool {
	for _, c := range text {
		if c != '\n' && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

func (t *trie) add(text []byte, id int32) {
	at := int32(0)
	for _, c := range text {
		to := t.child[at]
		for to != 0 && t.letter[to] != c {
			to = t.next[to]
		}
		if to == 0 {
			to = int32(len(t.letter))
			t.letter, t.ids = append(t.letter, c), append(t.ids, nil)
			t.child, t.next = append(t.child, 0), append(t.next, t.child[at])
			t.child[at] = to
		}
		at = to
	}
	t.ids[at] = append(t.ids[at], id)
}
