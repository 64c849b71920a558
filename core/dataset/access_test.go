package dataset

import (
	"iter"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPermutation(t *testing.T) {
	for _, n := range []int64{1, 2, 3, 4, 5, 17, 64, 1000, 4097} {
		p, q := NewPermutation(n, 7, 1), NewPermutation(n, 7, 2)
		seen := make([]bool, n)
		same := 0
		for i := range n {
			v := p.At(i)
			if v < 0 || v >= n || seen[v] {
				t.Fatalf("n %d: place %d gives %d again or outside", n, i, v)
			}
			seen[v] = true
			if v == q.At(i) {
				same++
			}
		}
		if n >= 64 && same > 12 {
			t.Errorf("n %d: two epochs agree at %d places", n, same)
		}
	}
	p := NewPermutation(math.MaxInt64, 1, 0)
	if v := p.At(math.MaxInt64 - 1); v < 0 {
		t.Error(v)
	}
	// Every number is about equally likely at a place.
	var hits [8]int
	for seed := range uint64(8000) {
		p := NewPermutation(8, seed, 0)
		hits[p.At(3)]++
	}
	for v, h := range hits {
		if h < 850 || h > 1150 {
			t.Errorf("number %d at place 3: %d of 8000", v, h)
		}
	}
}

// The order is part of what a checkpoint means: it must never change.
func TestPermutationIsFixed(t *testing.T) {
	p := NewPermutation(10, 42, 3)
	var got []int64
	for i := range int64(10) {
		got = append(got, p.At(i))
	}
	if want := ([]int64{5, 0, 2, 1, 4, 9, 3, 7, 6, 8}); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func openCounting(t *testing.T, n int) *Dataset {
	dir := filepath.Join(t.TempDir(), "set")
	doc := make([]int32, n-1)
	for i := range doc {
		doc[i] = int32(i + 1)
	}
	build(t, dir, BuilderOptions{VocabSize: n, ShardTokens: 8}, doc[:n/3], doc[n/3+1:n/2], doc[n/2+1:])
	d, err := Open(dir, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestBlocks(t *testing.T) {
	d := openCounting(t, 1000)
	all := make([]int32, d.Tokens())
	d.Read(all, 0)
	const length, rows = 7, 4
	b, err := d.Blocks(BlockOptions{Length: length, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	if want := (d.Tokens() - 1) / length; b.Len() != want || b.Steps(rows) != (want+rows-1)/rows {
		t.Fatalf("%d blocks, %d steps", b.Len(), b.Steps(rows))
	}
	var order []int64
	tokens, targets := make([]int32, rows*length), make([]int32, rows*length)
	for step := int64(0); int64(len(order)) < 2*b.Len(); step++ {
		if err := b.Batch(step, tokens, targets); err != nil {
			t.Fatal(err)
		}
		for r := range rows {
			row := tokens[r*length : (r+1)*length]
			at := -1
			for k := 0; k+length < len(all); k += length {
				if slices.Equal(all[k:k+length], row) {
					at = k
				}
			}
			if at < 0 || !slices.Equal(targets[r*length:(r+1)*length], all[at+1:at+1+length]) {
				t.Fatalf("step %d row %d: %v is no block", step, r, row)
			}
			order = append(order, int64(at/length))
		}
	}
	for e := range int64(2) {
		epoch := slices.Clone(order[e*b.Len() : (e+1)*b.Len()])
		if slices.IsSorted(epoch) {
			t.Error("not shuffled")
		}
		slices.Sort(epoch)
		for i, v := range epoch {
			if int64(i) != v {
				t.Fatalf("epoch %d lacks block %d", e, i)
			}
		}
	}
	// Two ranks together see in a step what one with twice the rows sees.
	wide, wideT := make([]int32, 2*rows*length), make([]int32, 2*rows*length)
	for step := range int64(5) {
		b.Batch(step, wide, wideT)
		for rank := range 2 {
			r, err := d.Blocks(BlockOptions{Length: length, Seed: 5, Rank: rank, Ranks: 2})
			if err != nil {
				t.Fatal(err)
			}
			r.Batch(step, tokens, targets)
			if part := wide[rank*rows*length : (rank+1)*rows*length]; !slices.Equal(part, tokens) {
				t.Fatalf("step %d rank %d: %v, want %v", step, rank, tokens, part)
			}
		}
	}
	if n := testing.AllocsPerRun(100, func() { b.Batch(3, tokens, targets) }); n != 0 {
		t.Errorf("Batch allocates %v times", n)
	}
	for _, bad := range []func() error{
		func() error { return b.Batch(-1, tokens, targets) },
		func() error { return b.Batch(0, tokens[:5], targets[:5]) },
		func() error { return b.Batch(0, tokens, targets[:length]) },
		func() error { _, err := d.Blocks(BlockOptions{}); return err },
		func() error { _, err := d.Blocks(BlockOptions{Length: 5, Rank: 2, Ranks: 2}); return err },
	} {
		if bad() == nil {
			t.Error("misuse was accepted")
		}
	}
}

func each(docs [][]int32) iter.Seq2[[]int32, error] {
	return func(yield func([]int32, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func TestBuckets(t *testing.T) {
	docs := [][]int32{{0, 1}, {0, 2, 3, 4}, {0, 5, 6}, {0}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}
	opts := BucketOptions{Lengths: []int{4, 2, 4}, BatchTokens: 4, End: 0, Pad: 9}
	type row struct {
		length int
		doc    int64
		start  int
		n      int
		in, to []int32
	}
	var got []row
	for b, err := range Buckets(each(docs), opts) {
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Documents) != 4/b.Length || len(b.Tokens) != 4 {
			t.Fatalf("%+v", b)
		}
		for r, d := range b.Documents {
			l := b.Length
			got = append(got, row{l, d, b.Starts[r], b.Counts[r], slices.Clone(b.Tokens[r*l : r*l+l]), slices.Clone(b.Targets[r*l : r*l+l])})
		}
	}
	const ig = IgnoreTarget
	want := []row{
		{4, 1, 0, 4, []int32{0, 2, 3, 4}, []int32{2, 3, 4, 0}},
		{4, 2, 0, 3, []int32{0, 5, 6, 9}, []int32{5, 6, 0, ig}},
		{2, 0, 0, 2, []int32{0, 1}, []int32{1, 0}},
		{2, 3, 0, 1, []int32{0, 9}, []int32{0, ig}},
		{4, 4, 0, 4, []int32{0, 1, 2, 3}, []int32{1, 2, 3, 4}},
		{4, 4, 4, 4, []int32{4, 5, 6, 7}, []int32{5, 6, 7, 8}},
		{2, 4, 8, 2, []int32{8, 9}, []int32{9, 0}},
		{2, -1, 0, 0, []int32{9, 9}, []int32{ig, ig}},
	}
	if len(got) != len(want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for i, w := range want {
		g := got[i]
		if g.length != w.length || g.doc != w.doc || g.start != w.start || g.n != w.n || !slices.Equal(g.in, w.in) || !slices.Equal(g.to, w.to) {
			t.Errorf("row %d: %v, want %v", i, g, w)
		}
	}
	for _, err := range Buckets(each(docs), BucketOptions{}) {
		if err == nil || !strings.Contains(err.Error(), "bucket lengths") {
			t.Error(err)
		}
	}
}

func TestSplit(t *testing.T) {
	r := SplitRule{Validation: 0.1, Seed: 42}
	n, other := 0, 0
	for i := range 20000 {
		d := DigestOf([]byte{byte(i), byte(i >> 8)})
		if r.IsValidation(d) {
			n++
			if (SplitRule{Validation: 0.1, Seed: 43}).IsValidation(d) {
				other++
			}
		}
		if (SplitRule{}).IsValidation(d) || !(SplitRule{Validation: 1}).IsValidation(d) {
			t.Fatal("none or all")
		}
	}
	if n < 1850 || n > 2150 || other < 140 || other > 260 {
		t.Errorf("%d of 20000 on the side of a tenth, %d of them with another seed", n, other)
	}
	for _, f := range []float64{-0.1, 1.1, math.NaN()} {
		if (SplitRule{Validation: f}).Check() == nil {
			t.Errorf("fraction %v was accepted", f)
		}
	}
}

func TestDigestSet(t *testing.T) {
	var s DigestSet
	if !s.Add(Digest{}) || s.Add(Digest{}) {
		t.Error("zero digest")
	}
	for round := range 2 {
		for i := range 50000 {
			d := DigestOf([]byte{byte(i), byte(i >> 8)})
			if s.Add(d) != (round == 0) {
				t.Fatalf("round %d, %d", round, i)
			}
		}
	}
	if s.Len() != 50001 {
		t.Error(s.Len())
	}
}

func TestHistogram(t *testing.T) {
	var h Histogram
	for _, n := range []int{3, 2, 17, 0} {
		h.Add(n)
	}
	want := []LengthBin{{2, 3, 2}, {4, 7, 0}, {8, 15, 0}, {16, 31, 1}}
	if got := h.Bins(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
