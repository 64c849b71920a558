package align

// #cgo CFLAGS: -O3 -std=gnu11 -Wall -Wno-psabi -Wno-unused-function
// #include "kernel_api.h"
import "C"

import (
	"cmp"
	"slices"
	"unsafe"
)

const (
	lanes = C.AL_LANES
	// pad is the code of what follows a target's end, other of no letter.
	pad   = C.AL_CODES - 1
	other = pad - 1
	// lanesLongest is how long the shorter of a pair may be: a residue scores at
	// most 11, and sums are of 16 bits.
	lanesLongest = 32700 / 11
)

var codes = func() (t [256]uint8) {
	for i := range t {
		t[i] = other
	}
	for c := byte('A'); c <= 'Z'; c++ {
		t[c] = c - 'A'
	}
	return t
}()

// codeScores is scores by codes. What pads ends every alignment.
var codeScores = func() (t [C.AL_CODES][C.AL_CODES]int8) {
	for a := range t {
		for b := range t {
			switch {
			case a == pad || b == pad:
				t[a][b] = -100
			case a < other && b < other:
				t[a][b] = scores['A'+a]['A'+b]
			}
		}
	}
	return t
}()

// ManyScorer scores one query with many targets, 16 at a time, some thirty
// times as fast as Scorer. The zero value is ready; it is not safe for concurrent
// use.
type ManyScorer struct {
	one            Scorer
	query, columns []uint8
	scratch        [][lanes]int16
	order          []int
}

// Scores sets out[i] to the score of Local for targets[i].
func (s *ManyScorer) Scores(query []byte, targets [][]byte, out []int) {
	s.query = s.query[:0]
	for _, c := range query {
		s.query = append(s.query, codes[c])
	}
	if need := 2 * len(query); cap(s.scratch) < need {
		s.scratch = make([][lanes]int16, need)
	}
	s.order = s.order[:0]
	for i, t := range targets {
		switch shorter := min(len(query), len(t)); {
		case shorter == 0:
			out[i] = 0
		case shorter > lanesLongest:
			out[i] = s.one.Score(query, t)
		default:
			s.order = append(s.order, i)
		}
	}
	// The longest together, since 16 take as long as the longest of them.
	slices.SortFunc(s.order, func(a, b int) int { return cmp.Compare(len(targets[b]), len(targets[a])) })
	for some := range slices.Chunk(s.order, lanes) {
		s.score(targets, some, out)
	}
}

// score does what Scores does for up to 16 of the targets, the longest first.
func (s *ManyScorer) score(targets [][]byte, some []int, out []int) {
	n := (len(targets[some[0]]) + 1) &^ 1
	if cap(s.columns) < n*lanes {
		s.columns = make([]uint8, n*lanes)
	}
	s.columns = s.columns[:n*lanes]
	for l := range lanes {
		var t []byte
		if l < len(some) {
			t = targets[some[l]]
		}
		for j, c := range t {
			s.columns[j*lanes+l] = codes[c]
		}
		for j := len(t); j < n; j++ {
			s.columns[j*lanes+l] = pad
		}
	}
	var best [lanes]int16
	C.al_scores((*C.uint8_t)(unsafe.SliceData(s.query)), C.int64_t(len(s.query)), (*C.uint8_t)(unsafe.SliceData(s.columns)), C.int64_t(n),
		(*[C.AL_CODES]C.int8_t)(unsafe.Pointer(&codeScores)), GapOpen+GapExtend, GapExtend, (*C.int16_t)(unsafe.Pointer(unsafe.SliceData(s.scratch))), (*C.int16_t)(&best[0]))
	for l, i := range some {
		out[i] = int(best[l])
	}
}
