package corpus

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// windows1252 gives the bytes of the characters that Windows-1252 has where
// ISO 8859-1 has controls (the WHATWG's index).
var windows1252 = map[rune]byte{
	'€': 0x80, '‚': 0x82, 'ƒ': 0x83, '„': 0x84, '…': 0x85, '†': 0x86, '‡': 0x87, 'ˆ': 0x88, '‰': 0x89, 'Š': 0x8a, '‹': 0x8b,
	'Œ': 0x8c, 'Ž': 0x8e, '‘': 0x91, '’': 0x92, '“': 0x93, '”': 0x94, '•': 0x95, '–': 0x96, '—': 0x97, '˜': 0x98, '™': 0x99,
	'š': 0x9a, '›': 0x9b, 'œ': 0x9c, 'ž': 0x9e, 'Ÿ': 0x9f,
}

// singleByte returns the byte that ISO 8859-1 or Windows-1252 has for a
// character above ASCII.
func singleByte(r rune) (byte, bool) {
	if 0x80 <= r && r <= 0xff {
		return byte(r), true
	}
	b, ok := windows1252[r]
	return b, ok
}

// mojibake finds characters that are UTF-8 read as ISO 8859-1 or Windows-1252,
// "Î¼" for "μ", and what they stand for. Only what papers have counts: Greek,
// marks, mathematics and letters of Latin-1, so that "Å“" remains.
func mojibake(text string) []edit {
	var all []edit
	for i := 0; i < len(text); {
		c := text[i]
		// The first byte, as a character, is Â to ô: two bytes that begin with C3;
		// of marks and mathematics it is â.
		if c != 0xc3 {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		size := 0
		switch {
		case 0xc2 <= r && r <= 0xdf:
			size = 2
		case 0xe0 <= r && r <= 0xef:
			size = 3
		}
		var bytes [3]byte
		end, k := i+n, 1
		for bytes[0] = byte(r); k < size; k++ {
			r, n := utf8.DecodeRuneInString(text[end:])
			b, ok := singleByte(r)
			if !ok || b&0xc0 != 0x80 {
				break
			}
			bytes[k], end = b, end+n
		}
		if size > 0 && k == size {
			if r, n := utf8.DecodeRune(bytes[:size]); n == size && meant(r) {
				all = append(all, edit{Span{i, end}, string(r)})
				i = end
				continue
			}
		}
		i += n
	}
	return all
}

// meant tells characters that a paper is likely to have meant.
func meant(r rune) bool {
	switch {
	case 0xa0 <= r && r <= 0xff, 0x391 <= r && r <= 0x3f6, 0x300 <= r && r <= 0x36f:
		return true
	case 0x2000 <= r && r <= 0x209c, 0x20a0 <= r && r <= 0x20bf, 0x2100 <= r && r <= 0x22ff, 0xfb00 <= r && r <= 0xfb06:
		return true
	case 0x2460 <= r && r <= 0x26ff, r == 0x2a7d, r == 0x2a7e, r == 0xfffd, r == 0xfeff:
		return true
	}
	return false
}

// lookForMojibake warns of it, or mends it.
func (d *Document) lookForMojibake(line int, repair bool) {
	edits := mojibake(d.Text)
	if len(edits) == 0 {
		return
	}
	e := edits[0]
	line += strings.Count(d.Text[:e.Start], "\n")
	w := &Error{File: d.Source, Line: line, Remedy: "read it with --mojibake repair, or take the text from its source again"}
	w.What = fmt.Sprintf("%q stands for %q: UTF-8 that was read as another encoding, %d times", d.Text[e.Start:e.End], e.with, len(edits))
	if repair {
		w.What, w.Remedy = fmt.Sprintf("%q was taken for %q and the like: UTF-8 that was read as another encoding, repaired %d times", d.Text[e.Start:e.End], e.with, len(edits)), ""
		d.apply(edits)
	}
	d.Warnings = append(d.Warnings, w)
}
