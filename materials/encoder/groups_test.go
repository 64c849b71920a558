package encoder_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/materials/encoder"
)

// TestGroups makes sure that every text is in one batch that it fits, and that
// little of the batches is padding.
func TestGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 7, 63, 64, 65, 1000} {
		lengths := make([]int, n)
		text := 0
		for i := range lengths {
			lengths[i] = 3 + r.IntN(100)
			if r.IntN(50) == 0 {
				lengths[i] = 512
			}
			text += lengths[i]
		}
		var seen []int
		room := 0
		for _, g := range encoder.Groups(lengths, 512) {
			if len(g.Members) > g.Rows || len(g.Members) == 0 || g.Rows > 2*len(g.Members) {
				t.Errorf("%d texts in %d rows", len(g.Members), g.Rows)
			}
			for _, m := range g.Members {
				if lengths[m] > g.Length {
					t.Errorf("%d tokens in rows of %d", lengths[m], g.Length)
				}
			}
			seen = append(seen, g.Members...)
			room += g.Rows * g.Length
		}
		slices.Sort(seen)
		if len(seen) != n || len(slices.Compact(seen)) != n {
			t.Errorf("of %d texts %d were taken", n, len(seen))
		}
		if n == 1000 && float64(room) > 1.08*float64(text) {
			t.Errorf("%d tokens take room for %d", text, room)
		}
	}
}
