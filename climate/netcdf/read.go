package netcdf

import "fmt"

// ReadFloat64 reads a hyperslab of a numeric variable, row-major. The name of a
// variable in a group is its path. start and count have one number a dimension;
// both nil mean the whole variable. Packed values are unpacked (scale_factor,
// add_offset, _Unsigned); missing ones (_FillValue, missing_value, valid_range,
// the type's default fill) are NaN. 64-bit integers are rounded to float64.
func (f *File) ReadFloat64(name string, start, count []int) ([]float64, error) {
	r, err := f.prepare(name, start, count)
	if err != nil {
		return nil, err
	}
	out := make([]float64, r.n)
	if err := fill(f, r, out); err != nil {
		return nil, err
	}
	return out, nil
}

// ReadFloat32 is ReadFloat64 rounded to float32.
func (f *File) ReadFloat32(name string, start, count []int) ([]float32, error) {
	r, err := f.prepare(name, start, count)
	if err != nil {
		return nil, err
	}
	out := make([]float32, r.n)
	if err := fill(f, r, out); err != nil {
		return nil, err
	}
	return out, nil
}

// ReadInto is ReadFloat32 into dst, which must have room for just the values.
// Floats that are not packed go there without a copy.
func (f *File) ReadInto(name string, start, count []int, dst []float32) error {
	r, err := f.prepare(name, start, count)
	switch {
	case err != nil:
		return err
	case r.n != len(dst):
		return fmt.Errorf("%s: variable %s: room for %d values, wanted %d", f.name, name, len(dst), r.n)
	}
	return fill(f, r, dst)
}

// request is a hyperslab that the file has.
type request struct {
	path         string
	at           int
	v            *Variable
	packing      packing
	start, count []int
	n            int // values
}

// prepare checks what a read wants and finds out how the values are stored.
// start and count that are nil mean all.
func (f *File) prepare(name string, start, count []int) (request, error) {
	fail := func(format string, args ...any) (request, error) {
		return request{}, fmt.Errorf("%s: variable %s: %w", f.name, name, fmt.Errorf(format, args...))
	}
	at, ok := f.where[name]
	if !ok {
		return request{}, fmt.Errorf("%s: has no variable %s", f.name, name)
	}
	v := f.variables[at]
	if v.Unsupported != "" {
		return fail("%s", v.Unsupported)
	}
	if v.Type == "char" {
		return fail("is of type char, wanted numbers")
	}
	if start == nil && count == nil {
		start, count = make([]int, len(v.Shape)), v.Shape
	}
	if len(start) != len(v.Shape) || len(count) != len(v.Shape) {
		return fail("start %v and count %v, wanted one number for each of %v", start, count, v.Dimensions)
	}
	for i, n := range v.Shape {
		if start[i] < 0 || count[i] < 0 || start[i] > n || count[i] > n-start[i] {
			return fail("dimension %s has %d values, wanted %d from %d", v.Dimensions[i], n, count[i], start[i])
		}
	}
	n := product(1, count)
	if n > maxReadBytes/8 {
		return fail("%d values at once are more than %d; read fewer at a time", n, maxReadBytes/8)
	}
	p, err := packingOf(*v)
	if err != nil {
		return fail("%w", err)
	}
	return request{name, at, v, p, start, count, n}, nil
}

// fill reads what was prepared.
func fill[D real](f *File, r request, dst []D) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.closed {
		return fmt.Errorf("%s: is closed", f.name)
	}
	if r.n == 0 {
		return nil
	}
	single, floats := any(dst).([]float32)
	_, doubles := any(dst).([]float64)
	var stored []byte
	if floats && r.v.Type == "float" || doubles && r.v.Type == "double" {
		stored = view[byte](dst)
	} else {
		room := scratch(r.n * typeBytes[r.v.Type])
		defer giveBack(room)
		stored = view[byte](*room)[:r.n*typeBytes[r.v.Type]]
	}
	if err := f.source.read(r.at, r.start, r.count, stored); err != nil {
		return fmt.Errorf("%s: variable %s: reading %v values from %v: %w", f.name, r.path, r.count, r.start, err)
	}
	if floats && r.v.Type == "float" && !r.packing.packed {
		r.packing.mask(single)
		return nil
	}
	unpackFrom(r.packing, r.v.Type, stored, dst)
	return nil
}
