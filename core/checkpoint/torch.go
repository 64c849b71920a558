package checkpoint

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/kiban-models/kiban/core/checkpoint/internal/pickle"
	"github.com/kiban-models/kiban/core/checkpoint/internal/storedzip"
	"github.com/kiban-models/kiban/core/tensor"
)

// maxExpansion is how many times the size of a file its tensors may take: tied
// weights share their bytes, but a stride of 0 could make terabytes of four.
const maxExpansion = 4

// torchFile is an open file of torch.save, of the zip form or the older one.
// Its tensors are views of storages, which may be shared and which are read
// when a tensor is asked for.
type torchFile struct {
	path    string
	f       *os.File
	tensors map[string]*torchTensor
}

// torchStorage is a run of elements in the file.
type torchStorage struct {
	key    string
	dtype  tensor.DType
	numel  int64
	at     int64  // where it starts
	crc    uint32 // IEEE, of the zip form
	summed bool   // whether there is a crc
	once   sync.Once
	err    error // of once
}

// torchTensor is a view of a storage.
type torchTensor struct {
	shape, strides []int
	first          int64 // element of the storage
	storage        *torchStorage
}

func openTorchZip(path string, f *os.File, size int64) (weightFile, error) {
	return openTorch(path, f, size, readTorchZip)
}

func openTorchLegacy(path string, f *os.File, size int64) (weightFile, error) {
	return openTorch(path, f, size, readTorchLegacy)
}

// openTorch reads the structure of a file of torch.save and takes over f, which
// it closes on error. Of the data nothing is read.
func openTorch(path string, f *os.File, size int64, read func(string, io.ReaderAt, int64) (map[string]*torchTensor, error)) (weightFile, error) {
	tensors, err := read(path, f, size)
	if err == nil {
		err = checkExpansion(tensors, size)
	}
	if err != nil {
		f.Close()
		return nil, torchError(path, err)
	}
	return &torchFile{path, f, tensors}, nil
}

// torchError makes what the parts of a file say into an error of the file.
func torchError(path string, err error) error {
	var bad *pickle.Error
	var zip *storedzip.Error
	var msg *torchMsg
	switch {
	case errors.As(err, &bad), errors.As(err, &zip), errors.As(err, &msg):
		return &FormatError{path, err.Error()}
	}
	var unsupported *UnsupportedError
	if errors.As(err, &unsupported) {
		return err
	}
	return fmt.Errorf("checkpoint: %s: %w", path, err)
}

// torchMsg says what is wrong in a file whose name is added above.
type torchMsg struct{ text string }

func (e *torchMsg) Error() string { return e.text }

func torchErrorf(format string, args ...any) error { return &torchMsg{fmt.Sprintf(format, args...)} }

func checkExpansion(tensors map[string]*torchTensor, size int64) error {
	total := int64(0)
	for _, t := range tensors {
		n, err := byteSize(uint64(8*t.storage.dtype.Size()), t.shape)
		if err != nil {
			return torchErrorf("%v", err)
		}
		if total += n; total > maxExpansion*size {
			return torchErrorf("the tensors take more than %d times the %d bytes of the file; their strides repeat it", maxExpansion, size)
		}
	}
	return nil
}

func (t *torchFile) Close() error { return t.f.Close() }

func (t *torchFile) file() *os.File { return t.f }

func (t *torchFile) Metadata() map[string]string { return nil }

func (t *torchFile) Names() []string { return slices.Sorted(maps.Keys(t.tensors)) }

func (t *torchFile) tensor(name string) (*torchTensor, error) {
	x, ok := t.tensors[name]
	if !ok {
		return nil, fmt.Errorf("checkpoint: %s: no tensor %q", t.path, name)
	}
	return x, nil
}

func (t *torchFile) Spec(name string) (Spec, error) {
	x, err := t.tensor(name)
	if err != nil {
		return Spec{}, err
	}
	return Spec{name, x.storage.dtype, slices.Clone(x.shape)}, nil
}

// Tensor reads a tensor into fresh memory, row-major. The checksum of its
// storage is computed of what is read if that is all of it, and once before a
// part of it is read.
func (t *torchFile) Tensor(name string) (*tensor.Tensor, error) {
	x, err := t.tensor(name)
	if err != nil {
		return nil, err
	}
	out := tensor.New(x.storage.dtype, x.shape...)
	err = t.read(x, out.Bytes())
	var bad *FormatError
	if errors.As(err, &bad) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: tensor %q: %w", t.path, name, err)
	}
	return out, nil
}

func (t *torchFile) read(x *torchTensor, out []byte) error {
	s := x.storage
	size := int64(s.dtype.Size())
	dims, err := memoryOrder(x.shape, x.strides)
	if err != nil {
		return err // was refused when the file was opened
	}
	whole := x.first == 0 && contiguous(dims) && int64(len(out)) == s.numel*size
	if !whole && s.summed {
		s.once.Do(func() { s.err = s.verify(t) })
		if s.err != nil {
			return s.err
		}
	}
	if err := gather(t.f, s.at+x.first*size, int(size), dims, out); err != nil {
		return err
	}
	if whole && s.summed && crc32.ChecksumIEEE(out) != s.crc {
		return &FormatError{t.path, s.damaged()}
	}
	return nil
}

func (s *torchStorage) damaged() string {
	return fmt.Sprintf("storage %q is damaged: its checksum is not the one that the file gives; get the file again", s.key)
}

// verify reads a storage through a small buffer and compares its checksum.
func (s *torchStorage) verify(t *torchFile) error {
	sum := crc32.NewIEEE()
	r := io.NewSectionReader(t.f, s.at, s.numel*int64(s.dtype.Size()))
	n, err := io.CopyBuffer(sum, struct{ io.Reader }{r}, make([]byte, gatherBuffer))
	if err == nil && n < r.Size() {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && sum.Sum32() != s.crc {
		err = &FormatError{t.path, s.damaged()}
	}
	return err
}
