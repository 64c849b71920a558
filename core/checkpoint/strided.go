package checkpoint

import (
	"cmp"
	"fmt"
	"io"
	"math/bits"
	"slices"
)

// gatherBuffer is how much of a file is held to pick elements out of it.
const gatherBuffer = 256 << 10

// stride is one dimension of a view: how many elements there are along it and
// how far apart they lie, in the file and in a row-major array.
type stride struct{ n, from, to int }

// checkView makes sure that a view lies within numel elements.
func checkView(shape, strides []int, first, numel int64) error {
	if len(shape) != len(strides) {
		return fmt.Errorf("shape %v has other dimensions than strides %v", shape, strides)
	}
	if len(shape) > maxRank {
		return fmt.Errorf("%d dimensions are above the limit of %d", len(shape), maxRank)
	}
	empty := false
	for i, d := range shape {
		if d < 0 || d > maxDim || strides[i] < 0 {
			return fmt.Errorf("shape %v with strides %v cannot be", shape, strides)
		}
		empty = empty || d == 0
	}
	if first < 0 || first > numel || !empty && first == numel {
		return fmt.Errorf("it starts at element %d of a storage of %d", first, numel)
	}
	last := uint64(first)
	for i, d := range shape {
		if empty || d == 1 {
			continue
		}
		hi, lo := bits.Mul64(uint64(d-1), uint64(strides[i]))
		if last += lo; hi != 0 || lo >= uint64(numel) || last >= uint64(numel) {
			return fmt.Errorf("shape %v with strides %v from element %d leaves its storage of %d", shape, strides, first, numel)
		}
	}
	_, err := memoryOrder(shape, strides)
	return err
}

// memoryOrder returns the dimensions of a view, those that are far apart in the
// file first, so that going through them reads the file forwards. Dimensions of
// one element are left out and those that follow one another in both are one.
// Views whose rows are woven into each other are refused: no weights have them.
func memoryOrder(shape, strides []int) ([]stride, error) {
	var dims []stride
	to := 1
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] == 0 {
			return []stride{{0, 1, 1}}, nil
		}
		if shape[i] > 1 {
			dims = append(dims, stride{shape[i], strides[i], to})
		}
		to *= shape[i]
	}
	slices.SortStableFunc(dims, func(a, b stride) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	// From the innermost outwards.
	var out []stride
	span := 0
	for _, d := range dims {
		if d.from > 0 && d.from <= span {
			return nil, fmt.Errorf("shape %v with strides %v overlaps itself", shape, strides)
		}
		span += (d.n - 1) * d.from
		if k := len(out) - 1; k >= 0 && d.from == out[k].n*out[k].from && d.to == out[k].n*out[k].to {
			out[k].n *= d.n
			continue
		}
		out = append(out, d)
	}
	slices.Reverse(out)
	return out, nil
}

// contiguous tells whether the elements lie in the file as in the array.
func contiguous(dims []stride) bool {
	return len(dims) == 0 || len(dims) == 1 && dims[0].from == 1 && dims[0].to == 1
}

// gather reads the elements of a view whose first one lies at byte at of r into
// out, which has room for exactly those.
func gather(r io.ReaderAt, at int64, size int, dims []stride, out []byte) error {
	if len(out) == 0 {
		return nil
	}
	if contiguous(dims) {
		return readAt(r, out, at)
	}
	last := at + int64(size)
	for _, d := range dims {
		last += int64(d.n-1) * int64(d.from) * int64(size)
	}
	w := window{r: r, end: last, buf: make([]byte, min(gatherBuffer, last-at))}
	inner := dims[len(dims)-1]
	outer := dims[:len(dims)-1]
	index := make([]int, len(outer))
	from, to := at, 0
	for {
		for i := range inner.n {
			b, err := w.at(from+int64(i)*int64(inner.from)*int64(size), size)
			if err != nil {
				return err
			}
			put := out[(to+i*inner.to)*size:]
			switch size { // of a known size it is one move
			case 2:
				*(*[2]byte)(put) = *(*[2]byte)(b)
			case 4:
				*(*[4]byte)(put) = *(*[4]byte)(b)
			case 8:
				*(*[8]byte)(put) = *(*[8]byte)(b)
			default:
				copy(put[:size], b)
			}
		}
		k := len(outer) - 1
		for ; k >= 0; k-- {
			index[k]++
			from += int64(outer[k].from) * int64(size)
			to += outer[k].to
			if index[k] < outer[k].n {
				break
			}
			from -= int64(outer[k].n) * int64(outer[k].from) * int64(size)
			to -= outer[k].n * outer[k].to
			index[k] = 0
		}
		if k < 0 {
			return nil
		}
	}
}

// window is a part of a file that moves forwards.
type window struct {
	r          io.ReaderAt
	buf        []byte
	start, end int64 // of buf in the file; of what may be read
	n          int   // bytes of buf that are filled
}

func (w *window) at(at int64, size int) ([]byte, error) {
	if i := at - w.start; i >= 0 && i+int64(size) <= int64(w.n) {
		return w.buf[i : i+int64(size)], nil
	}
	w.start, w.n = at, int(min(int64(len(w.buf)), w.end-at))
	if err := readAt(w.r, w.buf[:w.n], at); err != nil {
		return nil, err
	}
	return w.buf[:size], nil
}

// readAt fills b; a file that ends before is one that was cut short since it
// was opened.
func readAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
