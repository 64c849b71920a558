package align

import (
	"fmt"

	"github.com/biogo/biogo/align"
	"github.com/biogo/biogo/alphabet"
	"github.com/biogo/biogo/seq/linear"

	"github.com/kiban-models/kiban/bio/sequence"
)

// MaxCells is the largest product of two lengths that Local takes: biogo keeps
// 24 bytes for each pair of residues.
const MaxCells = 64 << 20

// Alignment of a query and a target. Ranges are from 0, ends excluded.
type Alignment struct {
	Score                int
	QueryStart, QueryEnd int
	TargetStart          int
	TargetEnd            int
	Identical            int // columns of two equal residues
	Mismatches           int // columns of two different ones
	GapOpens             int
	GapResidues          int // columns with a gap
}

// Length is the number of columns.
func (a Alignment) Length() int { return a.Identical + a.Mismatches + a.GapResidues }

// Identity is the share of columns with equal residues, 0 when there are none.
func (a Alignment) Identity() float64 {
	if a.Length() == 0 {
		return 0
	}
	return float64(a.Identical) / float64(a.Length())
}

// Aligner holds the scoring scheme. It is safe for concurrent use.
type Aligner struct {
	sw    align.SWAffine
	alpha alphabet.Alphabet
}

// New returns an aligner.
func New() *Aligner {
	alpha := sequence.Protein.Alphabet()
	n := alpha.Len()
	m := make(align.Linear, n)
	for i := range m {
		m[i] = make([]int, n)
		for j := range m[i] {
			switch a, b := upper(alpha.Letter(i)), upper(alpha.Letter(j)); {
			case i == 0 || j == 0:
				m[i][j] = -GapExtend
			case a >= 'A' && a <= 'Z' && b >= 'A' && b <= 'Z':
				m[i][j] = Score(a, b)
			default: // a stop, which no sequence has
				m[i][j] = -4
			}
		}
	}
	return &Aligner{align.SWAffine{Matrix: m, GapOpen: -GapOpen}, alpha}
}

func upper(l alphabet.Letter) byte {
	if l >= 'a' && l <= 'z' {
		return byte(l) - 'a' + 'A'
	}
	return byte(l)
}

// Local returns the best local alignment of two proteins in upper-case letters.
// Its score is 0 and it has no columns when nothing scores above 0.
func (a *Aligner) Local(query, target []byte) (Alignment, error) {
	if len(query) == 0 || len(target) == 0 {
		return Alignment{}, nil
	}
	if len(query) > MaxCells/len(target) {
		return Alignment{}, fmt.Errorf("align: sequences of %d and %d residues, wanted a product of at most %d: cut them around the part in question", len(query), len(target), MaxCells)
	}
	pairs, err := a.sw.Align(a.seq(query), a.seq(target))
	if err != nil {
		return Alignment{}, fmt.Errorf("align: %w", err)
	}
	var out Alignment
	claimed := 0
	for i, p := range pairs {
		f := p.Features()
		q, t := f[0], f[1]
		if s, ok := p.(interface{ Score() int }); ok {
			claimed += s.Score()
		}
		if i == 0 {
			out.QueryStart, out.TargetStart = q.Start(), t.Start()
		}
		out.QueryEnd, out.TargetEnd = q.End(), t.End()
		if n := q.Len() + t.Len(); q.Len() == 0 || t.Len() == 0 {
			if n > 0 {
				out.GapOpens++
				out.GapResidues += n
				out.Score -= GapOpen + n*GapExtend
			}
			continue
		}
		for k := range q.Len() {
			x, y := query[q.Start()+k], target[t.Start()+k]
			out.Score += Score(x, y)
			if x == y {
				out.Identical++
			} else {
				out.Mismatches++
			}
		}
	}
	if out.Score != claimed {
		// Where a gap in one sequence and a gap in the other meet at equal
		// scores, biogo's way back may take a step that its score does not
		// contain. The score is right, the path is not.
		return trace(query, target), nil
	}
	return out, nil
}

func (a *Aligner) seq(residues []byte) *linear.Seq {
	return linear.NewSeq("", alphabet.BytesToLetters(residues), a.alpha)
}
