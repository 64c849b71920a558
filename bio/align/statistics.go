package align

import "math"

// Parameters of Karlin & Altschul for gapped alignments with BLOSUM62 and gaps
// of 11 + n (Altschul et al., Nucleic Acids Res. 25:3389, 1997).
const (
	Lambda = 0.267
	K      = 0.041
)

// Bits is the normalised score.
func Bits(score int) float64 {
	return (Lambda*float64(score) - math.Log(K)) / math.Ln2
}

// EValue is how many alignments of this score or more chance gives between a
// query and a database of so many residues, without a correction for ends.
func EValue(score int, query int, database int64) float64 {
	return K * float64(query) * float64(database) * math.Exp(-Lambda*float64(score))
}
