package property

import "math"

// Average masses of the free amino acids and of water, in Da (IUPAC). A residue
// in a chain weighs a water less.
var aminoAcidMass = [20]float64{ // ACDEFGHIKLMNPQRSTVWY
	89.0932, 121.1582, 133.1027, 147.1293, 165.1891, 75.0666, 155.1546, 131.1729, 146.1876, 131.1729,
	149.2113, 132.1179, 115.1305, 146.1445, 174.201, 105.0926, 119.1192, 117.1463, 204.2252, 181.1885,
}

const (
	selenocysteineMass = 168.0532
	pyrrolysineMass    = 255.3134
	waterMass          = 18.0153
)

// weight of the whole chain; standard is the number of standard residues, from
// whose mean an X takes its weight.
func weight(residues []byte, standard int) float64 {
	mass := func(c byte) float64 { return aminoAcidMass[index[c]] }
	sum, known, unknown := 0.0, 0.0, 0
	for _, c := range residues {
		switch c {
		case 'U':
			sum += selenocysteineMass
		case 'O':
			sum += pyrrolysineMass
		case 'B':
			sum += (mass('D') + mass('N')) / 2
		case 'Z':
			sum += (mass('E') + mass('Q')) / 2
		case 'J':
			sum += mass('L')
		default:
			if index[c] < 0 {
				unknown++
				continue
			}
			sum += mass(c)
			known += mass(c)
		}
	}
	if unknown > 0 {
		sum += float64(unknown) * known / float64(standard) // NaN when nothing is known
	}
	if len(residues) == 0 {
		return math.NaN()
	}
	return sum - float64(len(residues)-1)*waterMass
}
