package tensor

import "math"

// ScaleSuffix ends the name of the scales of a matrix in 8 bits, after its own.
const ScaleSuffix = ".scale"

// tiny is the largest magnitude of a channel that counts as one of zeros: the
// inverse of its scale would not be a float.
const tiny = 1e-30

// Int8 returns a matrix of floats as signed bytes and the f32 scale of each
// channel: an element is scale · byte, to within half a scale. A channel is a
// row, and the scales are [rows, 1]; or with columns it is a column, and they are
// [1, cols]. The largest magnitude of a channel becomes 127 (absmax quantisation:
// Dettmers et al. 2022, arXiv:2208.07339, section 2.1). It panics unless t is a
// matrix of floats; they must be finite.
func (t *Tensor) Int8(columns bool) (bytes, scales *Tensor) {
	if len(t.shape) != 2 || !t.dtype.IsFloat() {
		panic("tensor: 8-bit form of " + t.String())
	}
	x, rows, cols := t.Convert(F32).Float32(), t.shape[0], t.shape[1]
	scales = New(F32, rows, 1)
	if columns {
		scales = New(F32, 1, cols)
	}
	s := scales.Float32()
	largest := make([]uint32, len(s)) // magnitudes are ordered as their bits are
	for r := range rows {
		row := x[r*cols:][:cols]
		if columns {
			for c, v := range row {
				largest[c] = max(largest[c], magnitude(v))
			}
			continue
		}
		for _, v := range row {
			largest[r] = max(largest[r], magnitude(v))
		}
	}
	inverse := make([]float32, len(s))
	for i, bits := range largest {
		if v := math.Float32frombits(bits); v > tiny {
			s[i], inverse[i] = v/127, 127/v
		}
	}
	bytes = New(I8, rows, cols)
	for r := range rows {
		row, out := x[r*cols:][:cols], bytes.Int8s()[r*cols:][:cols]
		if columns {
			for c, v := range row {
				out[c] = rounded(v * inverse[c])
			}
			continue
		}
		by := inverse[r]
		for c, v := range row {
			out[c] = rounded(v * by)
		}
	}
	return bytes, scales
}

func magnitude(v float32) uint32 { return math.Float32bits(v) &^ (1 << 31) }

// rounded returns the nearest integer to v, which is -127.5 to 127.5, the even
// one of two: the sum with 1.5·2²³ is rounded to it by the hardware.
func rounded(v float32) int8 { return int8(math.Float32bits(float32(v) + 3<<22)) }

// FromInt8 returns scale · byte in f32: the inverse of Int8, but for rounding.
func FromInt8(bytes, scales *Tensor) *Tensor {
	rows, cols := bytes.shape[0], bytes.shape[1]
	columns := scales.shape[0] == 1 && scales.shape[1] == cols
	out := New(F32, rows, cols)
	x, from, s := out.Float32(), bytes.Int8s(), scales.Float32()
	for i := range x {
		if columns {
			x[i] = s[i%cols] * float32(from[i])
		} else {
			x[i] = s[i/cols] * float32(from[i])
		}
	}
	return out
}

// Int8s returns the data of an I8 tensor.
func (t *Tensor) Int8s() []int8 { return view[int8](t) }
