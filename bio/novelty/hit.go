package novelty

import (
	"cmp"
	"slices"

	"github.com/kiban-models/kiban/bio/align"
)

// Hit is the alignment of a query with a training sequence.
type Hit struct {
	align.Alignment
	Query          int    // number of the query
	QueryLength    int    // residues
	Target         string // ID
	TargetIndex    int64  // number in the training data, from 0
	TargetLength   int
	TargetResidues []byte
	Bits           float64
	EValue         float64 // in all training residues
}

// QueryIdentity is the share of the query's residues that the alignment pairs
// with the same residue: 1 for a copy, and low for a short match however exact.
// It is what novelty is measured by.
func (h Hit) QueryIdentity() float64 { return share(h.Identical, h.QueryLength) }

// QueryCoverage is the share of the query's residues in the alignment.
func (h Hit) QueryCoverage() float64 { return share(h.QueryEnd-h.QueryStart, h.QueryLength) }

// TargetCoverage is the same of the training sequence.
func (h Hit) TargetCoverage() float64 { return share(h.TargetEnd-h.TargetStart, h.TargetLength) }

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// alignCells bounds the memory of an alignment, at 24 bytes each. Of a longer
// pair, alignWindow residues of each around the middle of the segment are
// aligned.
const (
	alignCells  = 4 << 20
	alignWindow = 2000
)

// ranker orders the candidates of queries. One for each goroutine.
type ranker struct {
	q        *queries
	database int64
	opts     Options
	aligner  *align.Aligner

	scorer  align.ManyScorer
	whole   []int // candidates that are scored together, their targets and scores
	targets [][]byte
	scores  []int
}

func newRanker(q *queries, database int64, opts Options) *ranker {
	return &ranker{q: q, database: database, opts: opts, aligner: align.New()}
}

// rank returns the best hits of query i, nearest first: by score, then by place
// in the training data.
func (r *ranker) rank(i int, candidates []candidate) ([]Hit, error) {
	type scored struct {
		candidate
		gapped int
	}
	all := make([]scored, len(candidates))
	r.score(i, candidates, func(k, score int) { all[k] = scored{candidates[k], score} })
	slices.SortFunc(all, func(a, b scored) int {
		return cmp.Or(b.gapped-a.gapped, cmp.Compare(a.index, b.index))
	})
	n := len(r.q.sequence(i))
	var out []Hit
	for _, c := range all[:min(r.opts.Hits, len(all))] {
		e := align.EValue(c.gapped, n, r.database)
		if c.gapped == 0 || r.opts.MaxEValue > 0 && e > r.opts.MaxEValue {
			break
		}
		q, t, qFrom, tFrom := r.cut(i, c.candidate)
		a, err := r.aligner.Local(q, t)
		if err != nil {
			return nil, err
		}
		a.QueryStart, a.QueryEnd = a.QueryStart+qFrom, a.QueryEnd+qFrom
		a.TargetStart, a.TargetEnd = a.TargetStart+tFrom, a.TargetEnd+tFrom
		out = append(out, Hit{Alignment: a, Query: i, QueryLength: n, Target: c.id, TargetIndex: c.index,
			TargetLength: len(c.residues), TargetResidues: c.residues, Bits: align.Bits(a.Score), EValue: e})
	}
	return out, nil
}

// score tells the score with gaps of every candidate. Those that are aligned
// with the whole query are scored together.
func (r *ranker) score(i int, candidates []candidate, tell func(k, score int)) {
	r.whole, r.targets = r.whole[:0], r.targets[:0]
	var one [1]int
	for k, c := range candidates {
		q, t, _, _ := r.cut(i, c)
		if len(q) < len(r.q.sequence(i)) {
			r.scorer.Scores(q, [][]byte{t}, one[:])
			tell(k, one[0])
			continue
		}
		r.whole, r.targets = append(r.whole, k), append(r.targets, t)
	}
	r.scores = slices.Grow(r.scores[:0], len(r.whole))[:len(r.whole)]
	r.scorer.Scores(r.q.sequence(i), r.targets, r.scores)
	for n, k := range r.whole {
		tell(k, r.scores[n])
	}
}

// cut is the part of query and target that is aligned, and where it begins.
func (r *ranker) cut(i int, c candidate) (query, target []byte, qFrom, tFrom int) {
	query, target = r.q.sequence(i), c.residues
	if len(query)*len(target) <= alignCells {
		return query, target, 0, 0
	}
	around := func(s []byte, middle int32) ([]byte, int) {
		from := max(0, min(int(middle)-alignWindow/2, len(s)-alignWindow))
		return s[from:min(len(s), from+alignWindow)], from
	}
	query, qFrom = around(query, c.segment.query)
	target, tFrom = around(target, c.segment.target)
	return query, target, qFrom, tFrom
}
