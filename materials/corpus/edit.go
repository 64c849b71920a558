package corpus

import "strings"

// edit puts another text in the place of a span.
type edit struct {
	Span
	with string
}

// apply makes edits, ascending, of a document's text, and keeps its sections
// and places right.
func (d *Document) apply(edits []edit) {
	if len(edits) == 0 {
		return
	}
	var text strings.Builder
	at := 0
	var places []Place
	p := 0                       // the place that is next
	keep := func(from, to int) { // places of text that stays
		shift := text.Len() - from
		for ; p < len(d.Places); p++ {
			x := d.Places[p]
			lo, hi := max(from, x.Text.Start), min(to, x.Text.End)
			if lo < hi {
				s := x.Source
				if s.End-s.Start == x.Text.End-x.Text.Start {
					s = Span{s.Start + lo - x.Text.Start, s.Start + hi - x.Text.Start}
				}
				places = append(places, Place{Span{lo + shift, hi + shift}, s})
			}
			if x.Text.End > to {
				break
			}
		}
		text.WriteString(d.Text[from:to])
	}
	var bounds []Span // of each edit in the new text
	for _, e := range edits {
		keep(at, e.Start)
		from := text.Len()
		if s, ok := d.SourceSpan(e.Span); ok {
			places = append(places, Place{Span{from, from + len(e.with)}, s})
		}
		text.WriteString(e.with)
		bounds = append(bounds, Span{from, text.Len()})
		at = e.End
	}
	keep(at, len(d.Text))
	moved := func(b int) int {
		shift := 0
		for i, e := range edits {
			if b < e.End {
				if b > e.Start {
					return bounds[i].Start
				}
				break
			}
			shift = bounds[i].End - e.End
		}
		return b + shift
	}
	for i, s := range d.Sections {
		d.Sections[i].Span = Span{moved(s.Start), moved(s.End)}
	}
	d.Text = text.String()
	if d.Places != nil {
		d.Places = places
	}
}

// SourceSpan returns the bytes of the source file from the first to the last
// byte of a span; false if the document has no places, or one of the two comes
// from nowhere in the file.
func (d *Document) SourceSpan(s Span) (Span, bool) {
	if s.End <= s.Start {
		return Span{}, false
	}
	first, ok := d.sourceOf(s.Start)
	if !ok {
		return Span{}, false
	}
	last, ok := d.sourceOf(s.End - 1)
	return Span{first.Start, last.End}, ok
}

func (d *Document) sourceOf(at int) (Span, bool) {
	lo, hi := 0, len(d.Places)
	for lo < hi {
		if mid := (lo + hi) / 2; d.Places[mid].Text.End <= at {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(d.Places) || d.Places[lo].Text.Start > at {
		return Span{}, false
	}
	p := d.Places[lo]
	if p.Text.End-p.Text.Start == p.Source.End-p.Source.Start {
		from := p.Source.Start + at - p.Text.Start
		return Span{from, from + 1}, true
	}
	return p.Source, true
}
