package checkpoint

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/kiban-models/kiban/core/internal/strictjson"
	"github.com/kiban-models/kiban/core/tensor"
)

// Write writes a safetensors file, replacing path in one step when all of it is
// safely on disk; on error path is as it was. It takes one tensor at a time
// from src, so that memory holds one: src may read them from a device.
// Floating-point tensors are rounded to the type of their spec. Order and
// padding are those of the reference library; a nil metadata leaves
// __metadata__ out.
func Write(path string, specs []Spec, src Source, metadata map[string]string) error {
	return writeSafetensors(osFS{}, path, specs, src, metadata)
}

func writeSafetensors(fsys fileSystem, path string, specs []Spec, src Source, metadata map[string]string) error {
	head, specs, err := encodeHeader(specs, metadata)
	if err != nil {
		return fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	return writeFile(fsys, path, func(w io.Writer) error {
		if _, err := w.Write(head); err != nil {
			return err
		}
		for _, s := range specs {
			t, err := src.Tensor(s.Name)
			if err != nil {
				return err
			}
			if t, err = fit(t, s); err != nil {
				return err
			}
			if _, err := w.Write(t.Bytes()); err != nil {
				return err
			}
		}
		return nil
	})
}

// fit converts t to the type of s; the shape must agree. Rounding of floats is
// what the caller asked for, but an integer must survive as it is.
func fit(t *tensor.Tensor, s Spec) (*tensor.Tensor, error) {
	if !slices.Equal(t.Shape(), s.Shape) {
		return nil, fmt.Errorf("tensor %q: found shape %v, want %v", s.Name, t.Shape(), s.Shape)
	}
	if !convertible(t.DType(), s.DType) {
		return nil, fmt.Errorf("tensor %q: found type %v, want %v", s.Name, t.DType(), s.DType)
	}
	if t.DType() == tensor.I64 && s.DType == tensor.I32 {
		for i, v := range t.Int64() {
			if int64(int32(v)) != v {
				return nil, fmt.Errorf("tensor %q: element %d is %d, which does not fit i32", s.Name, i, v)
			}
		}
	}
	return t.Convert(s.DType), nil
}

func convertible(from, to tensor.DType) bool {
	return from == to || from.IsFloat() && to.IsFloat() || from == tensor.I64 && to == tensor.I32
}

// encodeHeader returns the length and header, and the specs in file order.
func encodeHeader(specs []Spec, metadata map[string]string) ([]byte, []Spec, error) {
	specs = slices.Clone(specs)
	slices.SortFunc(specs, func(a, b Spec) int {
		return cmp.Or(elementTypeOf(b.DType)-elementTypeOf(a.DType), cmp.Compare(a.Name, b.Name))
	})
	if len(specs) > maxTensors {
		return nil, nil, fmt.Errorf("%d tensors are above the limit of %d", len(specs), maxTensors)
	}
	head := append(make([]byte, 8, 1024), '{')
	if metadata != nil {
		head = append(head, `"__metadata__":{`...)
		for i, k := range slices.Sorted(maps.Keys(metadata)) {
			if i > 0 {
				head = append(head, ',')
			}
			head = append(strictjson.AppendString(head, k), ':')
			head = strictjson.AppendString(head, metadata[k])
		}
		head = append(head, '}')
	}
	at := int64(0)
	for _, s := range specs {
		elem := elementTypeOf(s.DType)
		if elem < 0 {
			return nil, nil, fmt.Errorf("tensor %q: type %v cannot be written", s.Name, s.DType)
		}
		size, err := byteSize(elementTypes[elem].bits, s.Shape)
		if err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", s.Name, err)
		}
		if len(head) > 9 {
			head = append(head, ',')
		}
		head = strictjson.AppendString(head, s.Name)
		head = append(append(append(head, `:{"dtype":"`...), elementTypes[elem].name...), `","shape":[`...)
		for i, d := range s.Shape {
			if i > 0 {
				head = append(head, ',')
			}
			head = strconv.AppendInt(head, int64(d), 10)
		}
		head = strconv.AppendInt(append(head, `],"data_offsets":[`...), at, 10)
		at += size
		if at > 1<<62 {
			return nil, nil, fmt.Errorf("the tensors are impossibly large")
		}
		head = append(strconv.AppendInt(append(head, ','), at, 10), `]}`...)
	}
	head = append(head, '}')
	for len(head)%8 != 0 {
		head = append(head, ' ')
	}
	if len(head)-8 > maxHeader {
		return nil, nil, fmt.Errorf("header of %d bytes is above the limit of %d", len(head)-8, maxHeader)
	}
	// What would be refused when read must not be written: bad names, two of
	// one name, metadata beyond the limits.
	if _, err := parseHeader(head[8:], at); err != nil {
		return nil, nil, err
	}
	binary.LittleEndian.PutUint64(head, uint64(len(head)-8))
	return head, specs, nil
}
