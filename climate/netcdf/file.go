//go:build cgo && !nonetcdf

package netcdf

import (
	"errors"
	"fmt"
	"strings"

	clib "github.com/fhs/go-netcdf/netcdf"
)

// File is an open NetCDF file. Its methods may be called from several
// goroutines; they take turns.
type File struct {
	name   string
	ds     clib.Dataset
	closed bool
	format string
	size   int64
	root   Group
	where  map[string]place // of the variables, by path
}

type place struct {
	ds clib.Dataset
	id int
}

// Open opens a file for reading and reads its header. Names that look like
// URLs, files of other formats and files shorter than they say are refused.
func Open(path string) (*File, error) {
	abs, err := checkPath(path)
	if err != nil {
		return nil, err
	}
	size, err := checkContent(path, abs)
	if err != nil {
		return nil, err
	}
	enter()
	defer leave()
	ds, err := clib.OpenFile(abs, clib.NOWRITE)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be read as NetCDF (%w); %s", path, err, damaged)
	}
	f := &File{name: path, ds: ds, size: size, where: map[string]place{}}
	if f.format, err = formatOf(ds); err == nil {
		f.root, err = f.readGroup(ds, "", 0)
	}
	if err != nil {
		// The first error is the one to report.
		_ = ds.Close()
		return nil, fmt.Errorf("%s: %w; %s", path, err, damaged)
	}
	return f, nil
}

// Close closes the file. A second call does nothing.
func (f *File) Close() error {
	enter()
	defer leave()
	if f.closed {
		return nil
	}
	f.closed = true
	if err := f.ds.Close(); err != nil {
		return fmt.Errorf("%s: closing: %w", f.name, err)
	}
	return nil
}

// Describe says what the file holds. It reads the coordinates, not the data.
func (f *File) Describe() (Description, error) {
	library.Lock()
	closed := f.closed
	library.Unlock()
	if closed {
		return Description{}, fmt.Errorf("%s: is closed", f.name)
	}
	d := Description{File: f.name, Format: f.format, Group: f.root.clone(), Problems: []Problem{}}
	return d, interpret(&d, f.ReadFloat64)
}

func (f *File) readGroup(ds clib.Dataset, path string, depth int) (Group, error) {
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
	if n+len(f.where) > maxVariables {
		return g, fmt.Errorf("%d variables, more than %d", n+len(f.where), maxVariables)
	}
	for i := range n {
		v, err := readVariable(ds, i)
		if err != nil {
			return g, fmt.Errorf("variable %d (%s): %w", i, v.Name, err)
		}
		g.Variables = append(g.Variables, v)
		f.where[join(path, v.Name)] = place{ds, i}
	}
	children, err := childrenOf(ds)
	if err != nil {
		return g, fmt.Errorf("groups: %w", err)
	}
	for _, c := range children {
		sub, err := f.readGroup(c.ds, join(path, c.name), depth+1)
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

var errLongAttribute = errors.New("is longer than 1 MiB")

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
