package align

import (
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

const letters = "ACDEFGHIKLMNPQRSTVWY"

func randomProtein(r *rand.Rand, letters string, n int) []byte {
	s := make([]byte, n)
	for i := range s {
		s[i] = letters[r.IntN(len(letters))]
	}
	return s
}

// relative changes and moves residues of s.
func relative(r *rand.Rand, s []byte, substitutions, gaps float64) []byte {
	var out []byte
	for i := 0; i < len(s); i++ {
		switch x := r.Float64(); {
		case x < gaps:
			i += r.IntN(6)
		case x < 2*gaps:
			out = append(out, randomProtein(r, letters, 1+r.IntN(6))...)
			out = append(out, s[i])
		case x < 2*gaps+substitutions:
			out = append(out, letters[r.IntN(20)])
		default:
			out = append(out, s[i])
		}
	}
	return out
}

// check wants an alignment whose ranges and columns go together.
func check(t *testing.T, a Alignment, query, target []byte, score int) {
	t.Helper()
	q, s := a.QueryEnd-a.QueryStart, a.TargetEnd-a.TargetStart
	pairs := a.Identical + a.Mismatches
	switch {
	case a.Score != score:
		t.Errorf("%s and %s score %d, want %d", query, target, a.Score, score)
	case q+s != 2*pairs+a.GapResidues || q < pairs || s < pairs:
		t.Errorf("%s and %s: %d and %d residues in %+v", query, target, q, s, a)
	case score > 0 && (query[a.QueryStart] != target[a.TargetStart] && Score(query[a.QueryStart], target[a.TargetStart]) <= 0):
		t.Errorf("%s and %s: begins with a pair that costs: %+v", query, target, a)
	}
}

func TestAgainstBiopython(t *testing.T) {
	data, err := os.ReadFile("testdata/local.tsv")
	if err != nil {
		t.Fatal(err)
	}
	a, n := New(), 0
	var s Scorer
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		q, target := []byte(f[0]), []byte(f[1])
		want, err := strconv.Atoi(f[2])
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Local(q, target)
		if err != nil {
			t.Fatal(err)
		}
		check(t, got, q, target, want)
		check(t, trace(q, target), q, target, want)
		if got := s.Score(q, target); got != want {
			t.Errorf("%s and %s: Scorer says %d, want %d", q, target, got, want)
		}
		n++
	}
	if n != 300 {
		t.Errorf("%d pairs, want 300", n)
	}
}

func TestThreeWaysAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	a := New()
	var s Scorer
	retraced := 0
	for i := range 1500 {
		q := randomProtein(r, letters, 30+r.IntN(60))
		if i%4 == 3 {
			q = randomProtein(r, "AQ", len(q))
		}
		target := relative(r, q, r.Float64()*0.8, 0.05)
		got, err := a.Local(q, target)
		if err != nil {
			t.Fatal(err)
		}
		want := s.Score(q, target)
		check(t, got, q, target, want)
		byHand := trace(q, target)
		check(t, byHand, q, target, want)
		if got == byHand {
			retraced++
		}
	}
	if retraced < 1000 {
		t.Errorf("only %d alignments of 1,500 are the same by both ways back", retraced)
	}
}

func TestLimits(t *testing.T) {
	a := New()
	if got, err := a.Local(nil, []byte("MK")); err != nil || got != (Alignment{}) {
		t.Errorf("empty: %+v, %v", got, err)
	}
	if got, err := a.Local([]byte("W"), []byte("A")); err != nil || got.Score != 0 || got.Length() != 0 || got.Identity() != 0 {
		t.Errorf("nothing in common: %+v, %v", got, err)
	}
	long := make([]byte, 10000)
	if _, err := a.Local(long, long); err == nil || !strings.HasPrefix(err.Error(), "align: ") {
		t.Errorf("too long: %v", err)
	}
	// U O J as C K L; lower case is not taken for upper.
	if Score('U', 'C') != 9 || Score('O', 'O') != 5 || Score('J', 'L') != 4 || Score('X', 'X') != -1 || Score('W', 'W') != 11 {
		t.Error("letters outside the matrix have other scores")
	}
}

// Numbers of BLAST for its own parameters: a raw score of 100 is 43.1 bits.
func TestStatistics(t *testing.T) {
	if b := Bits(100); math.Abs(b-43.1) > 0.05 {
		t.Errorf("100 is %v bits", b)
	}
	if e := EValue(100, 200, 1e6); math.Abs(e-200*1e6*math.Pow(2, -Bits(100)))/e > 1e-9 {
		t.Errorf("E is %v", e)
	}
}

func BenchmarkLocal(b *testing.B)  { bench(b, func(q, t []byte) { New().Local(q, t) }) }
func BenchmarkScorer(b *testing.B) { var s Scorer; bench(b, func(q, t []byte) { s.Score(q, t) }) }

func bench(b *testing.B, f func(q, t []byte)) {
	r := rand.New(rand.NewPCG(1, 2))
	q := randomProtein(r, letters, 350)
	s := relative(r, q, 0.5, 0.02)
	for b.Loop() {
		f(q, s)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(q)*len(s)), "ns/cell")
}
