package corpus

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxCompound is how far a word is looked at for hyphens, in bytes; behind it
// every hyphen stays.
const maxCompound = 256

// compound cuts a word at its hyphens and minus signs. closing returns the
// place at which a bracket is closed.
func compound(all []Span, s string, at, end int, closing func(int) int) []Span {
	from, inside := at, at
	for i := at; i < end && i < at+maxCompound; {
		r, n := utf8.DecodeRuneInString(s[i:end])
		cut := false
		switch {
		case isBracket(r):
			inside = max(inside, closing(i))
		case i < inside:
		case r == '-':
			cut = parts(s[from:i], s[i+n:end], from > at)
		case r == '−', r == '+':
			cut = partsNumbers(r, s[from:i], s[i+n:end])
		}
		if cut {
			if from < i {
				all = quantity(all, s, from, i)
			}
			all = append(all, Span{i, i + n})
			from = i + n
		}
		i += n
	}
	if from < end {
		all = quantity(all, s, from, end)
	}
	return all
}

// partsNumbers tells whether a minus or plus sign parts what stands around it:
// "−5", "10−20", "I−V", but not "cm−1", "10−4 S" behind its ×, "O2−" or "5+".
func partsNumbers(sign rune, before, after string) bool {
	if (before == "" || isNumber(before)) && isNumber(after) {
		return true
	}
	b, _ := utf8.DecodeLastRuneInString(before)
	a, _ := utf8.DecodeRuneInString(after)
	return sign == '−' && before != "" && after != "" && unicode.IsLetter(a) && unicode.IsLetter(b)
}

func isNumber(s string) bool {
	return s != "" && len(s) < 24 && strings.Trim(s, "0123456789.") == "" && strings.ContainsAny(s, "0123456789") && strings.Count(s, ".") < 2
}

func wordSet(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

var (
	// prefixes are not parted from what follows them.
	prefixes = wordSet(`e a u x anti ante bi bio co counter cross de di dis eco ex extra hyper hypo inter intra iso macro mega meta micro mid
		mini mono multi nano neo non over pan para peri poly post pre pro pseudo quasi re self- semi sub super supra tetra trans tri ultra
		un uni in as cis ortho tert sec sym bis tris penta hexa octa deca infra electro ferro homo meso endo exo epi hemi per- tele
		alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega hydro nitro milli centi
		giga deci demi`)
	// links join three words: volume-to-surface.
	links = wordSet("to in by of or on and per the")
	// tails are parted from whatever stands before them, beside participles.
	tails = wordSet(`like free rich poor type phase phases ion ions base bond bonds core dot edge gas group groups layer layers like liquid
		lamp laser loss material metal mode model molecule only polymer position radical reaction redox ring selective solution
		specific stable surface target transfer transition transport vacancy vacancies water yield acid active activity addition atom atoms
		carrier cation complex complexes compound compounds concentration conditions control density dependence dependent derivative
		derivatives dimensional distribution divalent domain donor dopant efficiency electrolyte exchange fluorescence formation
		function gradient independent insensitive intermediate island isomer ligand luminescence majority mixture monomer nanoparticle
		nanotube negative oxidation pathway plasma porous positive production protein reduction resistance resistant response
		reversible scanning semiconductor sensitive soluble solvent storage substituent substrate sufficient sugar terminal ternary
		tolerance tolerant treatment turn absorption activation adsorption bridge buffer deficiency deficient depletion desorption
		extract extraction induction limitation methylation need nuclear recognition release right selectivity substitution toxicity
		variable alkaline alcohol aromatic assay backbone blood cation island knot label lipid liver liquid drug dye enzyme`)
	// chemical parts of words keep a hyphen beside them.
	chemical = []string{"acetic", "acetyl", "acid", "acyl", "anol", "azo", "benz", "bromo", "carb", "chlor", "cyclo", "ethan", "ethyl",
		"fluoro", "gluc", "hydro", "indol", "iene", "ione", "iodo", "mercapto", "nitro", "noic", "oxalo", "oxo", "oxy", "oyl", "onyl",
		"phen", "phth", "phospho", "pyrid", "telluro", "tetra", "ylen", "yli", "zole", "alpha", "beta", "gamma", "delta", "epsilon",
		"theta", "kappa", "lambda", "sigma", "omega", "idyl"}
	chemicalEnds = []string{"ano", "ato", "azo", "bromo", "chloro", "eno", "fluoro", "ido", "ino", "io", "iodo", "mercapto", "nitro",
		"ono", "oso", "oxalo", "oxo", "oxy", "phospho", "telluro", "yl", "ylen", "ylene", "ylidene"}
)

// parts tells whether a hyphen parts the words around it.
func parts(before, after string, linked bool) bool {
	before, after = strings.ToLower(before), strings.ToLower(after)
	if before == "" || after == "" {
		return false
	}
	if word, _, more := strings.Cut(after, "-"); more && links[word] || linked && links[before] {
		return true
	}
	switch {
	case prefixes[before], strings.HasSuffix(after, "fold"), after == "less", after == "most", after == "wise":
		return false
	case strings.Trim(before, "0123456789,'′″’") == "", onlyGreek(before), before[0] == '(' && before[len(before)-1] == ')':
		return false
	case hasAny(before, chemicalEnds, strings.HasSuffix):
		return false
	case isTail(after):
		return true
	case utf8.RuneCountInString(before) < 2, utf8.RuneCountInString(after) < 3:
		return false
	}
	return !isChemical(before) && !isChemical(after)
}

func onlyGreek(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.Is(unicode.Greek, r) }) < 0
}

func hasAny(s string, parts []string, has func(s, part string) bool) bool {
	for _, p := range parts {
		if has(s, p) {
			return true
		}
	}
	return false
}

// isTail tells participles and the like.
func isTail(s string) bool {
	if tails[s] {
		return true
	}
	if strings.ContainsAny(s, "-0123456789") || len(s) < 4 {
		return false
	}
	return strings.HasSuffix(s, "ed") || strings.HasSuffix(s, "ing") || strings.HasSuffix(s, "bound") || s == "driven"
}

// isChemical tells names and formulas: another hyphen, a Greek letter, a letter
// behind a number, a part of a chemical name.
func isChemical(s string) bool {
	digit := false
	for i, r := range s {
		switch {
		case i > maxCompound:
			return true
		case r == '-', 'α' <= r && r <= 'ω', digit && 'a' <= r && r <= 'z':
			return true
		}
		digit = isDigit(r)
	}
	return hasAny(s, chemical, strings.Contains)
}

// units are those that are parted from a number that they are glued to.
var units = wordSet(`pA nA µA μA mA µg μg mg kg kJ MJ mL ml nM µM μM mM nm µm μm mm cm kN eV kV mV W mW kW MW GW ns ps ms µs μs Hz mol mole
	moles Mol Pa kPa MPa ppm min`)

// decimalUnits are parted from a decimal only: 5g may be a name.
var decimalUnits = wordSet("g s m N V")

// quantity parts a number from its unit.
func quantity(all []Span, s string, at, end int) []Span {
	word := s[at:end]
	i := strings.IndexFunc(word, func(r rune) bool { return !isDigit(r) && r != '.' })
	if i <= 0 || !isNumber(word[:i]) {
		if n, ok := strings.CutPrefix(word, "pH"); ok && isNumber(n) {
			return append(all, Span{at, at + 2}, Span{at + 2, end})
		}
		return append(all, Span{at, end})
	}
	unit := strings.TrimRight(word[i:], "1234")
	if unit != word[i:] {
		unit = strings.TrimRight(unit, "-−")
	}
	if units[unit] || decimalUnits[unit] && strings.Contains(word[:i], ".") {
		return append(all, Span{at, at + i}, Span{at + i, end})
	}
	return append(all, Span{at, end})
}
