package group

import "fmt"

// maxItems keeps numbers of items within 32 bits.
const maxItems = 1<<32 - 1

// Sets are disjoint sets of the items 0 to Len()-1, in 4 bytes an item. At
// first every item is alone. Which items are together does not depend on the
// order of the unions. Sets are not safe for concurrent use.
type Sets struct{ parent []uint32 }

// NewSets returns n sets of one item each; n is at most 2^32-1.
func NewSets(n int64) (*Sets, error) {
	if n < 0 || n > maxItems {
		return nil, fmt.Errorf("group: %d items, want 0 to %d", n, int64(maxItems))
	}
	s := &Sets{make([]uint32, n)}
	for i := range s.parent {
		s.parent[i] = uint32(i)
	}
	return s, nil
}

// Len returns the number of items.
func (s *Sets) Len() int { return len(s.parent) }

// Find returns the item that stands for the set of i: the smallest of it.
func (s *Sets) Find(i uint32) uint32 {
	for s.parent[i] != i {
		s.parent[i] = s.parent[s.parent[i]] // halve the path for the next time
		i = s.parent[i]
	}
	return i
}

// Join makes one set of those of a and b, and reports whether they were two.
func (s *Sets) Join(a, b uint32) bool {
	a, b = s.Find(a), s.Find(b)
	if a == b {
		return false
	}
	s.parent[max(a, b)] = min(a, b)
	return true
}
