package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// maxOther is the size to which a file beside the weights is small: the largest
// tokenizers are a tenth of it.
const maxOther = 256 << 20

// weightSuffixes are the forms of weights, and of pickles, which go with them.
var weightSuffixes = []string{".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".gguf", ".ot", ".index.json", ".pkl", ".pickle"}

// Others returns the names of the small files beside the weights, such as those
// of the tokenizer, sorted, without config.json; and those of what is left out:
// other weights, hidden files, directories, and large files.
func (d *Dir) Others() (small, leftOut []string, err error) {
	if d.root == nil {
		return nil, nil, nil
	}
	dir, err := d.root.Open(d.prefix)
	if err != nil {
		return nil, nil, fmt.Errorf("checkpoint: %s: %w", d.path, err)
	}
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return nil, nil, fmt.Errorf("checkpoint: %s: %w", d.path, err)
	}
	for _, e := range entries {
		name := e.Name()
		if name == configFile || slices.Contains(d.names, name) {
			continue
		}
		st, err := d.root.Stat(filepath.Join(d.prefix, name))
		if err == nil && st.Mode().IsRegular() && st.Size() <= maxOther && !strings.HasPrefix(name, ".") &&
			!slices.ContainsFunc(weightSuffixes, func(s string) bool { return strings.HasSuffix(name, s) }) {
			small = append(small, name)
		} else {
			leftOut = append(leftOut, name) // a link that leads nowhere, or out, too
		}
	}
	slices.Sort(small)
	slices.Sort(leftOut)
	return small, leftOut, nil
}

// ReadFile reads a small file of the directory.
func (d *Dir) ReadFile(name string) ([]byte, error) {
	if d.root == nil || name != filepath.Base(name) {
		return nil, fmt.Errorf("checkpoint: %s: %w", filepath.Join(d.path, name), fs.ErrNotExist)
	}
	b, err := readSmall(d.root, filepath.Join(d.prefix, name), maxOther)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", d.path, err)
	}
	return b, nil
}

// FileDigest is a file with its size and the SHA-256 of its bytes, in
// hexadecimal digits.
type FileDigest struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Digests reads the files with weights, in the order of Files.
func (d *Dir) Digests(ctx context.Context) ([]FileDigest, error) {
	digests := make([]FileDigest, len(d.shards))
	buf := make([]byte, 1<<20)
	for i, shard := range d.shards {
		sum := sha256.New()
		r := io.NewSectionReader(shard.file(), 0, math.MaxInt64)
		for err := error(nil); err != io.EOF; {
			var n int
			if n, err = r.Read(buf); err != nil && err != io.EOF {
				return nil, fmt.Errorf("checkpoint: %s: %w", filepath.Join(d.path, d.names[i]), err)
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			sum.Write(buf[:n])
			digests[i].Bytes += int64(n)
		}
		digests[i].Name, digests[i].SHA256 = d.names[i], hex.EncodeToString(sum.Sum(nil))
	}
	return digests, nil
}
