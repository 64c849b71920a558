package token

import "unicode/utf8"

// What a byte is to a scan.
const (
	byteSlow  = iota // a step may change it into something else than one byte, or more than the byte decides
	byteWord         // belongs to a word, as fold has it
	bytePunct        // a word of its own
	byteBlank        // between words
)

// splitter cuts texts into the words of BertPreTokenizer: between white space,
// and each punctuation character for itself.
type splitter struct {
	normalizer
	kind [256]uint8
	fold [256]byte
}

func newSplitter(steps []step) *splitter {
	s := &splitter{normalizer: normalizer{steps, chars()}}
	for c := range utf8.RuneSelf {
		out, _ := s.apply([]alignedRune{{r: rune(c), to: 1}}, nil)
		if len(out) != 1 || out[0].r >= utf8.RuneSelf {
			continue
		}
		s.fold[c] = byte(out[0].r)
		switch f := s.chars.flags(out[0].r); {
		case f&charSpace != 0:
			s.kind[c] = byteBlank
		case f&charPunct != 0:
			s.kind[c] = bytePunct
		default:
			s.kind[c] = byteWord
		}
	}
	return s
}

// scan goes through the words of a text. ASCII goes byte by byte; what else
// there is goes through the normaliser in chunks that end before ASCII white
// space and punctuation, across which no step looks.
type scan struct {
	*splitter
	text string
	at   int

	word    []byte // the normalised word
	start   int    // where it starts, if aligned is nil
	aligned []alignedRune

	buf   []byte
	chunk []alignedRune // of which rest is still to come
	rest  []alignedRune
	base  int // where the chunk starts
	spare []alignedRune
}

func (s *scan) reset(sp *splitter, text string) {
	s.splitter, s.text, s.at, s.rest = sp, text, 0, nil
}

// next finds the next word.
func (s *scan) next() bool {
	for {
		if len(s.rest) > 0 {
			if s.nextAligned() {
				return true
			}
			continue
		}
		for s.at < len(s.text) && s.kind[s.text[s.at]] == byteBlank {
			s.at++
		}
		if s.at == len(s.text) {
			return false
		}
		s.start, s.aligned = s.at, nil
		if c := s.text[s.at]; s.kind[c] == bytePunct {
			s.buf = append(s.buf[:0], s.fold[c])
			s.word = s.buf
			s.at++
			return true
		}
		s.buf = s.buf[:0]
		end := s.at
		for end < len(s.text) && s.kind[s.text[end]] == byteWord {
			s.buf = append(s.buf, s.fold[s.text[end]])
			end++
		}
		if end == len(s.text) || s.kind[s.text[end]] != byteSlow {
			s.word, s.at = s.buf, end
			return true
		}
		for end < len(s.text) && s.kind[s.text[end]] <= byteWord {
			end++
		}
		s.base = s.at
		s.chunk, s.spare = s.apply(appendDecoded(s.chunk[:0], s.text[s.at:end]), s.spare)
		s.rest, s.at = s.chunk, end
	}
}

// nextAligned takes a word from the chunk.
func (s *scan) nextAligned() bool {
	for len(s.rest) > 0 && s.chars.flags(s.rest[0].r)&charSpace != 0 {
		s.rest = s.rest[1:]
	}
	n := 0
	s.buf = s.buf[:0]
	for n < len(s.rest) {
		f := s.chars.flags(s.rest[n].r)
		if f&charSpace != 0 || f&charPunct != 0 && n > 0 {
			break
		}
		s.buf = utf8.AppendRune(s.buf, s.rest[n].r)
		n++
		if f&charPunct != 0 {
			break
		}
	}
	s.word, s.aligned, s.rest = s.buf, s.rest[:n], s.rest[n:]
	return n > 0
}
