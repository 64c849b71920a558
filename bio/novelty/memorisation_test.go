package novelty

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Copies of training sequences and of long parts of them are all found, each
// at its place.
func TestPlantedCopiesAreFound(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var training, queries [][]byte
	for range 2000 {
		training = append(training, random(r, 60+r.IntN(300)))
	}
	type plant struct{ target, qStart, tStart, n int }
	var plants []plant
	for i := range 300 {
		s := training[i*6]
		switch i % 3 {
		case 0: // the whole
			queries = append(queries, bytes.Clone(s))
			plants = append(plants, plant{i * 6, 0, 0, len(s)})
		case 1: // 50 residues in something new
			from, at := r.IntN(len(s)-49), r.IntN(100)
			q := random(r, 200)
			copy(q[at:], s[from:from+50])
			for at > 0 && from > 0 && q[at-1] == s[from-1] { // by chance longer
				q[at-1] = letters[r.IntN(20)]
			}
			for from+50 < len(s) && q[at+50] == s[from+50] {
				q[at+50] = letters[r.IntN(20)]
			}
			queries = append(queries, q)
			plants = append(plants, plant{i * 6, at, from, 50})
		case 2: // a part that is nearly all of the query
			from := r.IntN(len(s) - 29)
			queries = append(queries, bytes.Clone(s[from:from+30]))
			plants = append(plants, plant{i * 6, 0, from, 30})
		}
	}
	q := records("q", queries)
	m := Memorise(q, find(t, q, records("t", training), Options{}), MemorisationOptions{})
	if m.Copies != 100 || m.Extracted != 300 || m.Rate != 1 {
		t.Errorf("%d copies, %d extracted, rate %v; want 100, 300, 1", m.Copies, m.Extracted, m.Rate)
	}
	for i, p := range plants {
		x := m.Recalls[i]
		if got := (plant{int(x.TargetIndex), x.QueryStart, x.TargetStart, x.Length}); got != p {
			t.Errorf("query %d: found %+v, planted %+v", i, got, p)
		}
		if !x.Extracted || x.Copy != (i%3 == 0) || x.Copy && x.CopyIndex != int64(p.target) {
			t.Errorf("query %d: %+v", i, x)
		}
	}
}

// Random sequences have nothing of others, and their longest matches are as
// long as the formula says.
func TestRandomSequencesGiveNone(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	var training, queries [][]byte
	for range 3000 {
		training = append(training, random(r, 300))
	}
	for i := range 500 {
		queries = append(queries, random(r, 10+i))
	}
	q := records("q", queries)
	m := Memorise(q, find(t, q, records("t", training), Options{}), MemorisationOptions{})
	if m.Copies != 0 || m.Extracted != 0 || m.Rate != 0 {
		t.Errorf("%d copies, %d extracted of random sequences", m.Copies, m.Extracted)
	}
	// Where chance matches are as long as MinMatch, the mean is that of the law.
	got, want := 0.0, 0.0
	for _, x := range m.Recalls[300:] {
		got, want = got+float64(x.Length), want+x.Expected
	}
	if d := (got - want) / 200; math.Abs(d) > 0.25 {
		t.Errorf("longest matches are %.2f longer on average than expected (%.2f)", d, want/200)
	}
}

// By comparing every place with every other.
func TestLongestMatchAgainstBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	few := func(n int) []byte { // repeats and few letters, for ties and long runs
		s := make([]byte, n)
		for i := range s {
			s[i] = "AAQXL"[r.IntN(5)]
			if i > 10 && r.IntN(4) > 0 {
				s[i] = s[i-7]
			}
		}
		return s
	}
	var queries, training [][]byte
	for range 40 {
		queries = append(queries, few(20+r.IntN(60)))
	}
	for range 60 {
		training = append(training, few(20+r.IntN(80)))
	}
	got := find(t, records("q", queries), records("t", training), Options{Threads: 3}).Matches
	for i, q := range queries {
		var want Match
		for j, s := range training {
			for a := range q {
				for b := range s {
					m := Match{Length: common(q[a:], s[b:]), TargetIndex: int64(j), QueryStart: a, TargetStart: b}
					if m.Length >= MinMatch && (want.Length == 0 || m.before(&want)) {
						want = m
					}
				}
			}
		}
		g := got[i]
		if g.Length != want.Length || g.TargetIndex != want.TargetIndex || g.QueryStart != want.QueryStart || g.TargetStart != want.TargetStart {
			t.Errorf("query %d: %+v, want %+v", i, g, want)
		}
	}
}

// Short queries do not count by accident, and copies of them do.
func TestShortQueries(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var training [][]byte
	for range 3000 {
		training = append(training, random(r, 300))
	}
	q := records("q", [][]byte{training[5][10:16], []byte("MKTAYI"), training[7][20:60]})
	all := append(slices.Clone(training), []byte("MKTAYI"))
	m := Memorise(q, find(t, q, records("t", all), Options{}), MemorisationOptions{})
	for i, want := range []bool{false, true, true} {
		if m.Recalls[i].Extracted != want {
			t.Errorf("query %d: %+v, extracted should be %v", i, m.Recalls[i], want)
		}
	}
	if m := Memorise(q, find(t, q, records("t", all), Options{}), MemorisationOptions{Length: 41, Share: 1.1}); m.Extracted != 1 {
		t.Errorf("with stricter limits %d are extracted, want the copy", m.Extracted)
	}
	if m := Memorise(nil, &Result{}, MemorisationOptions{}); !math.IsNaN(m.Rate) {
		t.Errorf("rate of nothing is %v", m.Rate)
	}
}
