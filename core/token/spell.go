package token

// byteRunes spells each byte as a printable character, as GPT-2's vocabulary
// does: printable Latin-1 as itself, the others in order from U+0100 on. A
// space becomes Ġ and a newline Ċ.
var byteRunes, runeBytes = byteAlphabet()

func byteAlphabet() (runes [256]rune, bytes map[rune]byte) {
	bytes = make(map[rune]byte, 256)
	next := rune(256)
	for c := range rune(256) {
		r := c
		if !('!' <= c && c <= '~' || '¡' <= c && c <= '¬' || '®' <= c && c <= 'ÿ') {
			r = next
			next++
		}
		runes[c] = r
		bytes[r] = byte(c)
	}
	return runes, bytes
}

// unspell returns the bytes that a vocabulary entry stands for. One that is not
// spelled in the alphabet stands for itself.
func unspell(token string) []byte {
	out := make([]byte, 0, len(token))
	for _, r := range token {
		c, ok := runeBytes[r]
		if !ok {
			return []byte(token)
		}
		out = append(out, c)
	}
	return out
}
