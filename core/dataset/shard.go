package dataset

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Both files of a shard start with
//
//	magic [8]byte, version uint32, bytes a token uint32, tokens uint64, documents uint64
//
// The tokens follow in the one; in the other uint64 offsets, in tokens, of
// every document and of the end.
const (
	tokenMagic   = "KIBANTOK"
	indexMagic   = "KIBANIDX"
	shardVersion = 1
	headerSize   = 32
)

type shardHeader struct {
	width             int // bytes a token
	tokens, documents int64
}

func (h shardHeader) encode(magic string) []byte {
	b := make([]byte, 0, headerSize)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, shardVersion)
	b = binary.LittleEndian.AppendUint32(b, uint32(h.width))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.tokens))
	return binary.LittleEndian.AppendUint64(b, uint64(h.documents))
}

// check compares the start of a file with what the manifest says.
func (h shardHeader) check(magic string, b []byte) error {
	if len(b) < headerSize {
		return fmt.Errorf("%d bytes are too few for a shard", len(b))
	}
	if string(b[:8]) != magic {
		return fmt.Errorf("starts with %q, want %q", b[:8], magic)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != shardVersion {
		return fmt.Errorf("format version %d, want %d", v, shardVersion)
	}
	if got := h.encode(magic); string(got) != string(b[:headerSize]) {
		return fmt.Errorf("holds %d tokens of %d bytes in %d documents, the manifest says %d of %d in %d",
			binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint32(b[12:]), binary.LittleEndian.Uint64(b[24:]),
			h.tokens, h.width, h.documents)
	}
	return nil
}

// shardWriter writes one shard. Its memory does not grow with it.
type shardWriter struct {
	dir, name     string // name without suffix
	data, index   *os.File
	dataW, indexW *bufio.Writer
	h             shardHeader
	buf           []byte
}

func newShardWriter(dir string, number, width int) (*shardWriter, error) {
	w := &shardWriter{dir: dir, name: fmt.Sprintf("tokens-%05d", number), h: shardHeader{width: width}}
	var err error
	if w.data, err = os.Create(filepath.Join(dir, w.name+".bin")); err != nil {
		return nil, err
	}
	if w.index, err = os.Create(filepath.Join(dir, w.name+".idx")); err != nil {
		w.data.Close()
		return nil, err
	}
	w.dataW = bufio.NewWriterSize(w.data, 1<<18)
	w.indexW = bufio.NewWriterSize(w.index, 1<<16)
	// The true counts replace these when the shard is finished.
	w.dataW.Write(w.h.encode(tokenMagic))
	w.indexW.Write(w.h.encode(indexMagic))
	_, err = w.indexW.Write(make([]byte, 8))
	return w, err
}

func (w *shardWriter) add(parts ...[]int32) error {
	b := w.buf[:0]
	for _, tokens := range parts {
		for _, t := range tokens {
			if w.h.width == 2 {
				b = binary.LittleEndian.AppendUint16(b, uint16(t))
			} else {
				b = binary.LittleEndian.AppendUint32(b, uint32(t))
			}
		}
		w.h.tokens += int64(len(tokens))
	}
	w.buf = b
	w.h.documents++
	if _, err := w.dataW.Write(b); err != nil {
		return err
	}
	_, err := w.indexW.Write(binary.LittleEndian.AppendUint64(nil, uint64(w.h.tokens)))
	return err
}

// finish completes both files and describes them for the manifest.
func (w *shardWriter) finish() (Shard, error) {
	s := Shard{File: w.name + ".bin", Index: w.name + ".idx", Tokens: w.h.tokens, Documents: w.h.documents}
	defer w.close()
	for _, p := range []struct {
		f     *os.File
		w     *bufio.Writer
		magic string
		sum   *string
	}{{w.data, w.dataW, tokenMagic, &s.SHA256}, {w.index, w.indexW, indexMagic, &s.IndexSHA256}} {
		if err := p.w.Flush(); err != nil {
			return s, err
		}
		if _, err := p.f.WriteAt(w.h.encode(p.magic), 0); err != nil {
			return s, err
		}
		if err := p.f.Sync(); err != nil {
			return s, err
		}
		// Reading it again also finds a disk that lost what it took.
		sum, err := HashFile(p.f.Name())
		if err != nil {
			return s, err
		}
		*p.sum = sum
	}
	return s, nil
}

func (w *shardWriter) close() {
	w.data.Close()
	w.index.Close()
}

// HashFile returns the SHA-256 of a file in hexadecimal digits.
func HashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
