package protein

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestMotif(t *testing.T) {
	for _, c := range []struct {
		motif, residues string
		at              int
	}{
		{"CC", "ACCA", 1}, {"CC", "ACAC", -1}, {"C-C.", "ACCA", 1},
		{"N-{P}-[ST]", "ANGSA", 1}, {"N-{P}-[ST]", "ANPSNAA", -1}, {"N{P}[ST]{P}", "NGSP", -1}, {"N{P}[ST]{P}", "NGSA", 0},
		{"C-x(2,4)-C", "CAACC", 0}, {"C-x(2,4)-C", "CAC", -1}, {"C-x(2,4)-C", "CAAAAC", 0}, {"Cx(2)C", "CCAAC", 1},
		{"<M", "AM", -1}, {"<M", "MA", 0}, {"KK>", "KKA", -1}, {"KK>", "AKK", 1}, {"A(0,1)C", "C", 0}, {"A(3)", "AAA", 0}, {"A(3)", "AA", -1},
	} {
		m := motif(t, c.motif)
		if got := m.Find([]byte(c.residues)); got != c.at {
			t.Errorf("%s occurs in %s at %d, wanted %d", c.motif, c.residues, got, c.at)
		}
		if m.String() != c.motif {
			t.Errorf("%q is written %q", c.motif, m)
		}
	}
	for _, text := range []string{"", "-", "A-", "A--C", "[", "[]", "[A", "{A", "{}", "a", "1", "A(", "A()", "A(x)", "A(2,1)", "A(0)", "x(0,3)", "A(63)", "A(2", "<>", "Aé", "A(999999999999999999999)", "[Ax]", "A(-1)"} {
		if m, err := ParseMotif(text); err == nil {
			t.Errorf("%q is read as %+v", text, m)
		} else if !strings.Contains(err.Error(), "write one such as") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The automaton and the search, which know nothing of each other, agree on
// random motifs and sequences; and a distance is the number of residues by
// which one can end.
func TestAutomaton(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	pieces := []string{"A", "C", "D", "x", "[AC]", "{A}", "x(1,3)", "A(0,1)", "C(2)", "{C}(0,2)"}
	alphabet := residueSetOf("ACD")
	found := 0
	for range 400 {
		var c Constraints
		for range 1 + r.IntN(2) {
			var text strings.Builder
			text.WriteString([]string{"", "", "", "<"}[r.IntN(4)])
			for range 2 + r.IntN(3) {
				text.WriteString(pieces[r.IntN(len(pieces))])
			}
			text.WriteString([]string{"", "", "", ">"}[r.IntN(4)])
			m, err := ParseMotif(text.String())
			if err != nil {
				continue
			}
			c.Forbidden = append(c.Forbidden, m)
		}
		if r.IntN(2) == 0 {
			c.Ending = []byte("ACD")[r.IntN(3):]
		}
		c.MaxLength, c.MinLength = 12, r.IntN(4)
		a, err := newAutomaton(alphabet, c.Forbidden, c.Ending)
		if err != nil {
			t.Fatal(err)
		}
		d, err := newDistances(a, &c)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			residues := make([]byte, 1+r.IntN(10))
			q := int32(0)
			for i := range residues {
				residues[i] = "ACD"[r.IntN(3)]
				if q >= 0 {
					q = a.next[q][residues[i]-'A']
				}
			}
			wrong := false
			for _, m := range c.Forbidden {
				open := m
				open.atEnd = false
				wrong = wrong || !m.atEnd && open.Find(residues) >= 0
			}
			if wrong {
				found++
			}
			if wrong != (q < 0) {
				t.Fatalf("%v in %s: the automaton says %t, the search %t", c.Forbidden, residues, q < 0, wrong)
			}
			if q < 0 {
				continue
			}
			lacking := d.lacking(len(residues), q)
			if fits := c.Fits(residues); fits != (lacking == 0) {
				t.Fatalf("%v, ending %s: %s fits %t, and lacks %d residues", c.Forbidden, c.Ending, residues, fits, lacking)
			}
			if lacking == never {
				continue
			}
			for n := lacking; n > 0; n-- { // follow the distance
				better := false
				for _, x := range []byte("ACD") {
					if to := a.next[q][x-'A']; to >= 0 && d.lacking(len(residues)+1, to) == n-1 {
						residues, q, better = append(residues, x), to, true
						break
					}
				}
				if !better {
					t.Fatalf("%v: nothing after %s comes nearer to the end", c.Forbidden, residues)
				}
			}
			if !c.Fits(residues) {
				t.Fatalf("%v, ending %s: %s does not fit", c.Forbidden, c.Ending, residues)
			}
		}
	}
	if found < 500 {
		t.Errorf("only %d sequences had a motif", found)
	}
}
