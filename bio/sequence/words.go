package sequence

import (
	"encoding/binary"
	"math/bits"
)

// Most bytes of a file are letters of residue lines and text of headers. They
// are looked at eight at a time, in a word; what is found to be something else
// is looked at again, a byte at a time.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// notWithin marks the bytes of w that are not from first to last, with their high
// bits: right up to the first such byte, above which the bits mean nothing. Both
// ends are ASCII.
func notWithin(w uint64, first, last byte) uint64 {
	reaches, passes := w+(0x80-uint64(first))*ones, w+(0x7f-uint64(last))*ones
	return (^reaches | passes | w) & highs
}

// copyLetters copies the upper-case letters that src begins with to dst, and
// returns how many. It stops where dst is full, and may write behind the letters.
func copyLetters(dst, src []byte) int {
	n := 0
	for ; len(src)-n >= 32 && len(dst)-n >= 32; n += 32 {
		from, to := (*[32]byte)(src[n:]), (*[32]byte)(dst[n:])
		a, b := binary.LittleEndian.Uint64(from[:8]), binary.LittleEndian.Uint64(from[8:16])
		c, d := binary.LittleEndian.Uint64(from[16:24]), binary.LittleEndian.Uint64(from[24:])
		binary.LittleEndian.PutUint64(to[:8], a)
		binary.LittleEndian.PutUint64(to[8:16], b)
		binary.LittleEndian.PutUint64(to[16:24], c)
		binary.LittleEndian.PutUint64(to[24:], d)
		a, b, c, d = notWithin(a, 'A', 'Z'), notWithin(b, 'A', 'Z'), notWithin(c, 'A', 'Z'), notWithin(d, 'A', 'Z')
		if a|b|c|d == 0 {
			continue
		}
		switch {
		case a != 0:
			return n + bits.TrailingZeros64(a)/8
		case b != 0:
			return n + 8 + bits.TrailingZeros64(b)/8
		case c != 0:
			return n + 16 + bits.TrailingZeros64(c)/8
		}
		return n + 24 + bits.TrailingZeros64(d)/8
	}
	for n < len(src) && n < len(dst) && src[n] >= 'A' && src[n] <= 'Z' {
		dst[n] = src[n]
		n++
	}
	return n
}

// plainText returns how many bytes text begins with that are printable ASCII,
// in whole words.
func plainText(text []byte) int {
	n := 0
	for ; len(text)-n >= 8; n += 8 {
		if notWithin(binary.LittleEndian.Uint64(text[n:]), ' ', '~') != 0 {
			break
		}
	}
	return n
}

// pairs counts upper-case letters two at a time, at half the price. Of the table
// no more is touched than pairs of letters need, which fits the nearest cache.
type pairs struct {
	count   [1 << 16]uint32
	letters int64 // in count
}

// add counts letters, an odd few of them in single.
func (p *pairs) add(letters []byte, single *[256]int64) {
	if p.letters += int64(len(letters)); p.letters >= 1<<32 {
		p.flush(single)
	}
	for ; len(letters) >= 8; letters = letters[8:] {
		w := binary.LittleEndian.Uint64(letters)
		p.count[uint16(w)]++
		p.count[uint16(w>>16)]++
		p.count[uint16(w>>32)]++
		p.count[uint16(w>>48)]++
	}
	for _, c := range letters {
		single[c]++
	}
}

// flush adds what was counted to letters and forgets it.
func (p *pairs) flush(letters *[256]int64) {
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			n := &p.count[a|b<<8]
			letters[a] += int64(*n)
			letters[b] += int64(*n)
			*n = 0
		}
	}
	p.letters = 0
}
