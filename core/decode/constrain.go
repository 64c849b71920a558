package decode

import (
	"fmt"
	"math"
	"slices"

	"github.com/kiban-models/kiban/core/tensor"
)

// constrain writes which tokens each sequence may take next, and shortens
// sequences whose end is taken back; ended says which constraints have agreed to the
// end.
func (d *Decoder) constrain(reqs []Request, ended []bool) error {
	now := d.results(len(reqs))
	mask := d.mask.Float32()
	back := map[int]int{} // rows that lose tokens, and how many stay
	for i, r := range reqs {
		row := mask[i*d.shape.Vocab : (i+1)*d.shape.Vocab]
		clear(row)
		place := len(now[i]) // of the next token
		atEnd := d.done.Int32()[i] != 0
		if r.Constrain == nil || ended[i] {
			continue
		}
		if atEnd && (place == len(r.Prompt) || now[i][place-1] != d.shape.EOS) {
			ended[i] = true // at the limit
			continue
		}
		keep, ok := ask(r, now[i], d.allowed)
		if keep < place {
			place = keep
			back[i] = place
		} else if atEnd {
			ended[i] = true
			continue
		}
		if _, forced := r.Forced[place]; forced {
			continue
		}
		if !ok {
			return noToken(i)
		}
		for id, ok := range d.allowed {
			if !ok {
				row[id] = float32(math.Inf(-1))
			}
		}
	}
	if err := d.step.Write("mask", d.mask); err != nil {
		return err
	}
	return d.takeBack(back)
}

// ask calls a constraint. It returns how many tokens stay and whether any may
// follow.
func ask(r Request, tokens []int32, allowed []bool) (keep int, any bool) {
	for id := range allowed {
		allowed[id] = true
	}
	keep = min(max(r.Constrain(tokens, allowed), len(r.Prompt)), len(tokens))
	return keep, slices.Contains(allowed, true)
}

// DeadEnd is the error of a sequence that can neither go on nor end.
type DeadEnd struct{ Sequence int } // number of the request, from 0

func (e *DeadEnd) Error() string {
	return fmt.Sprintf("decode: sequence %d has no token left that its constraints allow", e.Sequence+1)
}

func noToken(i int) error { return &DeadEnd{i} }

// redraw separates the streams of random numbers of a sequence's attempts.
const redraw = 1 << 20

// takeBack shortens rows and moves them to another stream.
func (d *Decoder) takeBack(rows map[int]int) error {
	if len(rows) == 0 {
		return nil
	}
	current, err := d.backend.Get(d.shape.state("current"))
	if err != nil {
		return err
	}
	for i, keep := range rows {
		d.done.Int32()[i] = 0
		d.pos.Int32()[i] = int32(keep - 1)
		current.Int32()[i] = d.tokens.Int32()[i*d.shape.Len+keep-1]
		d.stream.Int32()[i] += redraw
	}
	for name, t := range map[string]*tensor.Tensor{"done": d.done, "pos": d.pos, "current": current} {
		if err := d.backend.Put(d.shape.state(name), t); err != nil {
			return err
		}
	}
	return d.step.Write("stream", d.stream)
}
