// Package tensor holds the arrays that cross the edge between files, programs
// and results: a type, a shape, and row-major data. It converts between
// storage types and does no other arithmetic; that is what backends are for.
package tensor

import (
	"fmt"
	"strings"
	"unsafe"
)

// Element lists the Go types whose slices a tensor can be made of or seen as.
// What is of BF16, F16 or Bool has views of its own.
type Element interface {
	float32 | float64 | int32 | int64 | uint8 | int16 | int8
}

// Tensor is a dense row-major array. A tensor of rank 0 has one element.
type Tensor struct {
	dtype DType
	shape []int
	data  []byte // aligned to 8 bytes, len = Len() * dtype.Size()
}

// New returns a zeroed tensor. It panics on a negative dimension.
func New(dt DType, shape ...int) *Tensor {
	n := NumElements(shape)
	words := make([]uint64, (n*dt.Size()+7)/8)
	var data []byte
	if len(words) > 0 {
		data = unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n*dt.Size())
	}
	return &Tensor{dtype: dt, shape: append([]int{}, shape...), data: data}
}

// Of copies data into a new tensor. It panics unless len(data) fits the shape.
func Of[E Element](data []E, shape ...int) *Tensor {
	if NumElements(shape) != len(data) {
		panic(fmt.Sprintf("tensor: %d elements do not fit shape %v", len(data), shape))
	}
	t := New(dtypeOf[E](), shape...)
	copy(view[E](t), data)
	return t
}

// Wrap returns a tensor over data without copying it. data must hold exactly
// the elements, little-endian, and its address must be a multiple of the
// element size.
func Wrap(dt DType, data []byte, shape ...int) (*Tensor, error) {
	if NumElements(shape)*dt.Size() != len(data) {
		return nil, fmt.Errorf("tensor: %d bytes do not fit %v of %v", len(data), dt, shape)
	}
	if len(data) > 0 && uintptr(unsafe.Pointer(&data[0]))%uintptr(dt.Size()) != 0 {
		return nil, fmt.Errorf("tensor: data of %v is not aligned", dt)
	}
	return &Tensor{dtype: dt, shape: append([]int{}, shape...), data: data}, nil
}

// NumElements returns the product of the dimensions. It panics on a negative
// dimension, which is a programming error: file readers check before.
func NumElements(shape []int) int {
	n := 1
	for _, d := range shape {
		if d < 0 {
			panic(fmt.Sprintf("tensor: negative dimension in %v", shape))
		}
		n *= d
	}
	return n
}

// DType returns the storage type.
func (t *Tensor) DType() DType { return t.dtype }

// Shape returns the dimensions; the caller must not change them.
func (t *Tensor) Shape() []int { return t.shape }

// Len returns the number of elements.
func (t *Tensor) Len() int { return len(t.data) / t.dtype.Size() }

// Bytes returns the data as it lies in memory, little-endian.
func (t *Tensor) Bytes() []byte { return t.data }

// Float32 returns the data of an F32 tensor, without copying. Like the other
// views it panics on another type.
func (t *Tensor) Float32() []float32 { return view[float32](t) }

// Float64 returns the data of an F64 tensor.
func (t *Tensor) Float64() []float64 { return view[float64](t) }

// Int32 returns the data of an I32 tensor.
func (t *Tensor) Int32() []int32 { return view[int32](t) }

// Int64 returns the data of an I64 tensor.
func (t *Tensor) Int64() []int64 { return view[int64](t) }

// Bits16 returns the bit patterns of a BF16 or F16 tensor.
func (t *Tensor) Bits16() []uint16 {
	if t.dtype != BF16 && t.dtype != F16 {
		panic(fmt.Sprintf("tensor: 16-bit view of %v", t.dtype))
	}
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(t.data))), t.Len())
}

// Reshape returns a tensor over the same data with another shape.
func (t *Tensor) Reshape(shape ...int) (*Tensor, error) { return Wrap(t.dtype, t.data, shape...) }

// Clone returns a copy.
func (t *Tensor) Clone() *Tensor {
	c := New(t.dtype, t.shape...)
	copy(c.data, t.data)
	return c
}

// Convert returns the tensor in another storage type, rounding to nearest; it
// returns t itself if the type is the same already. Integers convert to
// floats and back by value, truncating towards zero.
func (t *Tensor) Convert(dt DType) *Tensor {
	if t.dtype == dt {
		return t
	}
	out := New(dt, t.shape...)
	switch { // the common pairs, without the detour
	case t.dtype == F32 && dt == BF16:
		each(out.Bits16(), t.Float32(), ToBF16)
	case t.dtype == BF16 && dt == F32:
		each(out.Float32(), t.Bits16(), FromBF16)
	case t.dtype == F32 && dt == F16:
		each(out.Bits16(), t.Float32(), ToF16)
	case t.dtype == F16 && dt == F32:
		each(out.Float32(), t.Bits16(), FromF16)
	default:
		for i := range t.Len() {
			out.Set(i, t.At(i))
		}
	}
	return out
}

func each[To, From any](out []To, in []From, f func(From) To) {
	for i, v := range in {
		out[i] = f(v)
	}
}

// At returns element i, in row-major order, as a float64.
func (t *Tensor) At(i int) float64 {
	switch t.dtype {
	case F32:
		return float64(t.Float32()[i])
	case F64:
		return t.Float64()[i]
	case BF16:
		return float64(FromBF16(t.Bits16()[i]))
	case F16:
		return float64(FromF16(t.Bits16()[i]))
	case I32:
		return float64(t.Int32()[i])
	case I64:
		return float64(t.Int64()[i])
	case I16:
		return float64(view[int16](t)[i])
	case I8:
		return float64(int8(t.data[i]))
	}
	return float64(t.data[i])
}

// Set stores v as element i, rounding to the storage type.
func (t *Tensor) Set(i int, v float64) {
	switch t.dtype {
	case F32:
		t.Float32()[i] = float32(v)
	case F64:
		t.Float64()[i] = v
	case BF16:
		t.Bits16()[i] = ToBF16(float32(v))
	case F16:
		t.Bits16()[i] = ToF16(float32(v))
	case I32:
		t.Int32()[i] = int32(v)
	case I64:
		t.Int64()[i] = int64(v)
	case I16:
		view[int16](t)[i] = int16(v)
	case U8:
		t.data[i] = uint8(v)
	case I8:
		t.data[i] = uint8(int8(v))
	case Bool:
		t.data[i] = 0
		if v != 0 {
			t.data[i] = 1
		}
	}
}

// String returns the type and shape, such as "f32[2 3]".
func (t *Tensor) String() string {
	return t.dtype.String() + strings.ReplaceAll(fmt.Sprint(t.shape), ",", " ")
}

func dtypeOf[E Element]() DType {
	var e E
	switch any(e).(type) {
	case float32:
		return F32
	case float64:
		return F64
	case int32:
		return I32
	case int64:
		return I64
	case int16:
		return I16
	case int8:
		return I8
	}
	return U8
}

func view[E Element](t *Tensor) []E {
	if dt := dtypeOf[E](); t.dtype != dt {
		panic(fmt.Sprintf("tensor: %v view of %v", dt, t.dtype))
	}
	return unsafe.Slice((*E)(unsafe.Pointer(unsafe.SliceData(t.data))), t.Len())
}
