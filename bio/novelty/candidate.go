package novelty

import (
	"sync"
	"sync/atomic"
)

// target is a training sequence that is kept.
type target struct {
	index    int64 // its number in the training data, from 0
	id       string
	residues []byte
}

// candidate is a target that may be the nearest of a query.
type candidate struct {
	segment
	*target
}

// before is the order of candidates: the better first, then the earlier. It is
// total, so that the best few do not depend on who came first.
func (c candidate) before(o candidate) bool {
	if c.score != o.score {
		return c.score > o.score
	}
	return c.index < o.index
}

// shortlist keeps the best candidates of one query. The worst lies at the top
// of a heap.
type shortlist struct {
	mu    sync.Mutex
	limit int
	worst atomic.Int32 // score of the worst once it is full, else 0
	heap  []candidate
}

// wants tells without waiting whether a score may still enter.
func (l *shortlist) wants(score int32) bool { return score >= l.worst.Load() }

func (l *shortlist) offer(c candidate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.heap
	if len(h) < l.limit {
		h = append(h, c)
		for i := len(h) - 1; i > 0; {
			up := (i - 1) / 2
			if !h[up].before(h[i]) {
				break
			}
			h[up], h[i] = h[i], h[up]
			i = up
		}
		l.heap = h
	} else {
		if !c.before(h[0]) {
			return
		}
		h[0] = c
		for i := 0; ; {
			down := 2*i + 1
			if down+1 < len(h) && h[down].before(h[down+1]) {
				down++
			}
			if down >= len(h) || !h[i].before(h[down]) {
				break
			}
			h[down], h[i] = h[i], h[down]
			i = down
		}
	}
	if len(h) == l.limit {
		l.worst.Store(h[0].score)
	}
}
