package pretrain

import (
	"fmt"
	"slices"
	"testing"
)

func TestPacker(t *testing.T) {
	// Words begin at multiples of 3.
	starts := func(id int32) bool { return id%3 == 0 }
	for _, c := range []struct {
		length    int
		sentences [][]int32
		want      [][]int32
	}{
		{10, [][]int32{{3, 6}, {9}}, [][]int32{{1, 3, 6, 2, 9, 2}}},
		{6, [][]int32{{3, 6}, {9}}, [][]int32{{1, 3, 6, 2, 9, 2}}},
		{5, [][]int32{{3, 6}, {9}}, [][]int32{{1, 3, 6, 2}, {1, 9, 2}}},
		{5, [][]int32{{3, 4, 6, 7}}, [][]int32{{1, 3, 4, 2}, {1, 6, 7, 2}}},       // cut before a word
		{5, [][]int32{{3, 4, 4, 4, 4}}, [][]int32{{1, 3, 4, 4, 2}, {1, 4, 4, 2}}}, // which there is none to
		{5, [][]int32{{}, {3}, {}}, [][]int32{{1, 3, 2}}},
		{3, [][]int32{{3, 6}}, [][]int32{{1, 3, 2}, {1, 6, 2}}},
	} {
		var got [][]int32
		p := packer{length: c.length, cls: 1, sep: 2, starts: starts, emit: func(row []int32) error {
			got = append(got, slices.Clone(row))
			return nil
		}}
		for _, s := range c.sentences {
			if err := p.add(s); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.flush(); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("rows of %d of %d: got %d, wanted %d", c.length, c.sentences, got, c.want)
		}
	}
}
