package tensor

import (
	"fmt"
	"math"
)

// DType is the storage type of a tensor's elements.
type DType uint8

// The storage types. Arithmetic on BF16 and F16 is always done in float32 or
// better; the two are formats of memory and of files.
const (
	F32  DType = iota // IEEE binary32
	F64               // IEEE binary64
	BF16              // bfloat16: the upper half of a binary32
	F16               // IEEE binary16
	I32               // two's complement
	I64               // two's complement; found in files only
	U8                // bytes
	I16               // two's complement; found in files only
	I8                // two's complement: weights in 8 bits
	Bool              // a byte, 0 or 1; found in files only
)

var dtypes = [...]struct {
	name string
	size int
}{{"f32", 4}, {"f64", 8}, {"bf16", 2}, {"f16", 2}, {"i32", 4}, {"i64", 8}, {"u8", 1}, {"i16", 2}, {"i8", 1}, {"bool", 1}}

// String returns the short name, such as "bf16".
func (d DType) String() string {
	if int(d) < len(dtypes) {
		return dtypes[d].name
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// Size returns the number of bytes an element takes.
func (d DType) Size() int { return dtypes[d].size }

// IsFloat reports whether the type holds real numbers.
func (d DType) IsFloat() bool { return d == F32 || d == F64 || d == BF16 || d == F16 }

// ParseDType is the inverse of String.
func ParseDType(s string) (DType, error) {
	for i, d := range dtypes {
		if d.name == s {
			return DType(i), nil
		}
	}
	return 0, fmt.Errorf("tensor: unknown type %q; known are f32, f64, bf16, f16, i32, i64, u8, i16, i8, bool", s)
}

// ToBF16 rounds to nearest, ties to even; NaN stays NaN.
func ToBF16(f float32) uint16 {
	b := math.Float32bits(f)
	if b&0x7fffffff > 0x7f800000 {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + (b>>16)&1) >> 16)
}

// FromBF16 is exact.
func FromBF16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// ToF16 rounds to nearest, ties to even; overflow gives infinity and NaN stays
// NaN.
func ToF16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00
	case b >= 0x47800000: // 65536 and above, and infinity
		return sign | 0x7c00
	case b < 0x38800000: // below 2^-14: subnormal or zero
		// Adding 0.5 lines the value up with the subnormal grid of 2^-24 and
		// lets the hardware round.
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-0x3f000000)
	}
	b += 0xfff + (b>>13)&1
	return sign | uint16((b-0x38000000)>>13)
}

// FromF16 is exact.
func FromF16(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp, frac := uint32(h>>10)&0x1f, uint32(h&0x3ff)
	switch exp {
	case 0:
		f := float32(frac) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}
