package checkpoint

import (
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/tensor"
)

// File is an open safetensors file. Its methods may be called from several
// goroutines at once.
type File struct {
	path string
	f    *os.File
	data int64 // where the data starts
	head *header
}

// Open reads the header of a safetensors file and checks all of it; tensors are
// read when asked for. The error is a *FormatError if the file is malformed.
func Open(path string) (*File, error) {
	// Before opening: opening a named pipe would wait for a writer.
	if st, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	} else if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("checkpoint: %s: found %v, want a regular file", path, st.Mode().Type())
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return openFile(path, f)
}

// OpenIn opens a safetensors file beside the weights of a model directory, of
// the directory itself as ReadFile has it.
func OpenIn(dir, name string) (*File, error) {
	path := filepath.Join(dir, name)
	root, prefix, err := openModelRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	defer root.Close()
	f, err := openRegular(root, filepath.Join(prefix, name))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	return openFile(path, f)
}

// openFile takes over f and closes it on error.
func openFile(path string, f *os.File) (*File, error) {
	head, data, err := readHeader(path, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &File{path, f, data, head}, nil
}

func readHeader(path string, f *os.File) (*header, int64, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("checkpoint: %w", err)
	}
	if st.Mode()&fs.ModeType != 0 {
		return nil, 0, fmt.Errorf("checkpoint: %s: found %v, want a regular file", path, st.Mode().Type())
	}
	size := st.Size()
	var prefix [8]byte
	if size < int64(len(prefix)) {
		return nil, 0, &FormatError{path, fmt.Sprintf("%d bytes are too few for a safetensors file", size)}
	}
	if _, err := f.ReadAt(prefix[:], 0); err != nil {
		return nil, 0, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	switch {
	case n > maxHeader:
		return nil, 0, &FormatError{path, fmt.Sprintf("header of %d bytes is above the limit of %d; is this a safetensors file?", n, maxHeader)}
	case int64(n) > size-int64(len(prefix)):
		return nil, 0, &FormatError{path, fmt.Sprintf("header of %d bytes is longer than the file; was the download cut short?", n)}
	}
	text := make([]byte, n)
	if _, err := f.ReadAt(text, int64(len(prefix))); err != nil {
		return nil, 0, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	start := int64(len(prefix)) + int64(n)
	head, err := parseHeader(text, size-start)
	if err != nil {
		return nil, 0, &FormatError{path, err.Error()}
	}
	return head, start, nil
}

// Close closes the file; tensors already read stay valid.
func (f *File) Close() error { return f.f.Close() }

func (f *File) file() *os.File { return f.f }

// Names returns the names of all tensors, sorted.
func (f *File) Names() []string {
	names := make([]string, len(f.head.entries))
	for i, e := range f.head.entries {
		names[i] = e.name
	}
	return names
}

// Metadata returns a copy of the header's __metadata__, nil if it has none.
func (f *File) Metadata() map[string]string { return maps.Clone(f.head.metadata) }

func (f *File) entry(name string) (*entry, error) {
	i, ok := slices.BinarySearchFunc(f.head.entries, name, func(e entry, name string) int { return strings.Compare(e.name, name) })
	if !ok {
		return nil, fmt.Errorf("checkpoint: %s: no tensor %q", f.path, name)
	}
	e := &f.head.entries[i]
	if t := elementTypes[e.elem]; !t.known {
		return nil, &UnsupportedError{f.path, fmt.Sprintf("tensor %q", name), fmt.Sprintf("type %s is not read; read are F64, F32, BF16, F16, I64, I32, I16, I8, U8 and BOOL", t.name)}
	}
	return e, nil
}

// Spec describes a tensor without reading it. The error is an
// *UnsupportedError if its type has no counterpart.
func (f *File) Spec(name string) (Spec, error) {
	e, err := f.entry(name)
	if err != nil {
		return Spec{}, err
	}
	return Spec{name, elementTypes[e.elem].dtype, slices.Clone(e.shape)}, nil
}

// Tensor reads a tensor into fresh memory, in the type the file has.
func (f *File) Tensor(name string) (*tensor.Tensor, error) {
	e, err := f.entry(name)
	if err != nil {
		return nil, err
	}
	t := tensor.New(elementTypes[e.elem].dtype, e.shape...)
	if len(t.Bytes()) == 0 {
		return t, nil
	}
	// Not mapped: a file that someone truncates would then kill the process.
	if _, err := f.f.ReadAt(t.Bytes(), f.data+e.begin); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("checkpoint: %s: tensor %q: %w", f.path, name, err)
	}
	return t, nil
}
