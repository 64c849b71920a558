package protein

import "bytes"

// standardResidues are the 20 that the genetic code makes.
var standardResidues = []byte("ACDEFGHIKLMNPQRSTVWY")

// place is how far a text has come.
type place struct {
	residues int
	column   int  // residues in the line
	begun    bool // the first line break is there
	closed   bool // the break after a short line is there: only the end may follow
}

// step goes on by the bytes of a token, and reports whether they keep to the
// layout of Text and to the demands of o.
func (p place) step(text []byte, o *GenerateOptions) (place, bool) {
	for _, c := range text {
		switch {
		case p.closed:
			return p, false
		case c == '\n' && !p.begun:
			p.begun = true
		case c == '\n':
			if p.column == 0 || p.column < LineWidth && !o.enough(p.residues) {
				return p, false
			}
			p.closed = p.column < LineWidth
			p.column = 0
		case !p.begun, c < 'A', c > 'Z', p.column == LineWidth, o.MaxLength > 0 && p.residues >= o.MaxLength:
			return p, false
		default:
			if want, ok := o.Fixed[p.residues]; ok && c != want {
				return p, false
			}
			p.residues++
			p.column++
		}
	}
	return p, true
}

// enough reports whether a sequence of n residues may end.
func (o *GenerateOptions) enough(n int) bool {
	if n == 0 || n < o.MinLength {
		return false
	}
	for at := range o.Fixed {
		if at >= n {
			return false
		}
	}
	return true
}

// layout says which tokens may come next, and remembers the answers, which
// mostly depend on the column alone.
type layout struct {
	o       *GenerateOptions
	text    [][]byte // of each token
	odd     []bool   // tokens with letters that are no standard residues
	longest int      // token, in bytes
	eot     int32
	known   map[layoutKey][]bool
}

type layoutKey struct {
	column                        int
	begun, closed, enough, vetoed bool
}

// layout returns the constraint of a run, or nil if the model is free.
func (g *Generator) layout(o *GenerateOptions) *layout {
	if o.AsPublished && len(o.Fixed) == 0 && o.MinLength == 0 && o.MaxLength == 0 {
		return nil
	}
	l := &layout{o: o, eot: g.Scoring.Config.EOT(), known: map[layoutKey][]bool{}}
	for id := range g.Scoring.Config.Vocab {
		text := g.Scoring.Spelling.TokenBytes(int32(id))
		l.text = append(l.text, text)
		l.odd = append(l.odd, bytes.ContainsFunc(text, func(r rune) bool {
			return r != '\n' && !bytes.ContainsRune(standardResidues, r)
		}))
		l.longest = max(l.longest, len(text))
	}
	return l
}

// constrain returns the function for one sequence. A line break before the line
// is full says that the sequence ends; but a model that counts badly also
// breaks lines too early. So it is asked once more: what it would put next
// after such a break. If that is not the end, the break is taken back and the
// sequence goes on with something else.
func (l *layout) constrain() func(tokens []int32, allowed []bool) int {
	if l == nil {
		return nil
	}
	var p, before place // before: at a break that may be the end
	seen := 1           // tokens of the sequence that p covers; the first is <|endoftext|>
	return func(tokens []int32, allowed []bool) int {
		vetoed := false
		for ; seen < len(tokens); seen++ {
			if p.closed {
				p, seen, vetoed = before, seen-1, true
				break
			}
			before = p
			p, _ = p.step(l.text[tokens[seen]], l.o)
		}
		l.allow(p, vetoed, allowed)
		return seen
	}
}

// trim removes a last break that was not confirmed, and what came after it.
func (l *layout) trim(tokens []int32) []int32 {
	var p place
	for i := 1; l != nil && i < len(tokens); i++ {
		if p.closed && tokens[i] != l.eot {
			return tokens[:i-1]
		}
		p, _ = p.step(l.text[tokens[i]], l.o)
	}
	if l != nil && p.closed && tokens[len(tokens)-1] != l.eot {
		return tokens[:len(tokens)-1]
	}
	return tokens
}

func (l *layout) allow(p place, vetoed bool, allowed []bool) {
	key := layoutKey{p.column, p.begun, p.closed, l.o.enough(p.residues), vetoed}
	plain := l.plain(p)
	if known := l.known[key]; plain && known != nil {
		copy(allowed, known)
		return
	}
	for id, text := range l.text {
		switch {
		case int32(id) == l.eot:
			allowed[id] = key.enough && (p.closed || p.column == 0)
		case len(text) == 0, l.odd[id] && !l.o.Nonstandard:
			allowed[id] = false
		case p.closed: // a letter is the answer that this is not the end
			allowed[id] = text[0] >= 'A' && text[0] <= 'Z' && (l.o.MaxLength == 0 || p.residues < l.o.MaxLength)
		default:
			q, ok := p.step(text, l.o)
			allowed[id] = ok && !(vetoed && q.closed)
		}
	}
	if plain {
		l.known[key] = append([]bool{}, allowed...)
	}
}

// plain reports whether no demand for a residue or a length is within reach of
// one token.
func (l *layout) plain(p place) bool {
	end := p.residues + l.longest
	if l.o.MaxLength > 0 && end >= l.o.MaxLength || p.residues < l.o.MinLength && end >= l.o.MinLength {
		return false
	}
	for at := range l.o.Fixed {
		if at >= p.residues && at <= end {
			return false
		}
	}
	return true
}
