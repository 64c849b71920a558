package checkpoint

import (
	"bytes"
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/internal/strictjson"
	"github.com/kiban-models/kiban/core/tensor"
)

// Limits of a safetensors file. The length of the header is the format's own
// limit; the others are far above any published model.
const (
	maxHeader        = 100_000_000
	maxTensors       = 1_000_000
	maxName          = 4096
	maxRank          = 16
	maxDim           = 1 << 48
	maxMetadata      = 1 << 20
	maxMetadataCount = 10_000
)

// elementType is a type of the format. The order of the table is that of the
// reference library, which sorts a file's tensors by it, last type first.
type elementType struct {
	name  string
	bits  uint64
	dtype tensor.DType
	known bool // there is a tensor type for it
}

var elementTypes = []elementType{
	{"BOOL", 8, tensor.Bool, true},
	{"F4", 4, 0, false},
	{"F6_E2M3", 6, 0, false},
	{"F6_E3M2", 6, 0, false},
	{"U8", 8, tensor.U8, true},
	{"I8", 8, tensor.I8, true},
	{"F8_E5M2", 8, 0, false},
	{"F8_E4M3", 8, 0, false},
	{"F8_E8M0", 8, 0, false},
	{"F8_E4M3FNUZ", 8, 0, false},
	{"F8_E5M2FNUZ", 8, 0, false},
	{"I16", 16, tensor.I16, true},
	{"U16", 16, 0, false},
	{"F16", 16, tensor.F16, true},
	{"BF16", 16, tensor.BF16, true},
	{"I32", 32, tensor.I32, true},
	{"U32", 32, 0, false},
	{"F32", 32, tensor.F32, true},
	{"C64", 64, 0, false},
	{"F64", 64, tensor.F64, true},
	{"I64", 64, tensor.I64, true},
	{"U64", 64, 0, false},
}

func elementTypeOf(dt tensor.DType) int {
	return slices.IndexFunc(elementTypes, func(e elementType) bool { return e.known && e.dtype == dt })
}

// entry is one tensor of a header; begin and end count from the end of it.
type entry struct {
	name       string
	elem       uint8 // index into elementTypes
	shape      []int
	begin, end int64
}

type header struct {
	entries  []entry // sorted by name
	metadata map[string]string
}

// parseHeader reads the JSON of a header whose tensors must exactly cover size
// bytes.
func parseHeader(text []byte, size int64) (*header, error) {
	if len(text) == 0 || text[0] != '{' {
		return nil, fmt.Errorf("header does not start with '{'")
	}
	h := &header{}
	r := strictjson.NewReader(text)
	err := r.Object(func(key string) error {
		if key == "__metadata__" {
			return h.readMetadata(r)
		}
		if err := checkName(key); err != nil {
			return err
		}
		if len(h.entries) == maxTensors {
			return fmt.Errorf("more than %d tensors", maxTensors)
		}
		e, err := readEntry(r, key)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", key, err)
		}
		h.entries = append(h.entries, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if len(bytes.Trim(r.Rest(), " ")) > 0 {
		return nil, fmt.Errorf("header: found %.20q after the last '}', want spaces", r.Rest())
	}
	if err := h.checkCover(size); err != nil {
		return nil, err
	}
	slices.SortFunc(h.entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return h, nil
}

func (h *header) readMetadata(r *strictjson.Reader) error {
	h.metadata = map[string]string{}
	total := 0
	return r.Object(func(key string) error {
		value, err := r.String()
		if err != nil {
			return fmt.Errorf("__metadata__ %q: %w", key, err)
		}
		total += len(key) + len(value)
		if total > maxMetadata || len(h.metadata) == maxMetadataCount {
			return fmt.Errorf("__metadata__ holds more than %d bytes or %d keys", maxMetadata, maxMetadataCount)
		}
		h.metadata[key] = value
		return nil
	})
}

func checkName(name string) error {
	if name == "" || len(name) > maxName || strings.ContainsRune(name, 0) {
		return fmt.Errorf("tensor name %.60q: want 1 to %d bytes without NUL", name, maxName)
	}
	return nil
}

func readEntry(r *strictjson.Reader, name string) (entry, error) {
	e := entry{name: name}
	var dtype, shape, offsets bool
	err := r.Object(func(key string) error {
		switch key {
		case "dtype":
			dtype = true
			s, err := r.String()
			if err != nil {
				return err
			}
			i := slices.IndexFunc(elementTypes, func(t elementType) bool { return t.name == s })
			if i < 0 {
				return r.Errorf("unknown dtype %.40q", s)
			}
			e.elem = uint8(i)
			return nil
		case "shape":
			shape = true
			var dims [maxRank]int
			n := 0
			err := r.Array(func(i int) error {
				if i == maxRank {
					return r.Errorf("more than %d dimensions", maxRank)
				}
				d, err := r.Uint()
				if err == nil && d > maxDim {
					err = r.Errorf("dimension %d is above %d", d, int64(maxDim))
				}
				dims[i], n = int(d), i+1
				return err
			})
			e.shape = append(make([]int, 0, n), dims[:n]...)
			return err
		case "data_offsets":
			offsets = true
			var pair [2]int64
			n := 0
			err := r.Array(func(i int) error {
				if i == 2 {
					return r.Errorf("more than two data_offsets")
				}
				var err error
				pair[i], err = r.Uint()
				n++
				return err
			})
			if err == nil && n != 2 {
				err = r.Errorf("found %d data_offsets, want 2", n)
			}
			e.begin, e.end = pair[0], pair[1]
			return err
		}
		return r.Errorf("unknown field %.40q", key)
	})
	if err == nil && !(dtype && shape && offsets) {
		err = r.Errorf("dtype, shape or data_offsets is missing")
	}
	if err == nil {
		err = e.checkSize()
	}
	return e, err
}

// checkSize holds the byte range against type and shape.
func (e *entry) checkSize() error {
	if e.end < e.begin {
		return fmt.Errorf("data_offsets [%d %d] run backwards", e.begin, e.end)
	}
	size, err := byteSize(elementTypes[e.elem].bits, e.shape)
	if err != nil {
		return err
	}
	if size != e.end-e.begin {
		return fmt.Errorf("data_offsets [%d %d] span %d bytes, but %s%v takes %d",
			e.begin, e.end, e.end-e.begin, elementTypes[e.elem].name, e.shape, size)
	}
	return nil
}

func byteSize(elemBits uint64, shape []int) (int64, error) {
	n := elemBits
	for _, d := range shape {
		hi, lo := bits.Mul64(n, uint64(d))
		if d < 0 || hi != 0 || lo > 1<<62 {
			return 0, fmt.Errorf("shape %v is impossibly large", shape)
		}
		n = lo
	}
	if n%8 != 0 {
		return 0, fmt.Errorf("shape %v of %d-bit elements does not fill whole bytes", shape, elemBits)
	}
	return int64(n / 8), nil
}

// checkCover makes sure that each byte of the data belongs to one tensor.
func (h *header) checkCover(size int64) error {
	slices.SortFunc(h.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	at := int64(0)
	for _, e := range h.entries {
		switch {
		case e.begin < at:
			return fmt.Errorf("tensor %q: its data overlaps another tensor's", e.name)
		case e.begin > at:
			return fmt.Errorf("tensor %q: its data starts at %d, %d bytes before it belong to no tensor", e.name, e.begin, e.begin-at)
		case e.end > size:
			return fmt.Errorf("tensor %q: its data ends at %d, the file holds %d bytes of data", e.name, e.end, size)
		}
		at = e.end
	}
	if at != size {
		return fmt.Errorf("the last %d bytes belong to no tensor", size-at)
	}
	return nil
}
