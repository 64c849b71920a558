package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Digest identifies the content of a document: the first 128 bits of its
// SHA-256. Among 10^9 documents two different ones share it with a
// probability of 10^-21.
type Digest [16]byte

// DigestOf returns the digest of content.
func DigestOf(content []byte) Digest {
	sum := sha256.Sum256(content)
	return Digest(sum[:])
}

// SplitRule divides documents by their content alone, so that equal documents
// are always on the same side, whatever their order, names and files.
type SplitRule struct {
	Validation float64 `json:"validation"` // fraction, 0 to 1
	Seed       uint64  `json:"seed"`

	// Method says what is divided: "" each document by its own digest. The
	// package does not interpret it.
	Method string `json:"method,omitempty"`
}

// Check refuses fractions that are none.
func (r SplitRule) Check() error {
	if !(r.Validation >= 0 && r.Validation <= 1) {
		return fmt.Errorf("dataset: validation fraction %v, want 0 to 1", r.Validation)
	}
	return nil
}

// IsValidation reports the side of a document.
func (r SplitRule) IsValidation(d Digest) bool {
	u := mix(binary.LittleEndian.Uint64(d[:8]) ^ mix(r.Seed))
	return float64(u>>11) < r.Validation*(1<<53)
}

// DigestSet is a set of digests in 16 bytes each, at a load of 3/8 to 3/4.
type DigestSet struct {
	slots []Digest
	n     int
	zero  bool // the zero digest marks free slots
}

// Add reports whether d was not in the set yet.
func (s *DigestSet) Add(d Digest) bool {
	if d == (Digest{}) {
		was := s.zero
		s.zero = true
		return !was
	}
	if s.n*4 >= len(s.slots)*3 {
		old := s.slots
		s.slots = make([]Digest, max(1024, 2*len(old)))
		for _, o := range old {
			if o != (Digest{}) {
				*s.find(o) = o
			}
		}
	}
	slot := s.find(d)
	if *slot == d {
		return false
	}
	*slot = d
	s.n++
	return true
}

// Len returns the number of digests.
func (s *DigestSet) Len() int {
	if s.zero {
		return s.n + 1
	}
	return s.n
}

func (s *DigestSet) find(d Digest) *Digest {
	mask := uint64(len(s.slots) - 1)
	for i := binary.LittleEndian.Uint64(d[8:]) & mask; ; i = (i + 1) & mask {
		if s.slots[i] == d || s.slots[i] == (Digest{}) {
			return &s.slots[i]
		}
	}
}

// mix is the finaliser of splitmix64: a bijection in which every input bit
// changes about half of the output bits.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
