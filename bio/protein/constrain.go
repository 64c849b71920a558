package protein

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
	longest int      // token, in bytes
	eot     int32
	known   map[layoutKey][]bool
}

type layoutKey struct {
	column                int
	begun, closed, enough bool
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
		l.longest = max(l.longest, len(text))
	}
	return l
}

// constrain returns the function for one sequence.
func (l *layout) constrain() func(tokens []int32, allowed []bool) {
	if l == nil {
		return nil
	}
	var p place
	seen := 1 // tokens of the sequence that p covers; the first is <|endoftext|>
	return func(tokens []int32, allowed []bool) {
		for ; seen < len(tokens); seen++ {
			p, _ = p.step(l.text[tokens[seen]], l.o)
		}
		l.allow(p, allowed)
	}
}

func (l *layout) allow(p place, allowed []bool) {
	key := layoutKey{p.column, p.begun, p.closed, l.o.enough(p.residues)}
	plain := l.plain(p)
	if known := l.known[key]; plain && known != nil {
		copy(allowed, known)
		return
	}
	for id, text := range l.text {
		if int32(id) == l.eot {
			allowed[id] = key.enough && (p.closed || p.column == 0)
			continue
		}
		_, ok := p.step(text, l.o)
		allowed[id] = ok && len(text) > 0
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
