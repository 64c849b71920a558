package corpus

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	s := Split{Dev: 0.1, Test: 0.2, Seed: 3}
	const n = 20000
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("paper-%d", i/3)) // three items a document
	}
	d, err := Divide(s, names, func(s string) string { return s })
	if err != nil {
		t.Fatal(err)
	}
	part := map[string]Part{}
	for p, items := range d.Parts {
		for _, x := range items {
			if q, ok := part[x]; ok && q != Part(p) {
				t.Fatalf("%s is in %v and %v", x, q, Part(p))
			}
			part[x] = Part(p)
		}
	}
	for p, want := range [3]float64{0.7, 0.1, 0.2} {
		got := float64(d.Documents[p]) / float64(len(part))
		if sd := math.Sqrt(want * (1 - want) / float64(len(part))); math.Abs(got-want) > 4*sd {
			t.Errorf("%v has %.4f of the documents, want %.2f", Part(p), got, want)
		}
	}
	// Neither the order nor other documents matter; the seed does.
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	few, err := Divide(s, names[:n/2], func(s string) string { return s })
	if err != nil {
		t.Fatal(err)
	}
	for p, items := range few.Parts {
		for _, x := range items {
			if part[x] != Part(p) {
				t.Fatalf("%s went from %v to %v", x, part[x], Part(p))
			}
		}
	}
	moved := 0
	for x, p := range part {
		if (Split{Dev: 0.1, Test: 0.2, Seed: 8}).Of(x) != p {
			moved++
		}
	}
	if moved < len(part)/4 {
		t.Errorf("another seed moved only %d of %d", moved, len(part))
	}
}

func TestSplitRefused(t *testing.T) {
	id := func(s string) string { return s }
	for _, c := range []struct {
		s    Split
		all  []string
		want string
	}{
		{Split{Dev: 0.5, Test: 0.5}, nil, "fractions of 0.5 for dev and 0.5 for test"},
		{Split{Dev: -0.1}, nil, "fractions of -0.1"},
		{Split{Dev: math.NaN()}, nil, "fractions of NaN"},
		{Split{Dev: 0.01}, []string{"a", "b"}, "none of 2 documents came to the part dev; choose another seed, or a larger fraction than 0.01"},
	} {
		if _, err := Divide(c.s, c.all, id); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.s, err, c.want)
		}
	}
}

func TestDivideSentences(t *testing.T) {
	var named, bare []Tagged
	for i := range 400 {
		s := Tagged{Doc: fmt.Sprint(i / 5), Line: i, Words: []string{"word", fmt.Sprint(i % 390)}, Tags: []string{"O", "O"}}
		named = append(named, s)
		s.Doc = ""
		bare = append(bare, s)
	}
	s := Split{Dev: 0.3, Test: 0.2, Seed: 3}
	d, err := DivideSentences(s, named)
	if err != nil {
		t.Fatal(err)
	}
	if d.Blocks || d.Documents[0]+d.Documents[1]+d.Documents[2] != 80 {
		t.Errorf("blocks %v, %v documents", d.Blocks, d.Documents)
	}
	d, err = DivideSentences(s, bare)
	if err != nil {
		t.Fatal(err)
	}
	if !d.Blocks || d.Documents[0]+d.Documents[1]+d.Documents[2] != 400/blockOf {
		t.Errorf("blocks %v, %v documents", d.Blocks, d.Documents)
	}
	repeated, part := 0, map[int]int{}
	for p, all := range d.Parts {
		for _, x := range all {
			if q, ok := part[x.Line/blockOf]; ok && q != p {
				t.Fatalf("block %d is in two parts", x.Line/blockOf)
			}
			part[x.Line/blockOf] = p
		}
	}
	for i := range 10 { // sentences i and 390+i have the same words
		if a, b := part[i/blockOf], part[(390+i)/blockOf]; a != b && (a == 0 || b == 0) {
			repeated++
		}
	}
	if d.Repeated != repeated || repeated == 0 {
		t.Errorf("%d repeated, want %d, more than 0", d.Repeated, repeated)
	}
}
