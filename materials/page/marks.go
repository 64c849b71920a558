package page

import (
	"cmp"
	"container/heap"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/kiban-models/kiban/materials/corpus"
)

// piece is a stretch of an entity that is marked as one.
type piece struct {
	corpus.Span
	entity int
	last   bool // of the entity
}

// pieces is a heap: what begins first comes first, of these the longer.
type pieces []piece

func (p pieces) Len() int { return len(p) }
func (p pieces) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(p[i].Start, p[j].Start), cmp.Compare(p[j].End, p[i].End), cmp.Compare(p[i].entity, p[j].entity)) < 0
}
func (p pieces) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *pieces) Push(x any)   { *p = append(*p, x.(piece)) }
func (p *pieces) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}

// highlighted writes the first limit bytes of a document's text with its
// entities marked. Entities within others are marks within marks; of two that
// cross, the later is cut where the earlier ends. number gives a label's number.
func highlighted(b *strings.Builder, d *corpus.Annotated, limit int, number func(label string) int) error {
	text := d.Text[:limit]
	var todo pieces
	for i, e := range d.Entities {
		for k, s := range e.Spans {
			if s.Start < 0 || s.Start >= s.End || s.End > len(d.Text) || !boundary(d.Text, s.Start) || !boundary(d.Text, s.End) {
				return fmt.Errorf("page: %s: entity %d is said to be at bytes %d to %d of %d, or within a character", d.ID, i, s.Start, s.End, len(d.Text))
			}
			if s.Start < limit {
				last := k == len(e.Spans)-1 && s.End <= limit
				todo = append(todo, piece{corpus.Span{Start: s.Start, End: min(s.End, limit)}, i, last})
			}
		}
	}
	heap.Init(&todo)
	var open []piece
	at, points := 0, 0
	write := func(to int) {
		escape(b, text[at:to])
		points += utf8.RuneCountInString(text[at:to])
		at = to
	}
	closeUntil := func(start int) {
		for len(open) > 0 && open[len(open)-1].End <= start {
			p := open[len(open)-1]
			open = open[:len(open)-1]
			write(p.End)
			if p.last {
				b.WriteString(`<span class="label">`)
				escape(b, d.Entities[p.entity].Label)
				b.WriteString(`</span>`)
			}
			b.WriteString(`</mark>`)
		}
	}
	for len(todo) > 0 {
		p := heap.Pop(&todo).(piece)
		closeUntil(p.Start)
		write(p.Start)
		if n := len(open); n > 0 && open[n-1].End < p.End {
			cut := open[n-1].End
			heap.Push(&todo, piece{corpus.Span{Start: cut, End: p.End}, p.entity, p.last})
			p.End, p.last = cut, false
		}
		e := &d.Entities[p.entity]
		end := points + utf8.RuneCountInString(text[p.Start:p.End])
		fmt.Fprintf(b, `<mark class="entity l%d`, number(e.Label))
		if !p.last {
			b.WriteString(` part`)
		}
		if n := p.End - p.Start; n <= keptTogether && !strings.ContainsAny(text[p.Start:p.End], "\r\n") {
			b.WriteString(` keep`)
		}
		fmt.Fprintf(b, `" data-entity="%d" data-start="%d" data-end="%d"`, p.entity, points, end)
		if e.Score > 0 {
			fmt.Fprintf(b, ` style="--s:%.2f"`, saturation(e.Score))
		}
		b.WriteString(` title="`)
		escape(b, tooltip(e))
		b.WriteString(`">`)
		open = append(open, p)
	}
	closeUntil(limit)
	write(limit)
	return nil
}

// keptTogether is the number of bytes up to which a mark and its label are not
// divided between lines.
const keptTogether = 36

func boundary(s string, at int) bool { return at == len(s) || utf8.RuneStart(s[at]) }

// saturation is 1 for a score of 1 and 0.2 for 0.5 and less: a guess between
// two labels is pale, and still to be seen.
func saturation(score float64) float64 { return max(0.2, min(1, 0.2+1.6*(score-0.5))) }

func tooltip(e *corpus.Entity) string {
	s := e.Label
	if e.Score > 0 {
		s += fmt.Sprintf(" · score %.3f", e.Score)
	}
	if e.Normalized != "" {
		s += " · " + e.Normalized
	}
	return s
}

// escape writes text as HTML. A carriage return is a reference, for a browser
// makes a line feed of the character.
func escape(b *strings.Builder, s string) { _, _ = escaper.WriteString(b, s) }

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "\r", "&#13;", "\x00", "\ufffd")
