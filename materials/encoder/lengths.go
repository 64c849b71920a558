package encoder

import "slices"

// Lengths are the lengths to which texts are padded. A program is compiled for
// each that occurs; on average a text is padded by a tenth.
var Lengths = []int{16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512}

// Padded returns the length that n tokens are padded to: the smallest of
// Lengths that holds them, or n; but no more than most.
func Padded(n, most int) int {
	if i, _ := slices.BinarySearch(Lengths, n); i < len(Lengths) {
		n = Lengths[i]
	}
	return min(n, most)
}
