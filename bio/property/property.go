package property

import "math"

// Standard are the 20 residues, in the order of Properties.Counts.
const Standard = "ACDEFGHIKLMNPQRSTVWY"

// Properties of one sequence. Shares are of 1.
type Properties struct {
	Length      int     // residues, all letters
	Counts      [20]int // of the residues of Standard
	Nonstandard int     // other letters

	MolecularWeight    float64 // average isotopic mass in Da
	IsoelectricPoint   float64 // pH
	Charge             float64 // net, at pH 7, in elementary charges
	GRAVY              float64 // mean hydropathy, Kyte & Doolittle
	Aromaticity        float64 // share of F, W and Y
	Instability        float64 // index of Guruprasad et al.; above 40 is unstable
	Aliphatic          float64 // index of Ikai
	ExtinctionReduced  int     // at 280 nm, per M and cm, all cysteines reduced
	ExtinctionCystines int     // the same with all cysteines in pairs
	Helix              float64 // share of residues that favour helices: E M A L K
	Turn               float64 // N P G S D
	Sheet              float64 // V I Y F W L T

	Disorder         float64 // mean TOP-IDP propensity, -0.884 (ordered) to 0.987
	DisorderFraction float64 // share of residues in windows above the published cut
	Uversky          float64 // distance from the charge-hydropathy line; above 0 is unfolded
	LowComplexity    float64 // share of residues that SEG masks
}

// index of each letter in Standard, -1 for others.
var index = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range len(Standard) {
		t[Standard[i]] = int8(i)
	}
	return t
}()

// Of computes the properties of residues, which are upper-case letters.
func Of(residues []byte) Properties {
	p := Properties{Length: len(residues)}
	var letters [256]int
	for _, c := range residues {
		letters[c]++
	}
	n := 0
	for i := range len(Standard) {
		p.Counts[i] = letters[Standard[i]]
		n += p.Counts[i]
	}
	p.Nonstandard = p.Length - n
	p.MolecularWeight = weight(residues, n)
	t := newTitration(residues, &letters)
	p.IsoelectricPoint, p.Charge = t.isoelectric(), t.charge(7)
	p.GRAVY = p.mean(&hydropathy)
	p.Aromaticity = p.share("YWF")
	p.Instability = instability(residues)
	p.Aliphatic = 100 * (p.share("A") + 2.9*p.share("V") + 3.9*(p.share("I")+p.share("L")))
	p.ExtinctionReduced = 5500*letters['W'] + 1490*letters['Y']
	p.ExtinctionCystines = p.ExtinctionReduced + letters['C']/2*125
	p.Helix, p.Turn, p.Sheet = p.share("EMALK"), p.share("NPGSD"), p.share("VIYFWLT")
	p.Disorder = p.mean(&topIDP)
	p.DisorderFraction = disorderFraction(residues)
	p.Uversky = p.uversky()
	p.LowComplexity = float64(Masked(LowComplexity(residues))) / float64(p.Length)
	return p
}

// Count returns how often a standard residue occurs, 0 for other letters.
func (p *Properties) Count(residue byte) int {
	if i := index[residue]; i >= 0 {
		return p.Counts[i]
	}
	return 0
}

func (p *Properties) standard() int { return p.Length - p.Nonstandard }

// share of the given residues among the standard ones.
func (p *Properties) share(of string) float64 {
	n := 0
	for i := range len(of) {
		n += p.Counts[index[of[i]]]
	}
	return float64(n) / float64(p.standard())
}

// mean of a scale over the standard residues.
func (p *Properties) mean(scale *[20]float64) float64 {
	sum := 0.0
	for i, n := range p.Counts {
		sum += float64(n) * scale[i]
	}
	return sum / float64(p.standard())
}

// uversky is |mean net charge| less what the line of Uversky, Gillespie & Fink
// (Proteins 41:415, 2000) allows at the mean hydropathy, scaled to 0..1.
func (p *Properties) uversky() float64 {
	h := (p.GRAVY + 4.5) / 9
	r := math.Abs(p.share("KR") - p.share("DE"))
	return r - (2.785*h - 1.151)
}
