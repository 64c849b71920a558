package align

import (
	"github.com/biogo/biogo/align/matrix"
	"github.com/biogo/biogo/alphabet"
)

// What opening a gap and each of its residues cost.
const (
	GapOpen   = 11
	GapExtend = 1
)

// scores by two letters in upper case.
var scores = blosum62()

// blosum62 takes the matrix from biogo's order of letters. Its alphabet lacks
// U, O and J; as in MMseqs2 they score as C, K and L.
func blosum62() (t [256][256]int8) {
	column := func(c byte) int {
		switch c {
		case 'U':
			c = 'C'
		case 'O':
			c = 'K'
		case 'J':
			c = 'L'
		}
		return alphabet.Protein.IndexOf(alphabet.Letter(c))
	}
	for a := byte('A'); a <= 'Z'; a++ {
		for b := byte('A'); b <= 'Z'; b++ {
			t[a][b] = int8(matrix.BLOSUM62[column(a)][column(b)])
		}
	}
	return t
}

// Score is the BLOSUM62 score of two residues, upper-case letters.
func Score(a, b byte) int { return int(scores[a][b]) }
