package checkpoint

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"
	"strconv"

	"github.com/kiban-models/kiban/core/checkpoint/internal/pickle"
	"github.com/kiban-models/kiban/core/checkpoint/internal/storedzip"
	"github.com/kiban-models/kiban/core/tensor"
)

// WriteTorch writes the dictionary of tensors that torch.load gives back, with
// weights_only too, as Write does a safetensors file: in the zip form, with the
// layout of torch 2.
func WriteTorch(path string, specs []Spec, src Source) error {
	return writeTorch(osFS{}, path, specs, src)
}

func writeTorch(fsys fileSystem, path string, specs []Spec, src Source) error {
	text, err := encodeState(specs)
	if err != nil {
		return fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	return writeFile(fsys, path, func(w io.Writer) error {
		z := storedzip.NewWriter(w)
		for _, small := range []struct{ name, text string }{
			{"data.pkl", string(text)},
			{".format_version", "1"},
			{".storage_alignment", strconv.Itoa(storedzip.Alignment)},
			{"byteorder", "little"},
		} {
			if err := z.Add(torchFolder+small.name, []byte(small.text)); err != nil {
				return err
			}
		}
		for i, s := range specs {
			t, err := src.Tensor(s.Name)
			if err != nil {
				return err
			}
			if t, err = fit(t, s); err != nil {
				return err
			}
			if err := z.Add(torchFolder+"data/"+strconv.Itoa(i), t.Bytes()); err != nil {
				return err
			}
		}
		if err := z.Add(torchFolder+"version", []byte("3\n")); err != nil {
			return err
		}
		return z.Close()
	})
}

// torchFolder is the folder of an archive. torch takes the name of the file,
// but reads any.
const torchFolder = "archive/"

// encodeState returns the pickle of an OrderedDict of tensors, the i-th with
// storage i, whole and in row-major order.
func encodeState(specs []Spec) ([]byte, error) {
	if most := storedzip.MaxEntries - 8; len(specs) > most {
		return nil, fmt.Errorf("%d tensors are above the limit of %d of a torch file; write safetensors", len(specs), most)
	}
	const ordered = "ccollections\nOrderedDict\n)R"
	b := []byte("\x80\x02" + ordered + "(")
	for i, s := range specs {
		storage := torchStorageName(s.DType)
		if storage == "" {
			return nil, fmt.Errorf("tensor %q: type %v cannot be written", s.Name, s.DType)
		}
		strides, err := rowMajor(s.Shape)
		if err == nil {
			_, err = byteSize(uint64(8*s.DType.Size()), s.Shape)
		}
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", s.Name, err)
		}
		b = pickleText(b, s.Name)
		b = append(b, "ctorch._utils\n_rebuild_tensor_v2\n(("...)
		b = pickleText(b, "storage")
		b = append(b, "ctorch\n"+storage+"\n"...)
		b = pickleText(b, strconv.Itoa(i))
		b = pickleText(b, "cpu")
		b = pickleInt(b, tensor.NumElements(s.Shape))
		b = append(b, "tQK\x00("...)
		for _, d := range s.Shape {
			b = pickleInt(b, d)
		}
		b = append(b, "t("...)
		for _, d := range strides {
			b = pickleInt(b, d)
		}
		b = append(b, "t\x89"+ordered+"tR"...)
	}
	b = append(b, "u."...)
	if len(b) > pickle.MaxSize {
		return nil, fmt.Errorf("the names of the tensors take more than %d bytes; write safetensors", pickle.MaxSize)
	}
	// What would be refused when read must not be written: bad names, two of
	// one name, too many dimensions.
	v, n, err := pickle.Read(bufio.NewReader(bytes.NewReader(b)))
	if err == nil {
		_, err = readState(v, n)
	}
	return b, err
}

// rowMajor returns the strides of an array, which are those of one without its
// empty dimensions.
func rowMajor(shape []int) ([]int, error) {
	strides := make([]int, len(shape))
	n := uint64(1)
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = int(n)
		hi, lo := bits.Mul64(n, uint64(max(1, shape[i])))
		if n = lo; hi != 0 || lo > maxDim {
			return nil, fmt.Errorf("shape %v is impossibly large", shape)
		}
	}
	return strides, nil
}

func torchStorageName(dt tensor.DType) string {
	names := map[tensor.DType]string{
		tensor.F64: "DoubleStorage", tensor.F32: "FloatStorage", tensor.F16: "HalfStorage", tensor.BF16: "BFloat16Storage",
		tensor.I64: "LongStorage", tensor.I32: "IntStorage", tensor.I16: "ShortStorage", tensor.I8: "CharStorage",
		tensor.U8: "ByteStorage", tensor.Bool: "BoolStorage",
	}
	return names[dt]
}

func pickleText(b []byte, s string) []byte {
	b = append(b, 'X')
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

func pickleInt(b []byte, v int) []byte {
	switch {
	case v <= math.MaxUint8:
		return append(b, 'K', byte(v))
	case v <= math.MaxUint16:
		return append(b, 'M', byte(v), byte(v>>8))
	case v <= math.MaxInt32:
		return binary.LittleEndian.AppendUint32(append(b, 'J'), uint32(v))
	}
	return binary.LittleEndian.AppendUint64(append(b, 0x8a, 8), uint64(v))
}
