package property

import "math"

// pK values of Bjellqvist et al. (Electrophoresis 14:1023, 1993; 15:529, 1994),
// as ExPASy and Biopython use them.
const (
	pkLys, pkArg, pkHis        = 10.0, 12.0, 5.98
	pkAsp, pkGlu, pkCys, pkTyr = 4.05, 4.45, 9.0, 10.0
	pkFirst, pkLast            = 7.5, 3.55 // the ends, where no residue below applies
)

var (
	pkFirstOf = map[byte]float64{'A': 7.59, 'M': 7.0, 'S': 6.93, 'P': 8.36, 'T': 6.82, 'V': 7.44, 'E': 7.7}
	pkLastOf  = map[byte]float64{'D': 4.55, 'E': 4.75}
)

// site is a group that is charged on one side of its pK.
type site struct{ pk, n float64 }

type titration struct {
	basic, acidic []site
	empty         bool
}

func newTitration(residues []byte, letters *[256]int) titration {
	if len(residues) == 0 {
		return titration{empty: true}
	}
	first, last := pkFirst, pkLast
	if pk, ok := pkFirstOf[residues[0]]; ok {
		first = pk
	}
	if pk, ok := pkLastOf[residues[len(residues)-1]]; ok {
		last = pk
	}
	n := func(c byte) float64 { return float64(letters[c]) }
	return titration{
		basic:  []site{{first, 1}, {pkLys, n('K')}, {pkArg, n('R')}, {pkHis, n('H')}},
		acidic: []site{{last, 1}, {pkAsp, n('D') + n('B')/2}, {pkGlu, n('E') + n('Z')/2}, {pkCys, n('C')}, {pkTyr, n('Y')}},
	}
}

// charge is the net charge at a pH, by Henderson and Hasselbalch.
func (t titration) charge(ph float64) float64 {
	if t.empty {
		return math.NaN()
	}
	sum := 0.0
	for _, s := range t.basic {
		sum += s.n / (math.Pow(10, ph-s.pk) + 1)
	}
	for _, s := range t.acidic {
		sum -= s.n / (math.Pow(10, s.pk-ph) + 1)
	}
	return sum
}

// isoelectric halves the interval in which the pH without charge must lie, from
// the ends and to the width that Biopython uses, so that equal sequences get
// equal digits there and here.
func (t titration) isoelectric() float64 {
	if t.empty {
		return math.NaN()
	}
	lo, hi, ph := 4.05, 12.0, 7.775
	for hi-lo > 0.0001 {
		if t.charge(ph) > 0 {
			lo = ph
		} else {
			hi = ph
		}
		ph = (lo + hi) / 2
	}
	return ph
}
