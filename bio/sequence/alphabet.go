package sequence

import (
	"fmt"

	"github.com/biogo/biogo/alphabet"
	"github.com/biogo/biogo/feat"
)

// Type is the kind of molecule that letters stand for.
type Type uint8

// The types. Unknown accepts what Protein accepts, which is every letter.
const (
	Unknown Type = iota
	Protein
	DNA
	RNA
)

var typeNames = [...]string{"auto", "protein", "dna", "rna"}

// String returns "auto", "protein", "dna" or "rna".
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("type(%d)", uint8(t))
}

// ParseType is the inverse of String.
func ParseType(s string) (Type, error) {
	for i, n := range typeNames {
		if s == n {
			return Type(i), nil
		}
	}
	return 0, fmt.Errorf("sequence: type %q; known are auto, protein, dna, rna", s)
}

// biogo's own protein alphabet lacks U (selenocysteine), O (pyrrolysine) and
// J (leucine or isoleucine), all of which UniRef uses.
var protein = alphabet.Must(alphabet.NewAlphabet(
	"-abcdefghijklmnopqrstuvwxyz*", feat.Protein, '-', 'x', !alphabet.CaseSensitive))

// Alphabet returns the biogo alphabet: for proteins the 20 standard residues
// and U O B Z X J, for nucleotides the IUPAC codes.
func (t Type) Alphabet() alphabet.Alphabet {
	switch t {
	case DNA:
		return alphabet.DNAredundant
	case RNA:
		return alphabet.RNAredundant
	}
	return protein
}

// Any returns the letter for an unknown residue: X for proteins, N for
// nucleotides.
func (t Type) Any() byte {
	if t == DNA || t == RNA {
		return 'N'
	}
	return 'X'
}

// Nonstandard are the letters that a protein may contain beside the 20
// standard residues.
const Nonstandard = "UOBZXJ"

// What a byte of a residue line means.
const (
	badByte   byte = iota // no text, or not ASCII: never accepted
	badLetter             // text, but no residue: the policy decides
	blank                 // skipped
	gap                   // '-' and '.'
	stop                  // '*'
	lower                 // residue in lower case
	upper                 // residue
)

type table struct {
	class [256]byte
	upper [256]byte // the residue in upper case; 0 where class is below lower

	letters bool // all letters are residues
}

func newTable(t Type) *table {
	tb := table{letters: true}
	valid := t.Alphabet().ValidLetters()
	for c := range 256 {
		b := byte(c)
		isLower, isUpper := b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z'
		switch {
		case b == ' ' || b == '\t':
			tb.class[c] = blank
		case b < ' ' || b >= 0x7f:
			tb.class[c] = badByte
		case b == '-' || b == '.':
			tb.class[c] = gap
		case b == '*':
			tb.class[c] = stop
		case isLower && valid[c]:
			tb.class[c], tb.upper[c] = lower, b-'a'+'A'
		case isUpper && valid[c]:
			tb.class[c], tb.upper[c] = upper, b
		default:
			tb.class[c] = badLetter
			tb.letters = tb.letters && !isLower && !isUpper
		}
	}
	return &tb
}

// GuessType guesses from letter counts in upper case, such as
// Counts.Letters with Options.CountLetters: nucleotides when at least nine letters of ten are A, C, G,
// T, U or N, and the rest are other IUPAC codes. In proteins those six make up
// about a quarter, so a few dozen residues decide it. It returns Unknown when
// there is no letter.
func GuessType(letters *[256]int64) Type {
	var total, plain, codes int64
	for c, n := range letters {
		total += n
		switch c {
		case 'A', 'C', 'G', 'T', 'U', 'N':
			plain += n
		case 'R', 'Y', 'S', 'W', 'K', 'M', 'B', 'D', 'H', 'V':
			codes += n
		}
	}
	switch {
	case total == 0:
		return Unknown
	case plain+codes < total || plain*10 < total*9:
		return Protein
	case letters['U'] > 0 && letters['T'] == 0:
		return RNA
	}
	return DNA
}
