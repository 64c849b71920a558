package checkpoint

import (
	"bufio"
	"encoding/binary"
	"io"

	"github.com/kiban-models/kiban/core/checkpoint/internal/pickle"
)

// legacyMagic is the pickle of 0x1950a86a20f9469cfc6c, with which files of
// torch before 1.6 begin.
const legacyMagic = "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."

const legacyProtocol = 1001

// readTorchLegacy reads the structure of what torch.save wrote before torch 1.6
// and still writes if told so: pickles of a magic number, a protocol, a
// description of the machine, the object, and a list of storage keys; then the
// storages, each a number of elements and the elements. It has no checksums.
func readTorchLegacy(path string, r io.ReaderAt, size int64) (map[string]*torchTensor, error) {
	at := int64(len(legacyMagic))
	in := bufio.NewReaderSize(io.NewSectionReader(r, at, size-at), 64<<10)
	next := func() (pickle.Value, int64, error) {
		v, n, err := pickle.Read(in)
		at += n
		return v, n, err
	}
	protocol, _, err := next()
	if err != nil {
		return nil, err
	}
	if protocol != pickle.Value(int64(legacyProtocol)) {
		return nil, torchErrorf("found protocol %v of torch.save, want %d", protocol, legacyProtocol)
	}
	machine, _, err := next()
	if err != nil {
		return nil, err
	}
	if little, ok := dictItem(machine, "little_endian").(bool); !ok {
		return nil, torchErrorf("the file does not say in which order its bytes are")
	} else if !little {
		return nil, &UnsupportedError{path, "byte order", "the numbers are stored big end first; save it again on a little-endian machine"}
	}
	object, n, err := next()
	if err != nil {
		return nil, err
	}
	state, err := readState(object, n)
	if err != nil {
		return nil, err
	}
	keys, _, err := next()
	if err != nil {
		return nil, err
	}
	list, ok := keys.(*pickle.List)
	if !ok {
		return nil, torchErrorf("the keys of the storages are no list")
	}
	return state.tensors, state.locate(r, at, size, list.Items)
}

func dictItem(v pickle.Value, key string) pickle.Value {
	if d, ok := v.(*pickle.Dict); ok {
		for i, k := range d.Keys {
			if k == pickle.Value(key) {
				return d.Values[i]
			}
		}
	}
	return nil
}

// locate walks the storages, which start at at, fill the rest of the file and
// are exactly those that the tensors use.
func (s *stateDict) locate(r io.ReaderAt, at, size int64, keys []pickle.Value) error {
	for _, k := range keys {
		key, _ := k.(string)
		st := s.storages[key]
		if st == nil || st.at >= 0 {
			return torchErrorf("storage %.60v is listed, but no tensor uses it, or it is listed twice", k)
		}
		var b [8]byte
		if size-at < int64(len(b)) {
			return torchErrorf("the file ends before storage %.60q; was the download cut short?", key)
		}
		if err := readAt(r, b[:], at); err != nil {
			return err
		}
		at += int64(len(b))
		if n := binary.LittleEndian.Uint64(b[:]); n != uint64(st.numel) {
			return torchErrorf("storage %.60q has %d elements, its tensors say %d", key, n, st.numel)
		}
		bytes := st.numel * int64(st.dtype.Size())
		if bytes > size-at {
			return torchErrorf("storage %.60q of %d bytes ends behind the file; was the download cut short?", key, bytes)
		}
		st.at = at
		at += bytes
	}
	for key, st := range s.storages {
		if st.at < 0 {
			return torchErrorf("storage %.60q is not in the file", key)
		}
	}
	if at != size {
		return torchErrorf("the last %d bytes belong to no storage", size-at)
	}
	return nil
}
