package protein

// place is how far a text has come.
type place struct {
	residues int
	column   int  // residues in the line
	begun    bool // the first line break is there
}

// step goes on by the bytes of a token, and reports whether they keep to the
// layout of Text and to the demanded residues.
func (p place) step(text []byte, o *GenerateOptions) (place, bool) {
	for _, c := range text {
		if c == '\n' {
			if p.begun && p.column != LineWidth {
				return p, false // only the last line may be short, and the end follows it
			}
			p.begun, p.column = true, 0
			continue
		}
		if !p.begun || c < 'A' || c > 'Z' || p.column == LineWidth || o.MaxLength > 0 && p.residues >= o.MaxLength {
			return p, false
		}
		if want, ok := o.Fixed[p.residues]; ok && c != want {
			return p, false
		}
		p.residues++
		p.column++
	}
	return p, true
}

// constrain returns the function that lets only tokens pass that keep to the
// user's demands, or nil if there are none: then the model is free, as in
// ProtGPT2's recipe.
func (g *Generator) constrain(o GenerateOptions) func(tokens []int32, allowed []bool) {
	if len(o.Fixed) == 0 && o.MinLength == 0 && o.MaxLength == 0 {
		return nil
	}
	last := o.MinLength - 1
	for at := range o.Fixed {
		last = max(last, at)
	}
	spell := g.Scoring.Spelling
	eot := g.Scoring.Config.EOT()
	var p place
	seen, closed := 1, false // tokens of the sequence that p covers; the last break has come
	return func(tokens []int32, allowed []bool) {
		for ; seen < len(tokens); seen++ {
			text := spell.TokenBytes(tokens[seen])
			if next, ok := p.step(text, &o); ok {
				p = next
			} else {
				closed = string(text) == "\n"
			}
		}
		enough := p.residues > last
		for id := range allowed {
			text := spell.TokenBytes(int32(id))
			switch {
			case int32(id) == eot:
				allowed[id] = enough && p.residues > 0
			case closed || len(text) == 0:
				allowed[id] = false
			default:
				_, ok := p.step(text, &o)
				// The break that ends a short last line.
				allowed[id] = ok || enough && p.column > 0 && string(text) == "\n"
			}
		}
	}
}
