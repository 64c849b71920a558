package netcdf

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"sync"
	"unsafe"
)

// decodeNumbers are numbers of a type, from their bytes.
func decodeNumbers(kind string, b []byte, order binary.ByteOrder) any {
	switch kind {
	case "byte":
		return decode[int8](b, order)
	case "ubyte":
		return decode[uint8](b, order)
	case "short":
		return decode[int16](b, order)
	case "ushort":
		return decode[uint16](b, order)
	case "int":
		return decode[int32](b, order)
	case "uint":
		return decode[uint32](b, order)
	case "int64":
		return decode[int64](b, order)
	case "uint64":
		return decode[uint64](b, order)
	case "float":
		return decode[float32](b, order)
	case "double":
		return decode[float64](b, order)
	}
	return nil
}

func decode[T number](b []byte, order binary.ByteOrder) []T {
	out := make([]T, len(b)/int(unsafe.Sizeof(*new(T))))
	if _, err := binary.Decode(b, order, out); err != nil {
		panic(err) // the types are fixed, and there are bytes for each
	}
	return out
}

// view is memory seen as numbers of another type. It begins where a number may:
// at the start of what scratch or make gave.
func view[To, From any](s []From) []To {
	var to To
	var from From
	n := len(s) * int(unsafe.Sizeof(from)) / int(unsafe.Sizeof(to))
	return unsafe.Slice((*To)(unsafe.Pointer(unsafe.SliceData(s))), n)
}

var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// fromBigEndian turns values of size bytes in place.
func fromBigEndian(b []byte, size int) {
	if bigEndian {
		return
	}
	switch size {
	case 2:
		x := view[uint16](b)
		for i, v := range x {
			x[i] = bits.ReverseBytes16(v)
		}
	case 4:
		x := view[uint32](b)
		for i, v := range x {
			x[i] = bits.ReverseBytes32(v)
		}
	case 8:
		x := view[uint64](b)
		for i, v := range x {
			x[i] = bits.ReverseBytes64(v)
		}
	}
}

var scratches sync.Pool

// scratch is room for n bytes until giveBack; it begins where any number may.
func scratch(n int) *[]uint64 {
	words := (n + 7) / 8
	if s, ok := scratches.Get().(*[]uint64); ok && cap(*s) >= words {
		*s = (*s)[:words]
		return s
	}
	s := make([]uint64, words)
	return &s
}

func giveBack(s *[]uint64) {
	if 8*cap(*s) <= 32<<20 { // more is rare, and better free
		scratches.Put(s)
	}
}

type real interface{ float32 | float64 }

// unpackFrom turns stored values of a type into those meant.
func unpackFrom[D real](p packing, kind string, stored []byte, to []D) {
	switch kind {
	case "byte":
		unpack(p, view[int8](stored), to)
	case "ubyte":
		unpack(p, stored, to)
	case "short":
		unpack(p, view[int16](stored), to)
	case "ushort":
		unpack(p, view[uint16](stored), to)
	case "int":
		unpack(p, view[int32](stored), to)
	case "uint":
		unpack(p, view[uint32](stored), to)
	case "int64":
		unpack(p, view[int64](stored), to)
	case "uint64":
		unpack(p, view[uint64](stored), to)
	case "float":
		unpack(p, view[float32](stored), to)
	case "double":
		unpack(p, view[float64](stored), to)
	}
}

// unpack turns stored values into those meant, missing ones into NaN. From and
// to may be the same memory.
func unpack[S number, D real](p packing, from []S, to []D) {
	nan := D(math.NaN())
	// One value stands for missing ones, mostly, or two.
	a, b, more := math.NaN(), math.NaN(), false
	if n := len(p.missing); n > 0 {
		a, b, more = p.missing[0], p.missing[n-1], n > 2
	}
	from = from[:len(to)]
	for i, s := range from {
		x := float64(s)
		if p.wrap != 0 && x < 0 {
			x += p.wrap
		}
		switch {
		case x == a || x == b || x < p.low || x > p.high || more && slices.Contains(p.missing, x):
			to[i] = nan
		case p.packed:
			to[i] = D(x*p.scale + p.offset)
		default:
			to[i] = D(x)
		}
	}
}
