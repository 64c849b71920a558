package protein

import (
	"context"
	"encoding/binary"
	"path/filepath"
	"sync/atomic"

	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/group"
)

// duplicates finds records whose ID or sequence an earlier one has. The first
// stays.
func (p *preparation) duplicates(ctx context.Context) error {
	err := p.ledger.each(ctx, func(i uint32, r *row) error {
		p.states[i] = p.opts.lengthState(int(r.length))
		return nil
	})
	if err != nil {
		return err
	}
	sum := &p.summary
	switch p.opts.Reader.Duplicates {
	case sequence.FirstDuplicate:
		sum.DuplicateIDs, err = p.mark(ctx, "comparing IDs", func(r *row) *dataset.Digest { return &r.id }, func(byte) bool { return true }, stateSameID)
	case sequence.RenameDuplicates: // the names are not kept, so there is nothing to rename
		sum.DuplicateIDs, err = p.mark(ctx, "comparing IDs", func(r *row) *dataset.Digest { return &r.id }, func(byte) bool { return true }, unmarked)
	}
	if err != nil {
		return err
	}
	if sum.Duplicates, err = p.mark(ctx, "comparing sequences", func(r *row) *dataset.Digest { return &r.digest }, kept, stateSameSequence); err != nil {
		return err
	}
	for _, s := range p.states {
		switch s {
		case stateTooShort:
			sum.TooShort++
		case stateTooLong:
			sum.TooLong++
		}
	}
	return nil
}

const unmarked byte = 255

// mark gives state to all records but the first of each digest, among those
// that take part, and counts them.
func (p *preparation) mark(ctx context.Context, phase string, digest func(*row) *dataset.Digest, takesPart func(state byte) bool, state byte) (int64, error) {
	pairs, err := group.NewPairs(filepath.Join(p.ws.Dir(), "digests"))
	if err != nil {
		return 0, err
	}
	defer pairs.Close()
	p.progress(phase, 0, 2*p.ledger.n)
	err = p.ledger.each(ctx, func(i uint32, r *row) error {
		if i%(1<<16) == 0 {
			p.progress(phase, int64(i), 2*p.ledger.n)
		}
		if !takesPart(p.states[i]) {
			return nil
		}
		return pairs.Add(binary.BigEndian.Uint64(digest(r)[8:]), uint64(i))
	})
	if err != nil {
		return 0, err
	}
	var found atomic.Int64
	err = pairs.Runs(ctx, p.opts.Threads, func(n int64) { p.progress(phase, p.ledger.n+n, 2*p.ledger.n) }, func(run []group.Pair) error {
		if len(run) == 1 {
			return nil
		}
		// Half of the digest is equal: look at the whole.
		seen := map[dataset.Digest]bool{}
		for _, e := range run {
			r, err := p.ledger.row(uint32(e.Value))
			if err != nil {
				return err
			}
			if d := *digest(&r); !seen[d] {
				seen[d] = true
				continue
			}
			found.Add(1)
			if state != unmarked {
				p.states[e.Value] = state
			}
		}
		return nil
	})
	return found.Load(), err
}
