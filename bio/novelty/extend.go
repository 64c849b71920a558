package novelty

import "github.com/kiban-models/kiban/bio/align"

const (
	// dropOff ends an extension that has fallen so far below its best score.
	dropOff = 16
	// twoHits is how near two seeds must lie on a diagonal for it to be looked
	// at, as in BLAST: one seed alone is nearly always chance, unless its
	// residues are the same and not only alike.
	twoHits = 60
)

// segment is an alignment without gaps of one query and one target.
type segment struct {
	score  int32
	query  int32 // middle of it in the query, from the query's start
	target int32 // and in the target
}

// prefilter finds, target by target, the best segment of each query through a
// common seed. One for each goroutine.
type prefilter struct {
	q *queries
	// last is, by diagonal of all queries together, where along the target the
	// last seed was, or where the last extension ended. It is counted from base,
	// so that it need not be cleared for each target.
	last   []uint32
	base   uint32
	best   []segment // by query, valid for those of hit
	hit    []int32   // queries with a segment in this target
	isHit  []bool
	groups []int8
}

func newPrefilter(q *queries) *prefilter {
	return &prefilter{q: q, best: make([]segment, q.len()), isHit: make([]bool, q.len())}
}

// run leaves the queries that share a seed with target in hit and their
// segments in best.
func (p *prefilter) run(target []byte) {
	for _, i := range p.hit {
		p.isHit[i] = false
	}
	p.hit = p.hit[:0]
	n := len(target)
	if need := len(p.q.residues) + n; len(p.last) < need || p.base > 1<<31 {
		p.last, p.base = make([]uint32, need+need/4), 1
	}
	p.groups = p.groups[:0]
	for _, c := range target {
		p.groups = append(p.groups, seedGroup[c])
	}
	for t := 0; t+seedSpan <= n; t++ {
		code, ok := seedCode(p.groups[t : t+seedSpan])
		if !ok {
			continue
		}
		places := p.q.places[p.q.heads[code]:p.q.heads[code+1]]
		exact := seedExact(target[t:])
		for _, place := range places {
			at := place.at
			diagonal := int(at) - t + n
			// Of all queries, several share a diagonal; extend stays within one.
			before, now := p.last[diagonal], p.base+uint32(t)+1
			if before > now {
				continue
			}
			if (before <= p.base || now-before > twoHits) && place.exact != exact {
				p.last[diagonal] = now
				continue
			}
			query := p.q.of[at]
			s, end := p.extend(query, int(at), target, t)
			p.last[diagonal] = p.base + uint32(end) + 1
			switch {
			case !p.isHit[query]:
				p.isHit[query] = true
				p.hit = append(p.hit, query)
				p.best[query] = s
			case s.score > p.best[query].score:
				p.best[query] = s
			}
		}
	}
	p.base += uint32(n) + 2
}

// extend goes from a seed both ways while the score does not fall too far, and
// returns the best segment and how far along the target it looked.
func (p *prefilter) extend(query int32, at int, target []byte, t int) (segment, int) {
	start, end := int(p.q.start[query]), int(p.q.start[query+1])
	residues := p.q.residues
	var score, top int
	right, looked := t, t
	for i, j := at, t; i < end && j < len(target); i, j = i+1, j+1 {
		score += align.Score(residues[i], target[j])
		looked = j + 1
		if score > top {
			top, right = score, j+1
		} else if score <= top-dropOff {
			break
		}
	}
	left := t
	score = top
	for i, j := at-1, t-1; i >= start && j >= 0; i, j = i-1, j-1 {
		score += align.Score(residues[i], target[j])
		if score > top {
			top, left = score, j
		} else if score <= top-dropOff {
			break
		}
	}
	middle := (left + right) / 2
	return segment{int32(top), int32(middle - t + at - start), int32(middle)}, max(looked, t+1)
}
