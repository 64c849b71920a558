package netcdf

import (
	"fmt"
	"sync"
)

// File is an open NetCDF file. Its methods may be called from several
// goroutines.
type File struct {
	name      string
	format    string
	root      Group
	variables []*Variable    // in the order of content.walk
	where     map[string]int // in variables, by path
	source    source

	mu     sync.RWMutex // closing waits for those who read
	closed bool
}

// Open opens a file for reading and reads its header. Names that look like
// URLs, files of other formats and files shorter than they say are refused.
func Open(path string) (*File, error) {
	abs, err := checkPath(path)
	if err != nil {
		return nil, err
	}
	in, err := checkContent(path, abs)
	if err != nil {
		return nil, err
	}
	f := &File{name: path, where: map[string]int{}}
	var c content
	if h := in.classic; h != nil {
		c = h.content()
		f.source = &classicFile{f: in.f, variables: h.variables, places: h.places, record: h.recordBytes()}
	} else if f.source, c, err = openHDF5(abs, in); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.format, f.root = c.format, c.root
	c.walk(func(path string, v *Variable) {
		if _, ok := f.where[path]; !ok {
			f.where[path] = len(f.variables)
		}
		f.variables = append(f.variables, v)
	})
	return f, nil
}

// Close closes the file. A second call does nothing.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	if err := f.source.close(); err != nil {
		return fmt.Errorf("%s: closing: %w", f.name, err)
	}
	return nil
}

// Describe says what the file holds. It reads the coordinates, not the data.
func (f *File) Describe() (Description, error) {
	f.mu.RLock()
	closed := f.closed
	f.mu.RUnlock()
	if closed {
		return Description{}, fmt.Errorf("%s: is closed", f.name)
	}
	d := Description{File: f.name, Format: f.format, Group: f.root.clone(), Problems: []Problem{}}
	return d, interpret(&d, f.ReadFloat64)
}
