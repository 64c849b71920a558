package netcdf

import "math/bits"

// product multiplies sizes; a product that does not fit is the largest int.
func product[T ~int | ~uint | ~uint64](first int, sizes []T) int {
	n := uint64(first)
	over := false
	for _, s := range sizes {
		if s == 0 {
			return 0
		}
		hi, lo := bits.Mul64(n, uint64(s))
		over = over || hi != 0 || lo > 1<<62
		n = lo
	}
	if over {
		return 1<<63 - 1
	}
	return int(n)
}

// typeBytes are the sizes of the types that have one, by ncdump's names.
var typeBytes = map[string]int{
	"byte": 1, "char": 1, "ubyte": 1, "short": 2, "ushort": 2, "int": 4, "uint": 4,
	"float": 4, "int64": 8, "uint64": 8, "double": 8,
}
