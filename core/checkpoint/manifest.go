package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/internal/strictjson"
)

const (
	manifestFile    = "manifest.json"
	manifestVersion = 1
	maxManifest     = 16 << 20
	maxFiles        = 100_000
	maxFileDepth    = 16
)

// manifest lists the files of a checkpoint. It is written last, so a directory
// that has one was complete when it was written.
type manifest struct {
	Version int            `json:"format_version"`
	Step    int            `json:"step"`
	Files   []manifestItem `json:"files"`
}

type manifestItem struct {
	Name   string `json:"name"` // with slashes, below the directory
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func (m *manifest) encode(w io.Writer) error {
	out := *m
	if out.Files == nil { // null would not be read again
		out.Files = []manifestItem{}
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

func parseManifest(text []byte) (*manifest, error) {
	m := &manifest{Version: -1, Step: -1}
	r := strictjson.NewReader(text)
	integer := func(to *int) error {
		n, err := r.Uint()
		*to = int(n)
		return err
	}
	err := r.Object(func(key string) error {
		switch key {
		case "format_version":
			return integer(&m.Version)
		case "step":
			return integer(&m.Step)
		case "files":
			return r.Array(func(i int) error {
				if i == maxFiles {
					return r.Errorf("more than %d files", maxFiles)
				}
				item, err := parseManifestItem(r)
				m.Files = append(m.Files, item)
				return err
			})
		}
		return r.Errorf("unknown field %.40q", key)
	})
	if err == nil {
		err = r.End()
	}
	switch {
	case err != nil:
		return nil, err
	case m.Version != manifestVersion:
		return nil, fmt.Errorf("found format version %d, want %d; a newer Kiban wrote it?", m.Version, manifestVersion)
	case m.Step < 0:
		return nil, errors.New("step is missing")
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		if seen[f.Name] {
			return nil, fmt.Errorf("file %q is listed twice", f.Name)
		}
		seen[f.Name] = true
	}
	return m, nil
}

func parseManifestItem(r *strictjson.Reader) (manifestItem, error) {
	item := manifestItem{Size: -1}
	err := r.Object(func(key string) (err error) {
		switch key {
		case "name":
			item.Name, err = r.String()
		case "size":
			item.Size, err = r.Uint()
		case "sha256":
			item.SHA256, err = r.String()
		default:
			err = r.Errorf("unknown field %.40q", key)
		}
		return err
	})
	if err == nil && (!fs.ValidPath(item.Name) || item.Name == "." || strings.Contains(item.Name, `\`) || !filepath.IsLocal(filepath.FromSlash(item.Name))) {
		err = r.Errorf("file name %.80q leads out of the directory", item.Name)
	}
	if err == nil && (item.Size < 0 || len(item.SHA256) != 2*sha256.Size) {
		err = r.Errorf("size or sha256 of file %q is missing or bad", item.Name)
	}
	return item, err
}

// listFiles returns the regular files below dir, with slashes, sorted, and the
// directories, deepest first. Links and special files are errors: a checkpoint
// must not depend on what lies elsewhere.
func listFiles(fsys fileSystem, dir string) (files, dirs []string, err error) {
	var walk func(rel string, depth int) error
	walk = func(rel string, depth int) error {
		if depth > maxFileDepth {
			return fmt.Errorf("%s: nested more than %d deep", rel, maxFileDepth)
		}
		entries, err := fsys.ReadDir(filepath.Join(dir, filepath.FromSlash(rel)))
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := path.Join(rel, e.Name())
			switch {
			case e.IsDir():
				if err := walk(name, depth+1); err != nil {
					return err
				}
			case !e.Type().IsRegular():
				return fmt.Errorf("%s: found %v, want a regular file", name, e.Type())
			case len(files) == maxFiles:
				return fmt.Errorf("more than %d files", maxFiles)
			default:
				files = append(files, name)
			}
		}
		dirs = append(dirs, rel)
		return nil
	}
	err = walk("", 0)
	slices.Sort(files)
	return files, dirs, err
}

// digest returns size and SHA-256 of a file.
func digest(fsys fileSystem, name string) (int64, string, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return 0, "", err
	}
	var sum hash.Hash = sha256.New()
	n, err := io.CopyBuffer(sum, struct{ io.Reader }{f}, make([]byte, 1<<20))
	return n, hex.EncodeToString(sum.Sum(nil)), errors.Join(err, f.Close())
}

// verify holds dir against its manifest: names and sizes always, contents if
// deep. It returns the step that the manifest says.
func verify(fsys fileSystem, dir string, deep bool) (int, error) {
	m, err := readManifest(fsys, dir)
	if err != nil {
		return 0, err
	}
	files, _, err := listFiles(fsys, dir)
	if err != nil {
		return 0, err
	}
	listed := map[string]bool{manifestFile: true}
	for _, f := range m.Files {
		listed[f.Name] = true
	}
	for _, name := range files {
		// Files with a dot are what systems leave behind (.DS_Store, .nfs…).
		if !listed[name] && !strings.HasPrefix(path.Base(name), ".") {
			return 0, fmt.Errorf("file %s is not in the manifest", name)
		}
	}
	for _, f := range m.Files {
		full := filepath.Join(dir, filepath.FromSlash(f.Name))
		if _, ok := slices.BinarySearch(files, f.Name); !ok {
			return 0, fmt.Errorf("file %s is missing", f.Name)
		}
		st, err := fsys.Lstat(full)
		if err != nil {
			return 0, err
		}
		if st.Size() != f.Size {
			return 0, fmt.Errorf("file %s has %d bytes, the manifest says %d", f.Name, st.Size(), f.Size)
		}
		if !deep {
			continue
		}
		n, sum, err := digest(fsys, full)
		if err != nil {
			return 0, err
		}
		if n != f.Size || sum != f.SHA256 {
			return 0, fmt.Errorf("file %s is damaged: its SHA-256 is %s, the manifest says %s", f.Name, sum, f.SHA256)
		}
	}
	return m.Step, nil
}

func readManifest(fsys fileSystem, dir string) (*manifest, error) {
	name := filepath.Join(dir, manifestFile)
	st, err := fsys.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: found %v, want a regular file", manifestFile, st.Mode().Type())
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(text) > maxManifest {
		return nil, fmt.Errorf("%s: more than %d bytes", manifestFile, maxManifest)
	}
	m, err := parseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifestFile, err)
	}
	return m, nil
}
