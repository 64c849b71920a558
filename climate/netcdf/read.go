//go:build cgo && !nonetcdf

package netcdf

import (
	"fmt"
	"strings"
)

// ReadFloat64 reads a hyperslab of a numeric variable, row-major. The name of a
// variable in a group is its path. start and count have one number a dimension;
// both nil mean the whole variable. Packed values are unpacked (scale_factor,
// add_offset, _Unsigned); missing ones (_FillValue, missing_value, valid_range,
// the type's default fill) are NaN. 64-bit integers are rounded to float64.
func (f *File) ReadFloat64(name string, start, count []int) ([]float64, error) {
	enter()
	defer leave()
	at, _, p, n, err := f.prepare(name, &start, &count)
	if err != nil {
		return nil, err
	}
	out := make([]float64, n)
	if n == 0 {
		return out, nil
	}
	if err := readNumbers(at.ds, at.id, start, count, out); err != nil {
		return nil, fmt.Errorf("%s: variable %s: %w; %s", f.name, name, err, damaged)
	}
	p.unpack(out)
	return out, nil
}

// prepare checks what a read wants and finds out how the values are stored. It
// returns their number, and fills in start and count that are nil.
func (f *File) prepare(name string, start, count *[]int) (at place, v Variable, p packing, n int, err error) {
	if f.closed {
		return at, v, p, 0, fmt.Errorf("%s: is closed", f.name)
	}
	if at, v, err = f.find(name); err != nil {
		return at, v, p, 0, err
	}
	if v.Unsupported != "" || v.Type == "char" {
		return at, v, p, 0, fmt.Errorf("%s: variable %s: is of type %s, wanted numbers", f.name, name, v.Type)
	}
	if *start == nil && *count == nil {
		*start, *count = make([]int, len(v.Shape)), v.Shape
	}
	from, some := *start, *count
	if len(from) != len(v.Shape) || len(some) != len(v.Shape) {
		return at, v, p, 0, fmt.Errorf("%s: variable %s: start %v and count %v, wanted one number for each of %v", f.name, name, from, some, v.Dimensions)
	}
	for i, n := range v.Shape {
		if from[i] < 0 || some[i] < 0 || from[i] > n || some[i] > n-from[i] {
			return at, v, p, 0, fmt.Errorf("%s: variable %s: dimension %s has %d values, wanted %d from %d", f.name, name, v.Dimensions[i], n, some[i], from[i])
		}
	}
	n = product(1, some)
	if n > maxReadBytes/8 {
		return at, v, p, 0, fmt.Errorf("%s: variable %s: %d values at once are more than %d; read fewer at a time", f.name, name, n, maxReadBytes/8)
	}
	if err := f.checkStorage(at, v); err != nil {
		return at, v, p, 0, fmt.Errorf("%s: variable %s: %w", f.name, name, err)
	}
	if p, err = packingOf(v); err != nil {
		return at, v, p, 0, fmt.Errorf("%s: variable %s: %w", f.name, name, err)
	}
	return at, v, p, n, nil
}

// ReadFloat32 is ReadFloat64 rounded to float32.
func (f *File) ReadFloat32(name string, start, count []int) ([]float32, error) {
	enter()
	defer leave()
	_, _, _, n, err := f.prepare(name, &start, &count)
	if err != nil {
		return nil, err
	}
	out := make([]float32, n)
	if err := f.into(name, start, count, out); err != nil {
		return nil, err
	}
	return out, nil
}

// ReadInto is ReadFloat32 into dst, which must have room for just the values.
// Floats that are not packed go there without a copy.
func (f *File) ReadInto(name string, start, count []int, dst []float32) error {
	enter()
	defer leave()
	return f.into(name, start, count, dst)
}

func (f *File) into(name string, start, count []int, dst []float32) error {
	at, v, p, n, err := f.prepare(name, &start, &count)
	switch {
	case err != nil:
		return err
	case n != len(dst):
		return fmt.Errorf("%s: variable %s: room for %d values, wanted %d", f.name, name, len(dst), n)
	case n == 0:
		return nil
	}
	if v.Type == "float" && !p.packed {
		if err := readSingles(at.ds, at.id, start, count, dst); err != nil {
			return fmt.Errorf("%s: variable %s: %w; %s", f.name, name, err, damaged)
		}
		p.mask(dst)
		return nil
	}
	wide := make([]float64, n)
	if err := readNumbers(at.ds, at.id, start, count, wide); err != nil {
		return fmt.Errorf("%s: variable %s: %w; %s", f.name, name, err, damaged)
	}
	p.unpack(wide)
	for i, x := range wide {
		dst[i] = float32(x)
	}
	return nil
}

// checkStorage refuses a NetCDF-4 variable whose chunks or whose claims are out
// of proportion to the file.
func (f *File) checkStorage(at place, v Variable) error {
	if !strings.HasPrefix(f.format, "NetCDF-4") {
		return nil
	}
	size := typeBytes[v.Type]
	chunk, err := chunkBytes(at.ds, at.id, len(v.Shape), size)
	if err != nil {
		return err
	}
	if chunk > maxReadBytes {
		return fmt.Errorf("chunks of %d bytes are larger than %d; rewrite the file with smaller ones, as with nccopy -c", chunk, maxReadBytes)
	}
	if n := product(size, v.Shape); n > maxFreeBytes && int64(n)/maxCompression > f.size {
		return fmt.Errorf("declares %d bytes in a file of %d", n, f.size)
	}
	return nil
}

// find is a variable by its path.
func (f *File) find(name string) (place, Variable, error) {
	at, ok := f.where[name]
	if !ok {
		return place{}, Variable{}, fmt.Errorf("%s: has no variable %s", f.name, name)
	}
	g := &f.root
	parts := strings.Split(name, "/")
	for i := range parts[:len(parts)-1] {
		for j := range g.Groups {
			if g.Groups[j].Name == strings.Join(parts[:i+1], "/") {
				g = &g.Groups[j]
				break
			}
		}
	}
	v, ok := g.Variable(parts[len(parts)-1])
	if !ok {
		return place{}, Variable{}, fmt.Errorf("%s: has no variable %s", f.name, name)
	}
	return at, v, nil
}
