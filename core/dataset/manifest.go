package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
)

// ManifestFile is the name of the manifest in a data set's directory.
const ManifestFile = "manifest.json"

const (
	manifestFormat  = "kiban-tokens"
	manifestVersion = 1
	maxManifest     = 64 << 20
)

// Manifest describes a data set.
type Manifest struct {
	Format     string  `json:"format"`
	Version    int     `json:"version"`
	TokenBytes int     `json:"token_bytes"` // 2 or 4
	VocabSize  int     `json:"vocab_size"`
	Separator  int32   `json:"separator"` // first token of every document; NoSeparator
	Documents  int64   `json:"documents"`
	Tokens     int64   `json:"tokens"` // separators included
	Shards     []Shard `json:"shards"`
	Details
}

// Shard is one pair of files.
type Shard struct {
	File        string `json:"file"`
	Index       string `json:"index"`
	Tokens      int64  `json:"tokens"`
	Documents   int64  `json:"documents"`
	SHA256      string `json:"sha256"`
	IndexSHA256 string `json:"index_sha256"`
}

// Details say where the tokens come from; the package stores them and does
// not interpret them.
type Details struct {
	Part      string           `json:"part,omitempty"`             // "train", "validation"
	Split     *SplitRule       `json:"split,omitempty"`            // how the part was chosen
	Tokenizer string           `json:"tokenizer_sha256,omitempty"` // of the tokenizer's file
	Sources   []Source         `json:"sources,omitempty"`
	Symbols   map[string]int64 `json:"symbols,omitempty"` // residues or letters, each with its count
	Lengths   []LengthBin      `json:"lengths,omitempty"` // of documents, in symbols
}

// Source is a file that data came from.
type Source struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// LengthBin counts documents of From to To symbols, both included.
type LengthBin struct {
	From  int   `json:"from"`
	To    int   `json:"to"`
	Count int64 `json:"count"`
}

// WriteManifest writes v, indented, to a new file and syncs it.
func WriteManifest(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// OpenRegular opens a regular file of a directory. It looks before: opening a
// named pipe would wait for a writer.
func OpenRegular(root *os.Root, name string) (*os.File, error) {
	st, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("is not a regular file")
	}
	return root.Open(name)
}

// ReadManifest reads the manifest of a directory of prepared data, which root
// has opened, into m, which checks itself.
func ReadManifest(root *os.Root, dir string, m interface{ Check() error }) error {
	path := filepath.Join(dir, ManifestFile)
	f, err := OpenRegular(root, ManifestFile)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: no %s in it; name a directory that prepare has written", dir, ManifestFile)
	} else if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(b) > maxManifest {
		return fmt.Errorf("%s: larger than %d bytes; it is no manifest", path, maxManifest)
	}
	if err := json.Unmarshal(b, m); err != nil {
		return fmt.Errorf("%s: %v; prepare the data again", path, err)
	}
	if err := m.Check(); err != nil {
		return fmt.Errorf("%s: %v; prepare the data again", path, err)
	}
	return nil
}

// Check finds out that sizes are possible and agree.
func (m *Manifest) Check() error {
	if m.Format != manifestFormat || m.Version != manifestVersion {
		return fmt.Errorf("format %q version %d, want %q version %d", m.Format, m.Version, manifestFormat, manifestVersion)
	}
	if m.VocabSize < 1 || m.VocabSize > math.MaxInt32 || m.TokenBytes != tokenBytes(m.VocabSize) {
		return fmt.Errorf("%d bytes a token do not go with a vocabulary of %d", m.TokenBytes, m.VocabSize)
	}
	if m.Separator < NoSeparator || int(m.Separator) >= m.VocabSize {
		return fmt.Errorf("separator %d is outside the vocabulary of %d", m.Separator, m.VocabSize)
	}
	var tokens, documents int64
	for i, s := range m.Shards {
		for _, name := range []string{s.File, s.Index} {
			if !filepath.IsLocal(name) || filepath.Base(name) != name {
				return fmt.Errorf("shard %d: %q is not a plain file name", i, name)
			}
		}
		if s.Tokens < 0 || s.Documents < 0 || s.Tokens > math.MaxInt64/4-tokens || s.Documents > math.MaxInt64/8-documents {
			return fmt.Errorf("shard %d: impossible counts of %d tokens and %d documents", i, s.Tokens, s.Documents)
		}
		tokens += s.Tokens
		documents += s.Documents
	}
	if tokens != m.Tokens || documents != m.Documents {
		return fmt.Errorf("shards hold %d tokens in %d documents, the totals are %d and %d", tokens, documents, m.Tokens, m.Documents)
	}
	return nil
}

func tokenBytes(vocab int) int {
	if vocab <= 1<<16 {
		return 2
	}
	return 4
}
