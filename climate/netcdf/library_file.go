//go:build cgo && !nonetcdf

package netcdf

import (
	"fmt"
	"strings"

	clib "github.com/fhs/go-netcdf/netcdf"
)

// libraryFile is a file that the C library has open.
type libraryFile struct {
	ds     clib.Dataset
	size   int64
	places []place // in the order of content.walk
	shapes []*Variable
}

// place is where the library finds a variable.
type place struct {
	ds clib.Dataset
	id int
}

// openLibrary opens a file with the C library and reads its header.
func openLibrary(path string, size int64) (*libraryFile, content, error) {
	enter()
	defer leave()
	ds, err := clib.OpenFile(path, clib.NOWRITE)
	if err != nil {
		return nil, content{}, fmt.Errorf("cannot be read as NetCDF (%w); %s", err, damaged)
	}
	l := &libraryFile{ds: ds, size: size}
	var c content
	if c.format, err = formatOf(ds); err == nil {
		c.root, err = l.readGroup(ds, "", 0)
	}
	if err != nil {
		// The first error is the one to report.
		_ = ds.Close()
		return nil, c, fmt.Errorf("%w; %s", err, damaged)
	}
	c.walk(func(_ string, v *Variable) { l.shapes = append(l.shapes, v) })
	return l, c, nil
}

func (l *libraryFile) close() error {
	enter()
	defer leave()
	return l.ds.Close()
}

func (l *libraryFile) read(at int, start, count []int, into []byte) error {
	enter()
	defer leave()
	if err := l.checkStorage(l.places[at], l.shapes[at]); err != nil {
		return err
	}
	if err := readStored(l.places[at].ds, l.places[at].id, start, count, into); err != nil {
		return fmt.Errorf("%w; %s", err, damaged)
	}
	return nil
}

// A variable of more bytes than the first, and of more than the second times
// those of the file, is a small file asking for a large memory.
const (
	maxFreeBytes   = 4 << 30
	maxCompression = 1000
)

// checkStorage refuses a variable whose chunks or whose claims are out of
// proportion to the file.
func (l *libraryFile) checkStorage(at place, v *Variable) error {
	size := typeBytes[v.Type]
	chunk, err := chunkBytes(at.ds, at.id, len(v.Shape), size)
	if err != nil {
		return err
	}
	if chunk > maxReadBytes {
		return fmt.Errorf("chunks of %d bytes are larger than %d; rewrite the file with smaller ones, as with nccopy -c", chunk, maxReadBytes)
	}
	if n := product(size, v.Shape); n > maxFreeBytes && int64(n)/maxCompression > l.size {
		return fmt.Errorf("declares %d bytes in a file of %d", n, l.size)
	}
	return nil
}

func (l *libraryFile) readGroup(ds clib.Dataset, path string, depth int) (Group, error) {
	g := Group{Name: path, Variables: []Variable{}}
	if depth > maxDepth {
		return g, fmt.Errorf("groups are nested more than %d deep", maxDepth)
	}
	var err error
	if g.Dimensions, err = dimensionsOf(ds); err != nil {
		return g, fmt.Errorf("dimensions: %w", err)
	}
	n, err := ds.NAttrs()
	if err == nil {
		g.Attributes, err = readAttributes(ds, global, n)
	}
	if err != nil {
		return g, fmt.Errorf("attributes: %w", err)
	}
	if n, err = ds.NVars(); err != nil {
		return g, fmt.Errorf("variables: %w", err)
	}
	if n+len(l.places) > maxVariables {
		return g, fmt.Errorf("%d variables, more than %d", n+len(l.places), maxVariables)
	}
	for i := range n {
		v, err := readVariable(ds, i)
		if err != nil {
			return g, fmt.Errorf("variable %d (%s): %w", i, v.Name, err)
		}
		g.Variables = append(g.Variables, v)
		l.places = append(l.places, place{ds, i})
	}
	children, err := childrenOf(ds)
	if err != nil {
		return g, fmt.Errorf("groups: %w", err)
	}
	for _, c := range children {
		sub, err := l.readGroup(c.ds, join(path, c.name), depth+1)
		if err != nil {
			return g, fmt.Errorf("group %s: %w", c.name, err)
		}
		g.Groups = append(g.Groups, sub)
	}
	return g, nil
}

func readVariable(ds clib.Dataset, id int) (v Variable, err error) {
	cv := ds.VarN(id)
	v.Dimensions, v.Shape = []string{}, []int{}
	if v.Name, err = cv.Name(); err != nil {
		return v, err
	}
	t, err := cv.Type()
	if err != nil {
		return v, err
	}
	if v.Type, err = typeName(ds, t); err != nil {
		return v, err
	}
	if typeBytes[v.Type] == 0 {
		v.Unsupported = "values of type " + v.Type + " cannot be read"
	}
	dims, err := cv.Dims()
	if err != nil {
		return v, err
	}
	if len(dims) > maxRank {
		return v, fmt.Errorf("%d dimensions, more than %d", len(dims), maxRank)
	}
	for _, d := range dims {
		name, err := d.Name()
		if err != nil {
			return v, err
		}
		n, err := d.Len()
		if err != nil {
			return v, err
		}
		if n > 1<<62 {
			return v, fmt.Errorf("dimension %s has size %d", name, n)
		}
		v.Dimensions, v.Shape = append(v.Dimensions, name), append(v.Shape, int(n))
	}
	n, err := cv.NAttrs()
	if err != nil {
		return v, err
	}
	v.Attributes, err = readAttributes(ds, id, n)
	return v, err
}

func readAttributes(ds clib.Dataset, variable, n int) ([]Attribute, error) {
	if n > maxAttributes {
		return nil, fmt.Errorf("%d attributes, more than %d", n, maxAttributes)
	}
	out := make([]Attribute, n)
	for i := range out {
		var a clib.Attr
		var err error
		if variable == global {
			a, err = ds.AttrN(i)
		} else {
			a, err = ds.VarN(variable).AttrN(i)
		}
		if err != nil {
			return nil, fmt.Errorf("attribute %d: %w", i, err)
		}
		if out[i], err = readAttribute(ds, variable, a); err != nil {
			return nil, fmt.Errorf("attribute %s: %w", a.Name(), err)
		}
	}
	return out, nil
}

func typeName(ds clib.Dataset, t clib.Type) (string, error) {
	switch t {
	case clib.BYTE, clib.CHAR, clib.SHORT, clib.INT, clib.FLOAT, clib.DOUBLE, clib.UBYTE,
		clib.USHORT, clib.UINT, clib.INT64, clib.UINT64, clib.STRING:
		return strings.ToLower(t.String()), nil
	}
	return userType(ds, t)
}
