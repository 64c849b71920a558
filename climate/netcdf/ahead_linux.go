//go:build cgo && !nonetcdf

package netcdf

import (
	"slices"
	"sync/atomic"
)

// stream is how a variable is read. Hyperslabs that follow one another along a
// dimension make it one, and then the next is read while the program computes.
type stream struct {
	start, count []int   // read last
	next         *ask    // on its way
	nextStart    []int   // of next
	nextCount    []int   //
	worker       *worker // the one that has its chunks
}

const (
	leastAhead = 4 << 10 // bytes that are worth it
	mostAhead  = 16 << 20
	allAhead   = 128 << 20 // of all files
)

var ahead atomic.Int64 // bytes that are read ahead, of all files

// reserve changes what the file has of them. The caller has p.mu.
func (p *apart) reserve(n int) {
	p.ahead += n
	ahead.Add(int64(n))
}

// take is what was read ahead, if it is what is wanted.
func (p *apart) take(at int, start, count []int) *ask {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.streams[at]
	a := s.next
	if a == nil {
		return nil
	}
	if s.next = nil; slices.Equal(s.nextStart, start) && slices.Equal(s.nextCount, count) {
		return a
	}
	p.reserve(-len(a.into))
	return nil
}

// forget gives back the room of what was not read.
func (p *apart) forget(a *ask) {
	p.mu.Lock()
	p.reserve(-len(a.into))
	p.mu.Unlock()
}

// readAhead notes what is read, and asks for what is likely to come next. room
// has been read ahead, and can be used again.
func (p *apart) readAhead(at int, start, count []int, room []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reserve(-len(room))
	s := &p.streams[at]
	v := p.variables[at]
	along := follows(s.start, s.count, start, count)
	s.start, s.count = append(s.start[:0], start...), append(s.count[:0], count...)
	if along < 0 || s.next != nil {
		return
	}
	from, n := slices.Clone(start), slices.Clone(count)
	from[along] += count[along]
	if n[along] = min(n[along], v.Shape[along]-from[along]); n[along] == 0 {
		return
	}
	size := product(typeBytes[v.Type], n)
	if size < leastAhead || size > mostAhead || ahead.Load()+int64(size) > allAhead {
		return
	}
	if s.worker == nil {
		s.worker = p.spread()
	}
	w, err := p.worker(at)
	if err != nil {
		return // reading it when it is wanted will say so
	}
	if cap(room) < size {
		room = make([]byte, size)
	}
	a := &ask{kind: frameValues, of: v.Type, into: room[:size]}
	p.reserve(size)
	s.next, s.nextStart, s.nextCount = a, from, n
	w.send(a, nil, askRead, slab(at, from, n)...)
}

// follows is the dimension along which a hyperslab follows another, -1 if it
// does not.
func follows(start0, count0, start, count []int) int {
	if len(start0) != len(start) || !slices.Equal(count0, count) {
		return -1
	}
	along := -1
	for i := range start {
		switch {
		case start[i] == start0[i]:
		case start[i] == start0[i]+count0[i] && along < 0:
			along = i
		default:
			return -1
		}
	}
	return along
}

// spread is the process for one more stream: the one that has the fewest, or a
// new one while there are processors for it.
func (p *apart) spread() *worker {
	has := make([]int, len(p.workers))
	for _, s := range p.streams {
		if i := slices.Index(p.workers, s.worker); i >= 0 {
			has[i]++
		}
	}
	best := -1
	for i := range p.workers {
		if best < 0 || has[i] < has[best] {
			best = i
		}
	}
	if best < 0 || has[best] > 0 && len(p.workers) < mostWorkers() && int(alive.Load()) < 2*mostWorkers() {
		if w, err := p.more(); err == nil {
			return w
		}
	}
	if best < 0 {
		return nil
	}
	return p.workers[best]
}
