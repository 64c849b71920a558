package dataset

import (
	"encoding/binary"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sort"

	"github.com/edsrzf/mmap-go"
)

// OpenOptions say how much Open looks at.
type OpenOptions struct {
	Verify bool // read everything: SHA-256 of the shards, every id and offset
}

// Dataset is an open data set. It is safe for concurrent use; nothing may use
// it after Close.
type Dataset struct {
	dir      string
	manifest Manifest
	shards   []shard
}

type shard struct {
	tokens    mmap.MMap // with header
	offsets   mmap.MMap
	first     int64 // number of its first token in the data set
	document  int64 // number of its first document
	count     int64
	documents int64
}

// Open maps a data set into memory. It checks sizes and headers against the
// manifest; errors name the file.
func Open(dir string, opts OpenOptions) (*Dataset, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	defer root.Close()
	d := &Dataset{dir: dir}
	if err := ReadManifest(root, dir, &d.manifest); err != nil {
		return nil, err
	}
	for _, s := range d.manifest.Shards {
		if err := d.openShard(root, s); err != nil {
			d.Close()
			return nil, err
		}
	}
	if opts.Verify {
		if err := d.verify(); err != nil {
			d.Close()
			return nil, err
		}
	}
	return d, nil
}

func (d *Dataset) openShard(root *os.Root, s Shard) (err error) {
	sh := shard{count: s.Tokens, documents: s.Documents}
	if n := len(d.shards); n > 0 {
		last := d.shards[n-1]
		sh.first, sh.document = last.first+last.count, last.document+last.documents
	}
	h := shardHeader{d.manifest.TokenBytes, s.Tokens, s.Documents}
	if sh.tokens, err = d.mapFile(root, s.File, tokenMagic, h, s.Tokens*int64(h.width)); err != nil {
		return err
	}
	if sh.offsets, err = d.mapFile(root, s.Index, indexMagic, h, (s.Documents+1)*8); err != nil {
		sh.tokens.Unmap()
		return err
	}
	d.shards = append(d.shards, sh)
	if first, last := sh.offset(0), sh.offset(s.Documents); first != 0 || last != s.Tokens {
		return d.damaged(s.Index, fmt.Errorf("runs from token %d to %d, want 0 to %d", first, last, s.Tokens))
	}
	return nil
}

func (d *Dataset) mapFile(root *os.Root, name, magic string, h shardHeader, body int64) (mmap.MMap, error) {
	f, err := OpenRegular(root, name)
	if err != nil {
		return nil, d.damaged(name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, d.damaged(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, d.damaged(name, fmt.Errorf("is not a regular file"))
	}
	if info.Size() != headerSize+body {
		return nil, d.damaged(name, fmt.Errorf("is %d bytes long, want %d", info.Size(), headerSize+body))
	}
	m, err := mmap.Map(f, mmap.RDONLY, 0)
	if err != nil {
		return nil, d.damaged(name, err)
	}
	if err := h.check(magic, m); err != nil {
		m.Unmap()
		return nil, d.damaged(name, err)
	}
	return m, nil
}

func (d *Dataset) damaged(name string, err error) error {
	return fmt.Errorf("%s: %w; the file is damaged or incomplete: copy it again or prepare the data again", filepath.Join(d.dir, name), err)
}

func (d *Dataset) verify() error {
	var buf [4096]int32
	for i, s := range d.manifest.Shards {
		for _, f := range []struct{ name, want string }{{s.File, s.SHA256}, {s.Index, s.IndexSHA256}} {
			got, err := HashFile(filepath.Join(d.dir, f.name))
			if err != nil {
				return d.damaged(f.name, err)
			}
			if got != f.want {
				return d.damaged(f.name, fmt.Errorf("SHA-256 is %s, the manifest says %s", got, f.want))
			}
		}
		sh := &d.shards[i]
		for j := range s.Documents {
			if sh.offset(j) > sh.offset(j+1) {
				return d.damaged(s.Index, fmt.Errorf("document %d ends before it begins", j))
			}
		}
		for at := int64(0); at < s.Tokens; at += int64(len(buf)) {
			part := buf[:min(int64(len(buf)), s.Tokens-at)]
			sh.read(part, at, d.manifest.TokenBytes)
			for k, t := range part {
				if t < 0 || int(t) >= d.manifest.VocabSize {
					return d.damaged(s.File, fmt.Errorf("token %d has id %d, the vocabulary %d", at+int64(k), uint32(t), d.manifest.VocabSize))
				}
			}
		}
	}
	return nil
}

// Close unmaps the shards.
func (d *Dataset) Close() error {
	var first error
	for _, s := range d.shards {
		for _, m := range []mmap.MMap{s.tokens, s.offsets} {
			if err := m.Unmap(); err != nil && first == nil {
				first = fmt.Errorf("dataset: %w", err)
			}
		}
	}
	d.shards = nil
	return first
}

// Manifest returns the description; the caller must not change it.
func (d *Dataset) Manifest() *Manifest { return &d.manifest }

// Tokens returns the number of tokens, separators included.
func (d *Dataset) Tokens() int64 { return d.manifest.Tokens }

// Len returns the number of documents.
func (d *Dataset) Len() int64 { return d.manifest.Documents }

// Read copies the tokens from number at on into dst, across shards and
// documents, and returns how many there were.
func (d *Dataset) Read(dst []int32, at int64) int {
	if at < 0 || at >= d.manifest.Tokens {
		return 0
	}
	i := sort.Search(len(d.shards), func(i int) bool { return d.shards[i].first > at }) - 1
	n := 0
	for ; n < len(dst) && i < len(d.shards); i++ {
		s := &d.shards[i]
		from := at + int64(n) - s.first
		part := dst[n:min(int64(len(dst)), int64(n)+s.count-from)]
		s.read(part, from, d.manifest.TokenBytes)
		n += len(part)
	}
	return n
}

// Document appends the tokens of document i to dst, its separator first.
func (d *Dataset) Document(dst []int32, i int64) ([]int32, error) {
	s, from, to, err := d.document(i)
	if err != nil {
		return dst, err
	}
	n := len(dst)
	dst = append(dst, make([]int32, to-from)...)
	s.read(dst[n:], from, d.manifest.TokenBytes)
	return dst, nil
}

// DocumentLen returns the number of tokens of document i, its separator
// included.
func (d *Dataset) DocumentLen(i int64) (int, error) {
	_, from, to, err := d.document(i)
	return int(to - from), err
}

// document finds where document i lies.
func (d *Dataset) document(i int64) (s *shard, from, to int64, err error) {
	if i < 0 || i >= d.manifest.Documents {
		return nil, 0, 0, fmt.Errorf("dataset: %s: document %d of %d", d.dir, i, d.manifest.Documents)
	}
	k := sort.Search(len(d.shards), func(k int) bool { return d.shards[k].document > i }) - 1
	s = &d.shards[k]
	from, to = s.offset(i-s.document), s.offset(i-s.document+1)
	if from < 0 || from > to || to > s.count {
		return nil, 0, 0, d.damaged(d.manifest.Shards[k].Index, fmt.Errorf("document %d lies at tokens %d to %d of %d", i-s.document, from, to, s.count))
	}
	return s, from, to, nil
}

// Documents yields every document in order, its separator first, or the error
// that ends the iteration. The slice is overwritten by the next one.
func (d *Dataset) Documents() iter.Seq2[[]int32, error] {
	return func(yield func([]int32, error) bool) {
		var buf []int32
		for i := range d.manifest.Documents {
			var err error
			buf, err = d.Document(buf[:0], i)
			if !yield(buf, err) || err != nil {
				return
			}
		}
	}
}

func (s *shard) offset(i int64) int64 {
	return int64(binary.LittleEndian.Uint64(s.offsets[headerSize+8*i:]))
}

func (s *shard) read(dst []int32, from int64, width int) {
	b := s.tokens[headerSize+from*int64(width):]
	if width == 2 {
		b = b[:2*len(dst)]
		for i := range dst {
			dst[i] = int32(binary.LittleEndian.Uint16(b[2*i:]))
		}
		return
	}
	b = b[:4*len(dst)]
	for i := range dst {
		dst[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
	}
}
