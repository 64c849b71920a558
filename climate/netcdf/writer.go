//go:build cgo && !nonetcdf

package netcdf

// #include <stdlib.h>
// #include <string.h>
// #include <netcdf.h>
import "C"

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"

	clib "github.com/fhs/go-netcdf/netcdf"
)

// Writer writes a NetCDF-4 file, record by record: what was put is with the
// library and the disk, not in memory. The file is under a temporary name until
// Commit. Calls may come from one goroutine at a time.
type Writer struct {
	path, temp string
	ds         clib.Dataset
	ids        map[string]int
	rank       map[string]int
	done       bool
}

// Create begins a file. A file of that name stays as it is until Commit.
func Create(path string, s Schema) (*Writer, error) {
	abs, err := checkPath(path)
	if err != nil {
		return nil, err
	}
	if err := s.valid(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if st, err := os.Stat(abs); err == nil && !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is no regular file but %v; give another name", path, st.Mode().Type())
	}
	// Beside the target, and named as an unfinished file of ours is.
	var mark [6]byte
	rand.Read(mark[:])
	dir, base := filepath.Split(abs)
	temp := filepath.Join(dir, fmt.Sprintf(".%s.tmp-%d-%s", base, os.Getpid(), hex.EncodeToString(mark[:])))
	enter()
	defer leave()
	ds, err := clib.CreateFile(temp, clib.NETCDF4|clib.NOCLOBBER)
	if err != nil {
		if _, gone := os.Stat(dir); gone != nil {
			err = reason(gone)
		}
		return nil, fmt.Errorf("%s: cannot be created: %w", path, err)
	}
	w := &Writer{path: path, temp: temp, ds: ds, ids: map[string]int{}, rank: map[string]int{}}
	if err := w.define(s); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), w.abort())
	}
	return w, nil
}

func (w *Writer) define(s Schema) error {
	dims := map[string]clib.Dim{}
	for _, d := range s.Dimensions {
		n := uint64(d.Size)
		if d.Unlimited {
			n = 0
		}
		var err error
		if dims[d.Name], err = w.ds.AddDim(d.Name, n); err != nil {
			return fmt.Errorf("dimension %s: %w", d.Name, err)
		}
	}
	for i, v := range s.Variables {
		of := make([]clib.Dim, len(v.Dimensions))
		for k, name := range v.Dimensions {
			of[k] = dims[name]
		}
		cv, err := w.ds.AddVar(v.Name, typeNumbers[v.Type], of)
		if err != nil {
			return fmt.Errorf("variable %s: %w", v.Name, err)
		}
		w.ids[v.Name], w.rank[v.Name] = i, len(of)
		if v.Deflate > 0 && len(of) > 0 {
			if err := cv.SetCompression(true, true, v.Deflate); err != nil {
				return fmt.Errorf("variable %s: compression: %w", v.Name, err)
			}
		}
		if v.Chunks != nil && len(of) > 0 {
			if err := defineChunks(w.ds, i, v.Chunks); err != nil {
				return fmt.Errorf("variable %s: chunks: %w", v.Name, err)
			}
		}
		if err := writeAttributes(w.ds, i, v.Attributes); err != nil {
			return fmt.Errorf("variable %s: %w", v.Name, err)
		}
	}
	if err := writeAttributes(w.ds, global, s.Attributes); err != nil {
		return err
	}
	return w.ds.EndDef()
}

// typeNumbers are the types that can be written.
var typeNumbers = map[string]clib.Type{
	"byte": clib.BYTE, "ubyte": clib.UBYTE, "short": clib.SHORT, "ushort": clib.USHORT, "int": clib.INT, "uint": clib.UINT,
	"int64": clib.INT64, "uint64": clib.UINT64, "float": clib.FLOAT, "double": clib.DOUBLE,
}

// Put writes a hyperslab, row-major; an unlimited dimension grows as far as it
// reaches. Values are a []float32 or a []float64.
func (w *Writer) Put(name string, start, count []int, values any) error {
	enter()
	defer leave()
	id, ok := w.ids[name]
	if w.done || !ok {
		return fmt.Errorf("%s: has no variable %s that can be written", w.path, name)
	}
	n := product(1, count)
	s, c := sizes(start), sizes(count)
	if len(start) != w.rank[name] || len(count) != w.rank[name] {
		return fmt.Errorf("%s: variable %s: start %v and count %v of %d dimensions", w.path, name, start, count, w.rank[name])
	}
	var code C.int
	have := -1
	switch v := values.(type) {
	case []float32:
		if have = len(v); have == n {
			code = C.nc_put_vara_float(C.int(w.ds), C.int(id), &s[0], &c[0], (*C.float)(unsafe.Pointer(unsafe.SliceData(v))))
		}
	case []float64:
		if have = len(v); have == n {
			code = C.nc_put_vara_double(C.int(w.ds), C.int(id), &s[0], &c[0], (*C.double)(unsafe.Pointer(unsafe.SliceData(v))))
		}
	}
	if have != n {
		return fmt.Errorf("%s: variable %s: %d values, wanted %d floats", w.path, name, have, n)
	}
	if err := failed(code); err != nil {
		return fmt.Errorf("%s: variable %s: writing %v from %v: %w", w.path, name, count, start, err)
	}
	return nil
}

// Commit finishes the file: it is on disk, and then has its name. After an
// error nothing is left of it, and a file that was there is as it was.
func (w *Writer) Commit() error {
	if w.done {
		return fmt.Errorf("%s: is finished already", w.path)
	}
	w.done = true
	enter()
	err := w.ds.Close()
	leave()
	if err == nil {
		err = syncFile(w.temp)
	}
	if err == nil {
		err = os.Rename(w.temp, w.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(w.path))
	} else {
		os.Remove(w.temp) // the first error is the one to report
	}
	if err != nil {
		return fmt.Errorf("%s: writing: %w", w.path, err)
	}
	return nil
}

// Abort throws the file away; after Commit it does nothing.
func (w *Writer) Abort() error {
	enter()
	defer leave()
	return w.abort()
}

func (w *Writer) abort() error {
	if w.done {
		return nil
	}
	w.done = true
	err := w.ds.Close()
	if err == nil || strings.Contains(err.Error(), "HDF error") { // as on a full disk; what matters is that it goes
		err = os.Remove(w.temp)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: %w", w.path, err)
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncDir makes the name durable; Windows has no such call, and file systems
// that refuse it need none.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

func defineChunks(ds clib.Dataset, variable int, chunks []int) error {
	c := sizes(chunks)
	return failed(C.nc_def_var_chunking(C.int(ds), C.int(variable), C.NC_CHUNKED, &c[0]))
}

// writeAttributes writes text as char, as old readers want it.
func writeAttributes(ds clib.Dataset, variable int, all []Attribute) error {
	for _, a := range all {
		if err := writeAttribute(ds, variable, a); err != nil {
			return fmt.Errorf("attribute %s: %w", a.Name, err)
		}
	}
	return nil
}

func writeAttribute(ds clib.Dataset, variable int, a Attribute) error {
	if !goodName(a.Name) {
		return errors.New("a name that cannot be")
	}
	name := C.CString(a.Name)
	defer C.free(unsafe.Pointer(name))
	if s, ok := a.Text(); ok {
		text := C.CString(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD"))
		defer C.free(unsafe.Pointer(text))
		return failed(C.nc_put_att_text(C.int(ds), C.int(variable), name, C.strlen(text), text))
	}
	var at clib.Attr
	if variable == global {
		at = ds.Attr(a.Name)
	} else {
		at = ds.VarN(variable).Attr(a.Name)
	}
	if v, ok := a.Float64s(); ok && len(v) == 0 {
		return nil // an attribute without a value says nothing
	}
	switch v := a.Value.(type) {
	case []int8:
		return at.WriteInt8s(v)
	case []uint8:
		return at.WriteUint8s(v)
	case []int16:
		return at.WriteInt16s(v)
	case []uint16:
		return at.WriteUint16s(v)
	case []int32:
		return at.WriteInt32s(v)
	case []uint32:
		return at.WriteUint32s(v)
	case []int64:
		return at.WriteInt64s(v)
	case []uint64:
		return at.WriteUint64s(v)
	case []float32:
		return at.WriteFloat32s(v)
	case []float64:
		return at.WriteFloat64s(v)
	}
	return fmt.Errorf("a value of type %T cannot be written", a.Value)
}
