package checkpoint

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
)

// Format is a form of files of weights.
type Format uint8

// The forms that are written.
const (
	Safetensors Format = iota // model.safetensors
	Torch                     // pytorch_model.bin, of torch.save's zip form
)

// DefaultShard is the size of shards unless another is asked for, in bytes.
const DefaultShard = 5 << 30

// ShardOptions says how WriteSharded writes.
type ShardOptions struct {
	Format   Format
	MaxShard int64             // bytes of tensors in a file; 0 is DefaultShard
	Metadata map[string]string // of each safetensors file
}

// WriteSharded writes the weights of a model directory under the names that
// transformers gives them: one file if they fit into MaxShard bytes, else shards
// in the order of specs and, last, their index. A tensor that is larger gets a
// shard of its own. Like Write it takes one tensor at a time from src. It
// returns the names of the files with tensors, without dir.
func WriteSharded(dir string, specs []Spec, src Source, o ShardOptions) ([]string, error) {
	if o.MaxShard == 0 {
		o.MaxShard = DefaultShard
	}
	shards, total, err := splitShards(specs, o.MaxShard)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", dir, err)
	}
	single, indexName, pattern := singleFile, indexFile, "model-%05d-of-%05d.safetensors"
	if o.Format == Torch {
		single, indexName, pattern = torchFileName, torchIndexFile, "pytorch_model-%05d-of-%05d.bin"
	}
	names := make([]string, len(shards))
	weightMap := map[string]string{}
	for i, shard := range shards {
		names[i] = single
		if len(shards) > 1 {
			names[i] = fmt.Sprintf(pattern, i+1, len(shards))
		}
		path := filepath.Join(dir, names[i])
		if o.Format == Torch {
			err = WriteTorch(path, shard, src)
		} else {
			err = Write(path, shard, src, o.Metadata)
		}
		if err != nil {
			return nil, err
		}
		for _, s := range shard {
			weightMap[s.Name] = names[i]
		}
	}
	if len(shards) > 1 {
		err = writeIndex(filepath.Join(dir, indexName), total, weightMap)
	}
	return names, err
}

// splitShards fills one shard after the other; total is the size of all.
func splitShards(specs []Spec, most int64) (shards [][]Spec, total int64, err error) {
	if most < 0 {
		return nil, 0, fmt.Errorf("shards of %d bytes cannot be", most)
	}
	from, size := 0, int64(0)
	for i, s := range specs {
		n, err := byteSize(uint64(8*s.DType.Size()), s.Shape)
		if err != nil {
			return nil, 0, fmt.Errorf("tensor %q: %w", s.Name, err)
		}
		if i > from && size+n > most {
			shards = append(shards, specs[from:i])
			from, size = i, 0
		}
		size, total = size+n, total+n
	}
	shards = append(shards, specs[from:])
	if len(shards) > maxShards {
		return nil, 0, fmt.Errorf("%d shards of %d bytes are above the limit of %d; allow larger ones", len(shards), most, maxShards)
	}
	return shards, total, nil
}

// Shards tells into how many files WriteSharded would write.
func Shards(specs []Spec, o ShardOptions) (int, error) {
	if o.MaxShard == 0 {
		o.MaxShard = DefaultShard
	}
	shards, _, err := splitShards(specs, o.MaxShard)
	return len(shards), err
}

func writeIndex(path string, total int64, weightMap map[string]string) error {
	index := struct {
		Metadata  map[string]int64  `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}{map[string]int64{"total_size": total}, weightMap}
	return WriteFile(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(index)
	})
}
