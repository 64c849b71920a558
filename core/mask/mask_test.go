package mask_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/mask"
)

const vocab, cls, sep, masked = 1000, 2, 3, 4

func masker(t *testing.T, o mask.Options) *mask.Masker {
	o.Mask, o.Vocab, o.Special = masked, vocab, []int32{0, 1, cls, sep, masked, 999}
	m, err := mask.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sequence returns tokens of words of one to four pieces between [CLS] and
// [SEP].
func sequence(r *rand.Rand, n int) (ids, words []int32) {
	ids, words = append(ids, cls), append(words, -1)
	for w := int32(0); len(ids) < n-1; w++ {
		for range 1 + r.IntN(2)*r.IntN(4) {
			if len(ids) < n-1 {
				ids, words = append(ids, int32(5+r.IntN(vocab-6))), append(words, w)
			}
		}
	}
	return append(ids, sep), append(words, -1)
}

// What is chosen are whole words, as many tokens as the rule says at most, never
// special ones; labels are what stood there; the rest is as it was.
func TestWholeWords(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for k := range 2000 {
		m := masker(t, mask.Options{Seed: uint64(k), Most: r.IntN(2) * r.IntN(20)})
		before, words := sequence(r, 3+r.IntN(150))
		ids := slices.Clone(before)
		room := m.Predictions(len(ids)) + r.IntN(3)
		at, labels := make([]int32, room), make([]int32, room)
		n := m.Apply(uint64(r.Uint32())<<r.IntN(30), ids, words, at, labels)
		if n > m.Predictions(len(ids)) {
			t.Fatalf("%d predictions, at most %d", n, m.Predictions(len(ids)))
		}
		chosen := map[int32]bool{}
		for k, i := range at {
			if k >= n {
				if i != -1 || labels[k] != -1 {
					t.Fatalf("place %d, label %d past the last prediction", i, labels[k])
				}
				continue
			}
			if words[i] < 0 || labels[k] != before[i] || k > 0 && at[k-1] >= i {
				t.Fatalf("places %d with labels %d, of %d", at, labels, before)
			}
			chosen[words[i]] = true
		}
		left := 0
		for i, w := range words {
			isChosen := slices.Contains(at[:n], int32(i))
			if isChosen != (w >= 0 && chosen[w]) {
				t.Fatalf("token %d of word %d: chosen is %t, but of its word %t", i, w, isChosen, chosen[w])
			}
			if !isChosen && ids[i] != before[i] {
				t.Fatalf("token %d was not chosen, but changed", i)
			}
			if !isChosen && w >= 0 && (i == 0 || words[i-1] != w) && words[i+1] != w {
				left++
			}
		}
		if n < m.Predictions(len(ids)) && left > 0 {
			t.Fatalf("%d predictions of %d, but %d words of one token are left", n, m.Predictions(len(ids)), left)
		}
	}
}

func TestPredictions(t *testing.T) {
	m := masker(t, mask.Options{Most: 76})
	for n, want := range map[int]int{0: 0, 1: 1, 3: 1, 10: 2, 16: 2, 17: 3, 30: 4, 128: 19, 512: 76, 513: 76} {
		if got := m.Predictions(n); got != want { // 0.15·10 = 1.5 and 0.15·30 = 4.5 round to even
			t.Errorf("%d tokens: %d predictions, wanted %d", n, got, want)
		}
	}
}

// The shares are those of BERT: chi-square tests at the level of 0.001.
func TestShares(t *testing.T) {
	m := masker(t, mask.Options{Seed: 42})
	r := rand.New(rand.NewPCG(7, 7))
	total, chosen := 0, 0
	var fates [3]float64 // [MASK], another, itself
	drawn := make([]float64, vocab)
	places := make([]float64, 128)
	at, labels := make([]int32, 20), make([]int32, 20)
	for k := range 4000 {
		before := make([]int32, 128)
		words := make([]int32, 128)
		for i := range before {
			before[i], words[i] = int32(5+r.IntN(vocab-6)), int32(i)
		}
		ids := slices.Clone(before)
		n := m.Apply(uint64(k), ids, words, at, labels)
		total, chosen = total+128, chosen+n
		for j, i := range at[:n] {
			places[i]++
			switch {
			case ids[i] == masked:
				fates[0]++
			case ids[i] == labels[j]:
				fates[2]++
			default:
				fates[1]++
				drawn[ids[i]]++
			}
		}
	}
	if want := 4000 * 19; chosen != want {
		t.Errorf("%d of %d tokens are predicted, wanted %d", chosen, total, want)
	}
	t.Logf("[MASK], another, itself: %.4f", []float64{fates[0] / float64(chosen), fates[1] / float64(chosen), fates[2] / float64(chosen)})
	same := 0.1 / (vocab - 6) // a token drawn at random is itself
	square := chi(fates[:], []float64{0.8 * float64(chosen), (0.1 - same) * float64(chosen), (0.1 + same) * float64(chosen)})
	if square > 13.8 { // 2 degrees of freedom
		t.Errorf("fates %v: chi-square %.1f", fates, square)
	}
	flat := func(n int, x float64) []float64 { return slices.Repeat([]float64{x}, n) }
	// Without replacement the spread is less than that of independent draws.
	if square := chi(places, flat(128, float64(chosen)/128)); square > 181 { // 127
		t.Errorf("chosen places: chi-square %.1f", square)
	}
	for _, id := range []int{0, 1, cls, sep, masked, 999} {
		if drawn[id] != 0 {
			t.Errorf("the special id %d was drawn %g times", id, drawn[id])
		}
	}
	if square := chi(drawn[5:999], flat(994, fates[1]/994)); square > 1137 || square < 861 { // 993
		t.Errorf("random tokens: chi-square %.1f", square)
	}
}

func chi(got, want []float64) float64 {
	sum := 0.0
	for i, g := range got {
		sum += (g - want[i]) * (g - want[i]) / want[i]
	}
	return sum
}

// Masks depend on seed and place, and on nothing else.
func TestByPlace(t *testing.T) {
	before, words := sequence(rand.New(rand.NewPCG(3, 3)), 200)
	apply := func(seed, place uint64) string {
		ids, at, labels := slices.Clone(before), make([]int32, 30), make([]int32, 30)
		masker(t, mask.Options{Seed: seed}).Apply(place, ids, words, at, labels)
		return fmt.Sprint(at, ids)
	}
	first := apply(1, 7)
	for range 3 {
		if again := apply(1, 7); again != first {
			t.Error("the same place has other masks")
		}
	}
	seen := map[string]bool{first: true}
	for _, o := range [][2]uint64{{1, 8}, {1, 7 + 1<<32}, {2, 7}, {1 + 1<<32, 7}, {7, 1}} {
		if s := apply(o[0], o[1]); seen[s] {
			t.Errorf("seed %d, place %d have the masks of another", o[0], o[1])
		} else {
			seen[s] = true
		}
	}
}

func TestOptions(t *testing.T) {
	for want, o := range map[string]mask.Options{
		"share 1.5":                      {Share: 1.5, Vocab: 9},
		"share -0.1":                     {Share: -0.1, Vocab: 9},
		"at most -1 predictions":         {Most: -1, Vocab: 9},
		"id 9 is not in the vocabulary":  {Mask: 9, Vocab: 9},
		"id 0 is not in the vocabulary":  {},
		"special ids [9] are not all":    {Vocab: 9, Special: []int32{9}},
		"special ids [-1 3] are not all": {Vocab: 9, Special: []int32{3, -1, 3}},
		"all 2 ids are special":          {Vocab: 2, Special: []int32{0, 1}},
	} {
		if _, err := mask.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, wanted %q", o, err, want)
		}
	}
}

func Example() {
	ids := []int32{2, 7, 17, 8, 9, 3} // [CLS] nano ##wire of zinc [SEP]
	words := make([]int32, len(ids))
	mask.Words(ids, words, func(id int32) bool { return id == 17 }, func(id int32) bool { return id < 5 })
	m, err := mask.New(mask.Options{Seed: 1, Share: 0.5, Mask: 4, Vocab: 20, Special: []int32{0, 1, 2, 3, 4}})
	if err != nil {
		fmt.Println(err)
		return
	}
	at, labels := make([]int32, m.Predictions(len(ids))), make([]int32, m.Predictions(len(ids)))
	m.Apply(0, ids, words, at, labels)
	fmt.Println(words, ids, at, labels)
	// Output: [-1 0 0 1 2 -1] [2 7 17 4 4 3] [3 4 -1] [8 9 -1]
}
