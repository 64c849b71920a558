package sequence

import "testing"

func TestPolicyWords(t *testing.T) {
	for _, w := range duplicateWords {
		p, err := ParseDuplicates(w)
		if err != nil || p.String() != w {
			t.Errorf("%s: %v %v", w, p, err)
		}
	}
	for _, w := range invalidWords {
		p, err := ParseInvalid(w)
		if err != nil || p.String() != w {
			t.Errorf("%s: %v %v", w, p, err)
		}
	}
	g, err1 := ParseGaps("remove")
	e, err2 := ParseEmpty("skip")
	if g != RemoveGaps || e != SkipEmpty || g.String() != "remove" || e.String() != "skip" || err1 != nil || err2 != nil {
		t.Error(g, e, err1, err2)
	}
	if _, err := ParseGaps("skip"); err == nil {
		t.Error("a word of another policy was accepted")
	}
	if s := DuplicatePolicy(9).String(); s != "policy(9)" {
		t.Error(s)
	}
}
