package novelty

import "github.com/kiban-models/kiban/bio/align"

const (
	// dropOff ends an extension that has fallen so far below its best score.
	dropOff = 16
	// twoHits is how near two seeds must lie on a diagonal for it to be looked
	// at, as in BLAST: one seed alone is nearly always chance, unless it is a
	// strong one.
	twoHits = 40
)

// extendScores are align.Score by the low bits of letters, in a table that the
// nearest cache holds.
var extendScores = func() (t [32][32]int8) {
	for a := byte('A'); a <= 'Z'; a++ {
		for b := byte('A'); b <= 'Z'; b++ {
			t[a&31][b&31] = int8(align.Score(a, b))
		}
	}
	return t
}()

// segment is an alignment without gaps of one query and one target.
type segment struct {
	score  int32
	query  int32 // middle of it in the query, from the query's start
	target int32 // and in the target
}

// prefilter finds, target by target, the best segment of each query of a block
// through a common seed. One for each goroutine.
type prefilter struct {
	q *queries
	// last is, by diagonal of all queries of the block together, where along the
	// target the last seed was, or where the last extension ended. It is counted
	// from base, so that it need not be cleared for each target and block.
	last    []uint32
	base    uint32
	best    []segment // by query, valid for those of hit
	hit     []int32   // queries with a segment in this target
	isHit   []bool
	letters []int8
}

func newPrefilter(q *queries) *prefilter {
	return &prefilter{q: q, best: make([]segment, q.len()), isHit: make([]bool, q.len())}
}

// run leaves the queries of a block that share seeds with target in hit and
// their segments in best.
func (p *prefilter) run(b *block, target []byte) {
	for _, i := range p.hit {
		p.isHit[i] = false
	}
	p.hit = p.hit[:0]
	n, from := len(target), int(p.q.start[b.first])
	if need := int(p.q.start[b.end]) - from + n; len(p.last) < need || p.base > 1<<31 {
		p.last, p.base = make([]uint32, need+need/4), twoHits
	}
	last := p.last
	p.letters = appendLetters(p.letters[:0], target)
	for t := 0; t+seedSpan <= n; t++ {
		code := seedCode(p.letters[t:])
		if code < 0 {
			continue
		}
		now, shift := p.base+uint32(t)+1, n-t-from
		for _, place := range b.places[b.heads[code]:b.heads[code+1]] {
			at := int(place &^ strong)
			// Of all queries, several share a diagonal; extend stays within one.
			diagonal := at + shift
			before := last[diagonal]
			// Nearly all seeds are alone, or, as before is later than now and the
			// difference huge, extended over: one branch for both is rarely wrong.
			if now-before > twoHits && place < strong {
				last[diagonal] = max(before, now)
				continue
			}
			if before > now {
				continue
			}
			query := p.q.of[at]
			s, end := p.extend(query, at, target, t)
			last[diagonal] = p.base + uint32(end) + 1
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
	p.base += uint32(n) + 2 + twoHits
}

// extend goes from a seed both ways while the score does not fall too far, and
// returns the best segment and how far along the target it looked.
func (p *prefilter) extend(query int32, at int, target []byte, t int) (segment, int) {
	start, end := int(p.q.start[query]), int(p.q.start[query+1])
	residues := p.q.residues
	var score, top int
	right, looked := t, t
	for i, j := at, t; i < end && j < len(target); i, j = i+1, j+1 {
		score += int(extendScores[residues[i]&31][target[j]&31])
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
		score += int(extendScores[residues[i]&31][target[j]&31])
		if score > top {
			top, left = score, j
		} else if score <= top-dropOff {
			break
		}
	}
	middle := (left + right) / 2
	return segment{int32(top), int32(middle - t + at - start), int32(middle)}, max(looked, t+1)
}
