package relation

import (
	"errors"
	"fmt"
)

// Markers stand around the two entities of a pair: tokens that a model of
// relations has beside its vocabulary.
var Markers = []string{"[E1]", "[/E1]", "[E2]", "[/E2]"}

// Tokenizer turns a piece of text into ids, without special tokens.
type Tokenizer func(text string) []int32

// Special are the ids that frame a pair.
type Special struct {
	CLS, SEP int32
	Markers  [4]int32 // of Markers
}

// Row is a pair as the model reads it.
type Row struct {
	IDs []int32
	// Places are those of [E1] and [E2] in IDs, whose hidden states are
	// classified.
	Places [2]int32
}

// ErrLong is the error of a pair that a model cannot see whole.
var ErrLong = errors.New("longer than the model sees")

// Tokens returns the row of an example. A context longer than the model's is
// cut on both sides, as near the middle of the pair as can be: the published
// rule. A pair that is too long in itself is an ErrLong.
func (e Example) Tokens(tokenize Tokenizer, s Special, length int) (Row, error) {
	one, two := e.Head, e.Tail
	marks := s.Markers
	if e.Tail.Start < e.Head.Start {
		one, two = two, one
		marks = [4]int32{marks[2], marks[3], marks[0], marks[1]}
	}
	var ids []int32
	ids = append(ids, tokenize(e.Text[:one.Start])...)
	first := len(ids)
	ids = append(ids, marks[0])
	ids = append(ids, tokenize(e.Text[one.Start:one.End])...)
	ids = append(ids, marks[1])
	ids = append(ids, tokenize(e.Text[one.End:two.Start])...)
	second := len(ids)
	ids = append(ids, marks[2])
	ids = append(ids, tokenize(e.Text[two.Start:two.End])...)
	last := len(ids)
	ids = append(ids, marks[3])
	ids = append(ids, tokenize(e.Text[two.End:])...)
	room := length - 2
	if last-first+1 > room {
		return Row{}, fmt.Errorf("%s: the pair %q and %q spans %d tokens and the model sees %d: %w", e.Doc, e.Text[e.Head.Start:e.Head.End], e.Text[e.Tail.Start:e.Tail.End], last-first+1, room, ErrLong)
	}
	start, end := 0, len(ids)
	if len(ids) > room {
		spare := (room - (last - first + 1)) / 2
		start, end = max(0, first-spare), min(len(ids), last+spare+1)
	}
	row := append([]int32{s.CLS}, ids[start:end]...)
	row = append(row, s.SEP)
	r := Row{IDs: row, Places: [2]int32{int32(first - start + 1), int32(second - start + 1)}}
	if e.Tail.Start < e.Head.Start {
		r.Places[0], r.Places[1] = r.Places[1], r.Places[0]
	}
	return r, nil
}
