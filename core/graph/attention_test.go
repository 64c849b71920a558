package graph

import (
	"math"
	"testing"
)

// Keep drops each of the eight probabilities that share a block as often as it
// should, scales the others so that the mean stays, and gives rows, salts and
// seeds masks of their own.
func TestAttentionKeep(t *testing.T) {
	const rows, keys = 600, 136
	at := AttentionAttr{Dropout: 0.1, Salt: 5}
	if below := at.DropBelow(); below != 6554 {
		t.Errorf("0.1 is %d/65536, wanted 6554", below)
	}
	var dropped [8]int
	sum := 0.0
	for row := range rows {
		for key := range keys {
			k := at.Keep(row, key, 1, 2)
			sum += k
			if k == 0 {
				dropped[key%8]++
			} else if k != float64(float32(65536.0/(65536-6554))) {
				t.Fatalf("a probability that stays is multiplied by %g", k)
			}
		}
	}
	n := float64(rows * keys / 8)
	for half, d := range dropped {
		if sigma := math.Sqrt(n * 0.1 * 0.9); math.Abs(float64(d)-n*0.1) > 4*sigma {
			t.Errorf("half %d: %d of %g dropped, wanted about %g", half, d, n, n*0.1)
		}
	}
	if mean := sum / (rows * keys); math.Abs(mean-1) > 0.005 {
		t.Errorf("the mean factor is %g", mean)
	}
	other := at
	other.Salt = 6
	for name, f := range map[string]func(row, key int) float64{
		"row":  func(row, key int) float64 { return at.Keep(row+1, key, 1, 2) },
		"key":  func(row, key int) float64 { return at.Keep(row, key+8, 1, 2) },
		"salt": func(row, key int) float64 { return other.Keep(row, key, 1, 2) },
		"seed": func(row, key int) float64 { return at.Keep(row, key, 1, 3) },
	} {
		both := 0.0
		for row := range rows {
			for key := range keys {
				if at.Keep(row, key, 1, 2) == 0 && f(row, key) == 0 {
					both++
				}
			}
		}
		if n := float64(rows * keys); math.Abs(both-n*0.01) > 4*math.Sqrt(n*0.01) {
			t.Errorf("another %s: %g of %g are dropped in both, wanted about %g", name, both, n, n*0.01)
		}
	}
}
