package align

// Scorer computes the score of the best local alignment without the alignment,
// in memory that grows with the target only and some ten times faster than
// Local: for choosing whom to align (ManyScorer is faster yet). The zero value is ready; it is not safe
// for concurrent use.
type Scorer struct {
	best, gap []int32 // of the row above, by column: ending there; ending in a gap in the target
}

// Score returns the score of Local.
func (s *Scorer) Score(query, target []byte) int {
	const open, extend = GapOpen + GapExtend, GapExtend
	n := len(target)
	if cap(s.best) < n {
		s.best, s.gap = make([]int32, n), make([]int32, n)
	}
	best, gap := s.best[:n], s.gap[:n]
	clear(best)
	clear(gap)
	top := int32(0)
	for _, q := range query {
		row := &scores[q]
		var diagonal, left, across int32 // across: ending in a gap in the query
		for j, t := range target {
			up := best[j]
			h := max(diagonal+int32(row[t]), 0)
			diagonal = up
			g := max(gap[j]-extend, up-open)
			gap[j] = g
			across = max(across-extend, left-open)
			h = max(h, g, across)
			best[j] = h
			left = h
			top = max(top, h)
		}
	}
	return int(top)
}
