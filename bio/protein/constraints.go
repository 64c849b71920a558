package protein

import (
	"bytes"
	"fmt"
)

// standardResidues are the 20 that the genetic code makes.
var standardResidues = []byte("ACDEFGHIKLMNPQRSTVWY")

// Constraints are what a sequence must meet. The model is held to them while it
// writes: a token that would break one, or lead to where none can be met, is
// not allowed.
type Constraints struct {
	// Fixed are residues demanded at positions, counted from 0.
	Fixed map[int]byte
	// Forbidden are motifs that must not occur.
	Forbidden []Motif
	// Without are residues that must not occur.
	Without []byte
	// Ending are the last residues. They are written where the model would end
	// the sequence, in place of its end, or as late as MaxLength and the number
	// of tokens allow; a sequence that happens to end so ends there.
	Ending []byte
	// MinLength and MaxLength bound the residues; 0 means no bound.
	MinLength, MaxLength int
	// Nonstandard lets the model use B, J, O, U, X and Z too, which it has seen
	// in training: X stands for unknown residues.
	Nonstandard bool
}

// none reports whether everything is allowed that has the form of Text.
func (c *Constraints) none() bool {
	return len(c.Fixed) == 0 && len(c.Forbidden) == 0 && len(c.Without) == 0 && len(c.Ending) == 0 && c.MinLength == 0 && c.MaxLength == 0
}

// least is the length that every sequence has at least.
func (c *Constraints) least() int {
	n := max(1, c.MinLength, len(c.Ending))
	for at := range c.Fixed {
		n = max(n, at+1)
	}
	return n
}

// alphabet is the set of residues that may occur.
func (c *Constraints) alphabet() residueSet {
	all := anyLetter
	if !c.Nonstandard {
		all = residueSetOf(string(standardResidues))
	}
	return all &^ residueSetOf(string(c.Without))
}

// Fits reports whether a finished sequence meets the constraints.
func (c *Constraints) Fits(residues []byte) bool {
	for at, want := range c.Fixed {
		if at >= len(residues) || residues[at] != want {
			return false
		}
	}
	for _, m := range c.Forbidden {
		if m.Find(residues) >= 0 {
			return false
		}
	}
	return len(residues) >= c.MinLength && (c.MaxLength == 0 || len(residues) <= c.MaxLength) &&
		!bytes.ContainsAny(residues, string(c.Without)) && bytes.HasSuffix(residues, c.Ending)
}

// validate reports what is no residue, and what no sequence can meet that
// begins with prompt.
func (c *Constraints) validate(prompt []byte) error {
	if c.MinLength < 0 || c.MaxLength < 0 {
		return fmt.Errorf("lengths of %d to %d residues; none may be negative", c.MinLength, c.MaxLength)
	}
	if c.MaxLength > 0 && c.MinLength > c.MaxLength {
		return fmt.Errorf("at least %d and at most %d residues wanted; no sequence has both", c.MinLength, c.MaxLength)
	}
	for _, x := range []struct {
		what     string
		residues []byte
	}{{"prompt", prompt}, {"ending", c.Ending}, {"residues to do without", c.Without}} {
		for i, r := range x.residues {
			if r < 'A' || r > 'Z' {
				return fmt.Errorf("%s, position %d: %q is no residue; give letters such as MKT", x.what, i+1, r)
			}
		}
	}
	alphabet := c.alphabet()
	usable := func(what string, r byte) error {
		switch {
		case alphabet.has(r):
			return nil
		case bytes.IndexByte(c.Without, r) >= 0:
			return fmt.Errorf("%s %c is one of the residues to do without", what, r)
		}
		return fmt.Errorf("%s %c is none of the 20 standard ones; allow it with --nonstandard", what, r)
	}
	for at, want := range c.Fixed {
		what := fmt.Sprintf("at position %d the fixed residue", at+1)
		if want < 'A' || want > 'Z' {
			return fmt.Errorf("fixed residue %q at position %d is no residue; give a letter such as C", want, at+1)
		}
		if err := usable(what, want); err != nil {
			return err
		}
		switch {
		case at < 0 || c.MaxLength > 0 && at >= c.MaxLength:
			return fmt.Errorf("fixed residue %c at position %d is outside the sequence of 1 to %d", want, at+1, c.MaxLength)
		case at < len(prompt) && prompt[at] != want:
			return fmt.Errorf("fixed residue %c at position %d, but the prompt has %c there", want, at+1, prompt[at])
		}
	}
	for i, r := range c.Ending {
		if err := usable(fmt.Sprintf("position %d of the ending, residue", i+1), r); err != nil {
			return err
		}
	}
	for i, r := range prompt {
		if err := usable(fmt.Sprintf("position %d of the prompt, residue", i+1), r); err != nil {
			return err
		}
	}
	if c.MaxLength > 0 && len(prompt) > c.MaxLength {
		return fmt.Errorf("the prompt has %d residues, and a sequence may have %d; raise --max-length", len(prompt), c.MaxLength)
	}
	for _, m := range c.Forbidden {
		open := m
		open.atEnd = false
		if at := open.Find(prompt); at >= 0 && !m.atEnd {
			return fmt.Errorf("the prompt has the forbidden motif %v from position %d", m, at+1)
		}
		if at := open.Find(c.Ending); at >= 0 && !m.atStart && (!m.atEnd || m.Find(c.Ending) >= 0) {
			return fmt.Errorf("the ending has the forbidden motif %v from position %d", m, at+1)
		}
	}
	return nil
}
