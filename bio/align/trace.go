package align

// Ways to arrive at the best score of a cell, and whether gaps there go on.
const (
	fromDiagonal byte = 1 << iota
	fromUp            // a gap in the target
	fromLeft          // a gap in the query
	upGoesOn
	leftGoesOn
)

// trace finds a best alignment by itself. It takes 1 byte for each pair of
// residues.
func trace(query, target []byte) Alignment {
	const open, extend = GapOpen + GapExtend, GapExtend
	m, n := len(query), len(target)
	steps := make([]byte, m*n)
	best, gap := make([]int, n), make([]int, n)
	top, endI, endJ := 0, 0, 0
	for i, q := range query {
		diagonal, left, across := 0, 0, 0
		for j, t := range target {
			var step byte
			up := best[j]
			h := 0
			if d := diagonal + Score(q, t); d > 0 {
				h, step = d, fromDiagonal
			}
			diagonal = up
			if gap[j]-extend > up-open {
				step |= upGoesOn
			}
			gap[j] = max(gap[j]-extend, up-open)
			if across-extend > left-open {
				step |= leftGoesOn
			}
			across = max(across-extend, left-open)
			if gap[j] > h {
				h, step = gap[j], step&^fromDiagonal|fromUp
			}
			if across > h {
				h, step = across, step&^(fromDiagonal|fromUp)|fromLeft
			}
			best[j], left = h, h
			steps[i*n+j] = step
			if h > top {
				top, endI, endJ = h, i, j
			}
		}
	}
	var out Alignment
	if top == 0 {
		return out
	}
	out.QueryEnd, out.TargetEnd = endI+1, endJ+1
	i, j := endI, endJ
	for i >= 0 && j >= 0 {
		step := steps[i*n+j]
		switch {
		case step&fromDiagonal != 0:
			out.Score += Score(query[i], target[j])
			if query[i] == target[j] {
				out.Identical++
			} else {
				out.Mismatches++
			}
			i, j = i-1, j-1
		case step&fromUp != 0:
			out.GapOpens++
			out.Score -= GapOpen
			for on := true; on; i-- {
				on = steps[i*n+j]&upGoesOn != 0
				out.GapResidues++
				out.Score -= extend
			}
		case step&fromLeft != 0:
			out.GapOpens++
			out.Score -= GapOpen
			for on := true; on; j-- {
				on = steps[i*n+j]&leftGoesOn != 0
				out.GapResidues++
				out.Score -= extend
			}
		default:
			out.QueryStart, out.TargetStart = i+1, j+1
			return out
		}
	}
	out.QueryStart, out.TargetStart = i+1, j+1
	return out
}
