package sequence

import "fmt"

// InvalidPolicy says what happens to letters that are no residues, and to '*'
// anywhere but at the end.
type InvalidPolicy uint8

// The policies for invalid letters.
const (
	InvalidError   InvalidPolicy = iota // stop with an error that names the place
	SkipInvalid                         // leave the record out
	ReplaceInvalid                      // X, or N in nucleotides
)

// GapPolicy says what happens to '-' and '.'.
type GapPolicy uint8

// The policies for gaps.
const (
	GapInvalid GapPolicy = iota // as InvalidPolicy says
	RemoveGaps                  // left out and counted
)

// EmptyPolicy says what happens to headers without residues.
type EmptyPolicy uint8

// The policies for empty records.
const (
	EmptyError EmptyPolicy = iota
	SkipEmpty
)

// DuplicatePolicy says what happens to IDs that occur again in a file. All
// but KeepDuplicates need 20 to 40 bytes of memory a record.
type DuplicatePolicy uint8

// The policies for duplicate IDs.
const (
	KeepDuplicates   DuplicatePolicy = iota // not looked at
	DuplicateError                          // stop with an error
	FirstDuplicate                          // later ones are left out
	RenameDuplicates                        // later ones get _2, _3, ...
)

// The words of the policies, as flags give them.
var (
	invalidWords   = []string{"error", "skip", "x"}
	gapWords       = []string{"error", "remove"}
	emptyWords     = []string{"error", "skip"}
	duplicateWords = []string{"keep", "error", "first", "rename"}
)

// ParseInvalid reads "error", "skip" or "x".
func ParseInvalid(s string) (InvalidPolicy, error) {
	return parsePolicy[InvalidPolicy]("invalid", s, invalidWords)
}

// ParseGaps reads "error" or "remove".
func ParseGaps(s string) (GapPolicy, error) { return parsePolicy[GapPolicy]("gaps", s, gapWords) }

// ParseEmpty reads "error" or "skip".
func ParseEmpty(s string) (EmptyPolicy, error) {
	return parsePolicy[EmptyPolicy]("empty", s, emptyWords)
}

// ParseDuplicates reads "keep", "error", "first" or "rename".
func ParseDuplicates(s string) (DuplicatePolicy, error) {
	return parsePolicy[DuplicatePolicy]("duplicates", s, duplicateWords)
}

func parsePolicy[P ~uint8](what, s string, words []string) (P, error) {
	for i, w := range words {
		if s == w {
			return P(i), nil
		}
	}
	return 0, fmt.Errorf("sequence: %s policy %q; known are %v", what, s, words)
}

// String returns what ParseInvalid reads.
func (p InvalidPolicy) String() string { return policyWord(p, invalidWords) }

// String returns what ParseGaps reads.
func (p GapPolicy) String() string { return policyWord(p, gapWords) }

// String returns what ParseEmpty reads.
func (p EmptyPolicy) String() string { return policyWord(p, emptyWords) }

// String returns what ParseDuplicates reads.
func (p DuplicatePolicy) String() string { return policyWord(p, duplicateWords) }

func policyWord[P ~uint8](p P, words []string) string {
	if int(p) < len(words) {
		return words[p]
	}
	return fmt.Sprintf("policy(%d)", uint8(p))
}
