package property

import "math"

// topIDP is the TOP-IDP scale of Campen et al. (Protein Pept. Lett. 15:956,
// 2008, Table 2): propensity for intrinsic disorder, W lowest and P highest.
var topIDP = [20]float64{ // ACDEFGHIKLMNPQRSTVWY
	0.060, 0.020, 0.192, 0.736, -0.697, 0.166, 0.303, -0.486, 0.586, -0.326,
	-0.397, 0.007, 0.987, 0.318, 0.180, 0.341, 0.059, -0.121, -0.884, -0.510,
}

// The paper averages over windows of 21 residues and calls those disordered
// that reach 0.542 on the scale brought to 0..1.
const (
	disorderWindow = 21
	disorderCut    = 0.542*(0.987+0.884) - 0.884
)

// disorderFraction is the share of standard residues in whose window, cut off
// at the ends of the sequence, the mean of the standard residues reaches the
// cut.
func disorderFraction(residues []byte) float64 {
	const half = disorderWindow / 2
	disordered, standard := 0, 0
	for i, c := range residues {
		if index[c] < 0 {
			continue
		}
		standard++
		sum, n := 0.0, 0
		for _, w := range residues[max(0, i-half):min(len(residues), i+half+1)] {
			if k := index[w]; k >= 0 {
				sum += topIDP[k]
				n++
			}
		}
		if sum/float64(n) >= disorderCut {
			disordered++
		}
	}
	if standard == 0 {
		return math.NaN()
	}
	return float64(disordered) / float64(standard)
}
