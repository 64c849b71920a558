package store

import (
	"context"
	"fmt"
)

// readAhead is how many values are read at once: enough that chunks of many
// times are not read again for each, little enough that memory stays small.
const readAhead = 8 << 20

// fetcher reads records of the inputs while those before are written.
type fetcher struct {
	plan   *Plan
	blocks chan block
	free   chan []float32
	now    block
	moving []float32
}

// block is records in a row of one input.
type block struct {
	first  int // record
	n      int
	values []float32
	err    error
}

func (p *Plan) prefetch(ctx context.Context, from int) *fetcher {
	size := p.opts.Inputs[0].Series.Size()
	many := max(1, min(256, readAhead/size))
	f := &fetcher{plan: p, blocks: make(chan block), free: make(chan []float32, 2)}
	for range 2 {
		f.free <- make([]float32, many*size)
	}
	go func() {
		defer close(f.blocks)
		for i := from; i < len(p.records); {
			// Records that follow one another in the files are one reading.
			n := 1
			for n < many && i+n < len(p.records) && p.records[i+n] == (record{p.records[i].input, p.records[i].at + n}) {
				n++
			}
			b := block{first: i, n: n}
			select {
			case b.values = <-f.free:
			case <-ctx.Done():
				return
			}
			r := p.records[i]
			b.err = p.opts.Inputs[r.input].Series.ReadTimes(ctx, r.at, n, b.values[:n*size])
			select {
			case f.blocks <- b:
			case <-ctx.Done():
				return
			}
			if b.err != nil {
				return
			}
			i += n
		}
	}()
	return f
}

// record makes record i, which follows the one before. empty is the channel
// that has no value, -1 if all have some; to refuse it is an error.
func (f *fetcher) record(ctx context.Context, i int, dst []float32) (empty int, err error) {
	p := f.plan
	if err := ctx.Err(); err != nil {
		return -1, err
	}
	if f.now.values == nil || i >= f.now.first+f.now.n {
		if f.now.values != nil {
			f.free <- f.now.values
		}
		b, ok := <-f.blocks
		if !ok {
			return -1, ctx.Err()
		}
		if f.now = b; b.err != nil {
			return -1, b.err
		}
	}
	s := p.opts.Inputs[p.records[i].input].Series
	src := f.now.values[(i-f.now.first)*s.Size():][:s.Size()]
	if len(p.fixed) > 0 {
		n := s.Grid.Size()
		f.moving = f.moving[:0]
		for _, c := range p.moving {
			f.moving = append(f.moving, src[c*n:][:n]...)
		}
		src = f.moving
	}
	if err := p.layout.apply(dst, src); err != nil {
		return -1, err
	}
	m := p.layout.grid.Size()
	for c := range p.draft.Channels {
		if dst[c*m] == dst[c*m] || countNaN(dst[c*m:][:m]) < m {
			continue
		}
		if p.opts.Empty == DropEmpty {
			return c, nil
		}
		return c, fmt.Errorf("variable %s has no value at %s on the grid of the store: all %d cells are missing; leave that time out, or give --empty drop",
			s.Channels[p.moving[c]], p.where(i), m)
	}
	return -1, nil
}
