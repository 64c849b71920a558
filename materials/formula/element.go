package formula

// element is a row of the periodic table.
type element struct {
	symbol string
	weight float64
	radio  bool // no standard weight: the mass number of the longest-lived isotope
}

// elements are in the order of their atomic numbers. The weights are the
// standard atomic weights of 2021 (T. Prohaska et al., Pure Appl. Chem. 94
// (2022) 573), g/mol; where the table gives an interval, its abridged value.
var elements = []element{
	{"H", 1.008, false}, {"He", 4.002602, false}, {"Li", 6.94, false}, {"Be", 9.0121831, false},
	{"B", 10.81, false}, {"C", 12.011, false}, {"N", 14.007, false}, {"O", 15.999, false},
	{"F", 18.998403162, false}, {"Ne", 20.1797, false}, {"Na", 22.98976928, false}, {"Mg", 24.305, false},
	{"Al", 26.9815384, false}, {"Si", 28.085, false}, {"P", 30.973761998, false}, {"S", 32.06, false},
	{"Cl", 35.45, false}, {"Ar", 39.95, false}, {"K", 39.0983, false}, {"Ca", 40.078, false},
	{"Sc", 44.955907, false}, {"Ti", 47.867, false}, {"V", 50.9415, false}, {"Cr", 51.9961, false},
	{"Mn", 54.938043, false}, {"Fe", 55.845, false}, {"Co", 58.933194, false}, {"Ni", 58.6934, false},
	{"Cu", 63.546, false}, {"Zn", 65.38, false}, {"Ga", 69.723, false}, {"Ge", 72.630, false},
	{"As", 74.921595, false}, {"Se", 78.971, false}, {"Br", 79.904, false}, {"Kr", 83.798, false},
	{"Rb", 85.4678, false}, {"Sr", 87.62, false}, {"Y", 88.905838, false}, {"Zr", 91.224, false},
	{"Nb", 92.90637, false}, {"Mo", 95.95, false}, {"Tc", 97, true}, {"Ru", 101.07, false},
	{"Rh", 102.90549, false}, {"Pd", 106.42, false}, {"Ag", 107.8682, false}, {"Cd", 112.414, false},
	{"In", 114.818, false}, {"Sn", 118.710, false}, {"Sb", 121.760, false}, {"Te", 127.60, false},
	{"I", 126.90447, false}, {"Xe", 131.293, false}, {"Cs", 132.90545196, false}, {"Ba", 137.327, false},
	{"La", 138.90547, false}, {"Ce", 140.116, false}, {"Pr", 140.90766, false}, {"Nd", 144.242, false},
	{"Pm", 145, true}, {"Sm", 150.36, false}, {"Eu", 151.964, false}, {"Gd", 157.25, false},
	{"Tb", 158.925354, false}, {"Dy", 162.500, false}, {"Ho", 164.930329, false}, {"Er", 167.259, false},
	{"Tm", 168.934219, false}, {"Yb", 173.045, false}, {"Lu", 174.9668, false}, {"Hf", 178.486, false},
	{"Ta", 180.94788, false}, {"W", 183.84, false}, {"Re", 186.207, false}, {"Os", 190.23, false},
	{"Ir", 192.217, false}, {"Pt", 195.084, false}, {"Au", 196.966570, false}, {"Hg", 200.592, false},
	{"Tl", 204.38, false}, {"Pb", 207.2, false}, {"Bi", 208.98040, false}, {"Po", 209, true},
	{"At", 210, true}, {"Rn", 222, true}, {"Fr", 223, true}, {"Ra", 226, true},
	{"Ac", 227, true}, {"Th", 232.0377, false}, {"Pa", 231.03588, false}, {"U", 238.02891, false},
	{"Np", 237, true}, {"Pu", 244, true}, {"Am", 243, true}, {"Cm", 247, true},
	{"Bk", 247, true}, {"Cf", 251, true}, {"Es", 252, true}, {"Fm", 257, true},
	{"Md", 258, true}, {"No", 259, true}, {"Lr", 262, true}, {"Rf", 267, true},
	{"Db", 270, true}, {"Sg", 269, true}, {"Bh", 270, true}, {"Hs", 270, true},
	{"Mt", 278, true}, {"Ds", 281, true}, {"Rg", 281, true}, {"Cn", 285, true},
	{"Nh", 286, true}, {"Fl", 289, true}, {"Mc", 289, true}, {"Lv", 293, true},
	{"Ts", 293, true}, {"Og", 294, true},
}

// number is the atomic number of a symbol.
var number = func() map[string]int {
	m := make(map[string]int, len(elements))
	for i, e := range elements {
		m[e.symbol] = i + 1
	}
	return m
}()

// IsElement tells whether s is the symbol of an element; D and T are isotopes,
// not elements.
func IsElement(s string) bool { return number[s] > 0 }

// isotopes are the masses of those isotopes that papers name, g/mol (M. Wang et
// al., AME2020, Chinese Phys. C 45 (2021) 030003), rounded to 1e-6.
var isotopes = map[string]float64{
	"1H": 1.007825, "2H": 2.014102, "3H": 3.016049, "3He": 3.016029, "4He": 4.002603, "6Li": 6.015123, "7Li": 7.016003,
	"10B": 10.012937, "11B": 11.009305, "12C": 12, "13C": 13.003355, "14C": 14.003242, "14N": 14.003074, "15N": 15.000109,
	"16O": 15.994915, "17O": 16.999132, "18O": 17.999160, "18F": 18.000937, "19F": 18.998403, "27Al": 26.981538,
	"28Si": 27.976927, "29Si": 28.976495, "30Si": 29.973770, "31P": 30.973762, "32S": 31.972071, "34S": 33.967867,
	"56Fe": 55.934936, "57Fe": 56.935392, "235U": 235.043930, "238U": 238.050788,
}

// ligands are the abbreviations of groups that stand in formulas.
var ligands = map[string]string{
	"acac": "C5H7O2", "OAc": "C2H3O2", "AcO": "C2H3O2", "Ac": "C2H3O", "Me": "CH3", "Et": "C2H5", "OPr": "OC3H7", "iPr": "C3H7",
	"Bu": "C4H9", "Ph": "C6H5", "Cp": "C5H5",
}

// stands are the letters that stand for any element of a kind: a metal, a
// lanthanide, the A site. T is a transition metal; tritium is ^3H.
var stands = map[string]bool{"M": true, "A": true, "R": true, "X": true, "T": true, "Ln": true, "RE": true}

// Vacancy is the symbol of an empty site, of no mass.
const Vacancy = "□"
