package align

import (
	"math/rand/v2"
	"testing"
)

// Many targets at once score as each alone, whatever their number, lengths and
// letters.
func TestManyScorer(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	var many ManyScorer
	var one Scorer
	for i := range 300 {
		alphabet := []string{letters, "AQ", "ACDEFGHIKLMNPQRSTVWYBZXUOJ", "WC*-aw\x00\xff"}[i%4]
		q := randomProtein(r, alphabet, r.IntN(150))
		targets := make([][]byte, r.IntN(40))
		for k := range targets {
			targets[k] = randomProtein(r, alphabet, r.IntN(200))
			if k%2 == 0 {
				targets[k] = append(relative(r, q, r.Float64(), 0.05), targets[k]...)
			}
		}
		got := make([]int, len(targets))
		many.Scores(q, targets, got)
		for k, target := range targets {
			if want := one.Score(q, target); got[k] != want {
				t.Fatalf("%s and %s, number %d of %d, score %d, want %d", q, target, k, len(targets), got[k], want)
			}
		}
	}
	// The largest scores: up to what 16 bits hold, and beyond.
	for _, n := range []int{lanesLongest - 1, lanesLongest, lanesLongest + 1, 2 * lanesLongest} {
		q := randomProtein(r, "W", n)
		got := make([]int, 2)
		if many.Scores(q, [][]byte{q, q[:5]}, got); got[0] != 11*n || got[1] != 55 {
			t.Errorf("%d of W score %d and %d", n, got[0], got[1])
		}
	}
}

func BenchmarkManyScorer(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	q := randomProtein(r, letters, 350)
	targets := make([][]byte, lanes)
	for i := range targets {
		targets[i] = relative(r, q, 0.5, 0.02)[:340]
	}
	out := make([]int, lanes)
	var s ManyScorer
	for b.Loop() {
		s.Scores(q, targets, out)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(q)*340*lanes), "ns/cell")
}
