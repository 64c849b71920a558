package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/internal/strictjson"
	"github.com/kiban-models/kiban/core/tensor"
)

const (
	singleFile     = "model.safetensors"
	indexFile      = "model.safetensors.index.json"
	torchFileName  = "pytorch_model.bin"
	torchIndexFile = "pytorch_model.bin.index.json"
	configFile     = "config.json"

	maxIndex  = 64 << 20
	maxConfig = 16 << 20
	maxShards = 4096
)

// Dir is an open model directory: config.json and the weights, in one file or
// in shards. [OpenWeights] makes one of a file alone too.
type Dir struct {
	path   string
	root   *os.Root // nil for a file alone
	prefix string   // from root to the directory
	config []byte
	names  []string // of the files with weights
	shards []weightFile
	where  map[string]weightFile // by tensor name; nil with a single file
}

// OpenDir opens a model directory. The weights are the first of these that is
// there: model.safetensors; model.safetensors.index.json and the shards that it
// names; pytorch_model.bin, in either form that torch.save ever wrote;
// pytorch_model.bin.index.json and its shards. Index and shards must agree: a
// tensor that one has and the other has not is an error. No file outside the
// directory is opened, except that the snapshots of a Hugging Face cache may
// link to its blobs. Of the weights only the structure is read.
func OpenDir(dir string) (*Dir, error) {
	root, prefix, err := openModelRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	d := &Dir{path: dir, root: root, prefix: prefix}
	if err := d.open(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// OpenWeights opens a model directory, or a single file of weights: safetensors
// or what torch.save writes, told apart by what is in it.
func OpenWeights(path string) (*Dir, error) {
	if st, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	} else if st.IsDir() {
		return OpenDir(path)
	} else if !st.Mode().IsRegular() {
		// Before opening: opening a named pipe would wait for a writer.
		return nil, fmt.Errorf("checkpoint: %s: found %v, want a regular file or a directory", path, st.Mode().Type())
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	w, err := openWeightFile(path, f)
	if err != nil {
		return nil, err
	}
	return &Dir{path: path, names: []string{filepath.Base(path)}, shards: []weightFile{w}}, nil
}

// openModelRoot returns a root that holds dir, and the way from it to dir. In
// a Hugging Face cache, models--x/snapshots/<revision>/ has links to
// models--x/blobs/, so there the root is models--x.
func openModelRoot(dir string) (*os.Root, string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, "", err
	}
	if parent := filepath.Dir(abs); filepath.Base(parent) == "snapshots" {
		repo := filepath.Dir(parent)
		if st, err := os.Stat(filepath.Join(repo, "blobs")); err == nil && st.IsDir() {
			root, err := os.OpenRoot(repo)
			return root, filepath.Join("snapshots", filepath.Base(abs)), err
		}
	}
	root, err := os.OpenRoot(dir)
	return root, ".", err
}

func (d *Dir) open() error {
	var err error
	d.config, err = readSmall(d.root, filepath.Join(d.prefix, configFile), maxConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("checkpoint: %s: %w", d.path, err)
	}
	for _, form := range []struct{ single, index string }{{singleFile, indexFile}, {torchFileName, torchIndexFile}} {
		f, err := d.openShard(form.single)
		if err == nil {
			d.names, d.shards = []string{form.single}, []weightFile{f}
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		index, err := readSmall(d.root, filepath.Join(d.prefix, form.index), maxIndex)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("checkpoint: %s: %w", d.path, err)
		}
		path := filepath.Join(d.path, form.index)
		weightMap, err := parseIndex(index)
		if err != nil {
			return &FormatError{path, err.Error()}
		}
		return d.openShards(path, weightMap)
	}
	return fmt.Errorf("checkpoint: %s: there are no weights; none of %s, %s, %s and %s is there: %w", d.path, singleFile, indexFile, torchFileName, torchIndexFile, fs.ErrNotExist)
}

func (d *Dir) openShard(name string) (weightFile, error) {
	path := filepath.Join(d.path, name)
	inRoot := filepath.Join(d.prefix, name)
	// Before opening: opening a named pipe would wait for a writer.
	if st, err := d.root.Stat(inRoot); err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, err)
	} else if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("checkpoint: %s: found %v, want a regular file", path, st.Mode().Type())
	}
	f, err := d.root.Open(inRoot)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	return openWeightFile(path, f)
}

func (d *Dir) openShards(index string, weightMap map[string]string) error {
	names := slices.Compact(slices.Sorted(maps.Values(weightMap)))
	if len(names) > maxShards {
		return &FormatError{index, fmt.Sprintf("%d shards are above the limit of %d", len(names), maxShards)}
	}
	if len(names) == 0 {
		return &FormatError{index, "it names no shards"}
	}
	d.where = make(map[string]weightFile, len(weightMap))
	for _, name := range names {
		f, err := d.openShard(name)
		if err != nil {
			return err
		}
		d.names, d.shards = append(d.names, name), append(d.shards, f)
		for _, tensorName := range f.Names() {
			switch in, ok := weightMap[tensorName]; {
			case !ok:
				return &FormatError{index, fmt.Sprintf("tensor %q of shard %s is not in the index", tensorName, name)}
			case in != name:
				return &FormatError{index, fmt.Sprintf("tensor %q lies in shard %s, the index says %s", tensorName, name, in)}
			}
			d.where[tensorName] = f
		}
	}
	for _, tensorName := range slices.Sorted(maps.Keys(weightMap)) {
		if d.where[tensorName] == nil {
			return &FormatError{index, fmt.Sprintf("tensor %q is not in shard %s, where the index says it is", tensorName, weightMap[tensorName])}
		}
	}
	return nil
}

func readSmall(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := openRegular(root, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return nil, err
	} else if st.Size() > limit { // not to be read up to there
		return nil, fmt.Errorf("%s: more than %d bytes", name, limit)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: more than %d bytes", name, limit)
	}
	return data, err
}

// openRegular opens a regular file. It looks before: opening a named pipe would
// wait for a writer.
func openRegular(root *os.Root, name string) (*os.File, error) {
	st, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: found %v, want a regular file", name, st.Mode().Type())
	}
	return root.Open(name)
}

// parseIndex reads {"metadata": …, "weight_map": {tensor: shard}}.
func parseIndex(text []byte) (map[string]string, error) {
	var weightMap map[string]string
	r := strictjson.NewReader(text)
	err := r.Object(func(key string) error {
		if key != "weight_map" {
			return r.Skip(8)
		}
		weightMap = map[string]string{}
		return r.Object(func(name string) error {
			if err := checkName(name); err != nil {
				return err
			}
			if len(weightMap) == maxTensors {
				return r.Errorf("more than %d tensors", maxTensors)
			}
			shard, err := r.String()
			if err != nil {
				return err
			}
			if shard != filepath.Base(shard) || !filepath.IsLocal(shard) || shard == "." || strings.ContainsAny(shard, "\\\x00") {
				return r.Errorf("shard name %.80q of tensor %q is not a plain file name", shard, name)
			}
			weightMap[name] = shard
			return nil
		})
	})
	if err == nil {
		err = r.End()
	}
	if err == nil && weightMap == nil {
		err = errors.New("weight_map is missing")
	}
	return weightMap, err
}

// Config returns the bytes of config.json, nil if there is none.
func (d *Dir) Config() []byte { return d.config }

// Path returns the directory or file as it was given.
func (d *Dir) Path() string { return d.path }

// Files returns the names of the files with weights, without the directory.
func (d *Dir) Files() []string { return slices.Clone(d.names) }

// Close closes all files; tensors already read stay valid.
func (d *Dir) Close() error {
	var errs []error
	if d.root != nil {
		errs = append(errs, d.root.Close())
	}
	for _, f := range d.shards {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// Names returns the names of all tensors, sorted.
func (d *Dir) Names() []string {
	if d.where == nil {
		return d.shards[0].Names()
	}
	return slices.Sorted(maps.Keys(d.where))
}

func (d *Dir) file(name string) (weightFile, error) {
	if d.where == nil {
		return d.shards[0], nil
	}
	f, ok := d.where[name]
	if !ok {
		return nil, fmt.Errorf("checkpoint: %s: no tensor %q", d.path, name)
	}
	return f, nil
}

// Spec describes a tensor without reading it.
func (d *Dir) Spec(name string) (Spec, error) {
	f, err := d.file(name)
	if err != nil {
		return Spec{}, err
	}
	return f.Spec(name)
}

// Tensor reads a tensor into fresh memory, in the type the file has.
func (d *Dir) Tensor(name string) (*tensor.Tensor, error) {
	f, err := d.file(name)
	if err != nil {
		return nil, err
	}
	return f.Tensor(name)
}

// Metadata returns the __metadata__ of the first file.
func (d *Dir) Metadata() map[string]string { return d.shards[0].Metadata() }
