package normalize

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kiban-models/kiban/core/token"
)

// MappingFile is the name under which MatSciBERT's authors publish their mapping.
const MappingFile = "vocab_mappings.txt"

const (
	maxMappingFile = 1 << 20
	maxReplacement = 64
)

// published is the normalisation of MatSciBERT: each line is cleaned as BERT
// does, accents go and case stays, and then each character is replaced by what
// the mapping has for it, or by a space.
type published struct {
	to      map[rune]string
	changes [utf8.RuneSelf]bool
}

var publishedRules = token.Rules{StripAccents: token.Yes}

// ReadMapping reads a mapping file: on each line a character, one that divides,
// and what the character becomes, which may be nothing or have spaces. The last
// line of a character counts.
func ReadMapping(r io.Reader) (*Normalizer, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxMappingFile+1))
	if err != nil {
		return nil, fmt.Errorf("normalize: %s: %w", MappingFile, err)
	}
	if len(text) > maxMappingFile {
		return nil, fmt.Errorf("normalize: %s: more than %d bytes; this is no mapping of single characters", MappingFile, maxMappingFile)
	}
	p := &published{to: map[rune]string{}}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		line = strings.TrimSuffix(line, "\r")
		c, n := utf8.DecodeRuneInString(line)
		_, gap := utf8.DecodeRuneInString(line[n:])
		to := line[n+gap:]
		switch {
		case !utf8.ValidString(line):
			return nil, fmt.Errorf("normalize: %s:%d: not UTF-8; save it as UTF-8", MappingFile, i+1)
		case n == 0 || gap == 0:
			return nil, fmt.Errorf("normalize: %s:%d: %q is not a character, a space, and what it becomes; complete or remove the line", MappingFile, i+1, line)
		case len(to) > maxReplacement:
			return nil, fmt.Errorf("normalize: %s:%d: %d bytes for one character, at most %d; is this the mapping?", MappingFile, i+1, len(to), maxReplacement)
		}
		p.to[c] = to
	}
	for c := range p.changes {
		p.changes[c] = c == '\r' || c != '\n' && p.of(rune(c)) != string(rune(c))
	}
	return &Normalizer{published: p}, nil
}

func (p *published) of(c rune) string {
	if to, ok := p.to[c]; ok {
		return to
	}
	return " "
}

func (p *published) normalize(b *builder, text string) {
	var chars []token.Aligned
	for at := 0; at < len(text); {
		n := asciiRun(text[at:], &p.changes)
		b.same(text[at:at+n], at)
		at += n
		// What changes goes on to the next ASCII character that does not: no
		// rule looks beyond that.
		n = 0
		for at+n < len(text) && (text[at+n] >= utf8.RuneSelf || p.changes[text[at+n]]) {
			n++
		}
		chars = publishedRules.Apply(chars[:0], text[at:at+n])
		for _, c := range chars {
			b.put(p.of(c.Rune), at+c.Start, at+c.End)
		}
		at += n
	}
	b.takeMarks(text)
}

// takeMarks lets accents that were dropped belong to the character before them:
// a span never cuts a letter from its accent.
func (b *builder) takeMarks(text string) {
	parts := b.m.parts
	var out []part
	for i, p := range parts {
		next := len(text)
		if i+1 < len(parts) {
			next = parts[i+1].from
		}
		end := p.to
		for end < next {
			r, n := utf8.DecodeRuneInString(text[end:])
			if !unicode.Is(unicode.M, r) {
				break
			}
			end += n
		}
		if end == p.to {
			out = append(out, p)
			continue
		}
		if !p.same {
			// All that this character became shares the accent.
			for k := len(out) - 1; k >= 0 && !out[k].same && out[k].from == p.from && out[k].to == p.to; k-- {
				out[k].to = end
			}
			p.to = end
			out = append(out, p)
			continue
		}
		// Only the last character of the stretch takes it.
		_, n := utf8.DecodeLastRuneInString(text[p.from:p.to])
		if p.to-p.from > n {
			out = append(out, part{p.at, p.from, p.to - n, true})
		}
		out = append(out, part{p.at + p.to - p.from - n, p.to - n, end, false})
	}
	b.m.parts = out
}
