package group

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

func Example() {
	// Who shares a word with whom?
	words := []uint64{7 << 60, 9 << 60, 7 << 60, 3 << 60} // hashes; item i has word i
	dir, err := os.MkdirTemp("", "group")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	pairs, err := NewPairs(filepath.Join(dir, "words"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pairs.Close()
	for i, w := range words {
		if err := pairs.Add(w, uint64(i)); err != nil {
			fmt.Println(err)
			return
		}
	}
	sets, err := NewSets(int64(len(words)))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = pairs.Runs(context.Background(), 1, nil, func(run []Pair) error {
		for _, p := range run[1:] {
			sets.Join(uint32(run[0].Value), uint32(p.Value))
		}
		return nil
	})
	fmt.Println(sets.Find(0), sets.Find(1), sets.Find(2), sets.Find(3), err)
	// Output: 0 1 0 3 <nil>
}

func TestSets(t *testing.T) {
	const n = 2000
	rnd := rand.New(rand.NewPCG(1, 2))
	s, err := NewSets(n)
	if err != nil {
		t.Fatal(err)
	}
	color := make([]int, n) // the slow way
	for i := range color {
		color[i] = i
	}
	for range n {
		a, b := uint32(rnd.IntN(n)), uint32(rnd.IntN(n))
		if got, want := s.Join(a, b), color[a] != color[b]; got != want {
			t.Fatalf("join %d %d: %v", a, b, got)
		}
		from, to := max(color[a], color[b]), min(color[a], color[b])
		for i, c := range color {
			if c == from {
				color[i] = to
			}
		}
	}
	for i := range n {
		if int(s.Find(uint32(i))) != color[i] {
			t.Fatalf("item %d is in %d, want %d", i, s.Find(uint32(i)), color[i])
		}
	}
	if _, err := NewSets(1 << 32); err == nil {
		t.Error("2^32 items were accepted")
	}
}

func TestPairs(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	path := filepath.Join(t.TempDir(), "pairs")
	p, err := NewPairs(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[uint64][]uint64{}
	add := func(key, value uint64) {
		want[key] = append(want[key], value)
		if err := p.Add(key, value); err != nil {
			t.Fatal(err)
		}
	}
	for i := range uint64(50_000) {
		add(rnd.Uint64N(3000)*0x9e3779b97f4a7c15, rnd.Uint64N(100))
		add(5, i) // one key with more than a block
	}
	for _, v := range want {
		slices.Sort(v)
	}
	for _, threads := range []int{1, 4} {
		var mu sync.Mutex
		got := map[uint64][]uint64{}
		var most int64
		err := p.Runs(t.Context(), threads, func(n int64) { mu.Lock(); most = max(most, n); mu.Unlock() }, func(run []Pair) error {
			mu.Lock()
			defer mu.Unlock()
			if _, ok := got[run[0].Key]; ok {
				return fmt.Errorf("key %d comes twice", run[0].Key)
			}
			for _, r := range run {
				got[r.Key] = append(got[r.Key], r.Value)
			}
			return nil
		})
		if err != nil || !maps.EqualFunc(got, want, slices.Equal[[]uint64]) || most != p.Len() || most != 100_000 {
			t.Errorf("%d threads: %d keys of %d, %d pairs, %v", threads, len(got), len(want), most, err)
		}
	}
	stop := errors.New("stop")
	if err := p.Runs(t.Context(), 2, nil, func([]Pair) error { return stop }); err != stop {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Runs(ctx, 2, nil, func([]Pair) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := NewPairs(path); !errors.Is(err, os.ErrExist) {
		t.Error(err)
	}
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if err := p.Runs(t.Context(), 1, nil, func([]Pair) error { return nil }); err == nil {
		t.Error("a file that lost its end was read")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file stays")
	}
}
