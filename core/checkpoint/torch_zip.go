package checkpoint

import (
	"bufio"
	"bytes"
	"hash/crc32"
	"io"
	"strings"

	"github.com/kiban-models/kiban/core/checkpoint/internal/pickle"
	"github.com/kiban-models/kiban/core/checkpoint/internal/storedzip"
)

const zipMagic = "PK\x03\x04"

// readTorchZip reads the structure of what torch.save writes since torch 1.6: a
// zip archive with data.pkl and a file data/<key> for each storage.
func readTorchZip(path string, r io.ReaderAt, size int64) (map[string]*torchTensor, error) {
	entries, err := storedzip.Read(r, size)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]storedzip.Entry, len(entries))
	for _, e := range entries {
		_, name, _ := strings.Cut(e.Name, "/")
		byName[name] = e
		if strings.HasPrefix(name, "code/") || name == "constants.pkl" {
			return nil, &UnsupportedError{path, "TorchScript", "the file is a program, not only weights; save model.state_dict()"}
		}
	}
	if e, ok := byName["byteorder"]; ok {
		order, err := readZipEntry(r, e, 16)
		if err != nil {
			return nil, err
		}
		if string(order) != "little" {
			return nil, &UnsupportedError{path, "byte order", "the numbers are stored big end first, or in an unknown order; save it again on a little-endian machine"}
		}
	}
	e, ok := byName["data.pkl"]
	if !ok {
		return nil, torchErrorf("the archive has no data.pkl; torch.save did not write it")
	}
	text, err := readZipEntry(r, e, pickle.MaxSize)
	if err != nil {
		return nil, err
	}
	v, n, err := pickle.Read(bufio.NewReader(bytes.NewReader(text)))
	if err != nil {
		return nil, err
	}
	if n != int64(len(text)) {
		return nil, torchErrorf("data.pkl has %d bytes after its end", int64(len(text))-n)
	}
	state, err := readState(v, n)
	if err != nil {
		return nil, err
	}
	for key, s := range state.storages {
		e, ok := byName["data/"+key]
		if !ok {
			return nil, torchErrorf("storage %.60q is not in the archive", key)
		}
		if e.Size != s.numel*int64(s.dtype.Size()) {
			return nil, torchErrorf("storage %.60q has %d bytes, but %d elements of %v take %d", key, e.Size, s.numel, s.dtype, s.numel*int64(s.dtype.Size()))
		}
		s.at, s.crc, s.summed = e.Offset, e.CRC32, true
	}
	return state.tensors, nil
}

// readZipEntry reads a small entry and checks its checksum.
func readZipEntry(r io.ReaderAt, e storedzip.Entry, limit int64) ([]byte, error) {
	if e.Size > limit {
		return nil, torchErrorf("%.80q has %d bytes, above the limit of %d", e.Name, e.Size, limit)
	}
	b := make([]byte, e.Size)
	if err := readAt(r, b, e.Offset); err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(b) != e.CRC32 {
		return nil, torchErrorf("%.80q is damaged: its checksum is not the one that the file gives; get the file again", e.Name)
	}
	return b, nil
}
