package checkpoint

import (
	"fmt"
	"path/filepath"
)

// ReadFile reads a file of a model directory of at most limit bytes, such as
// its tokenizer's. Like the weights it must be a regular file of the directory
// itself, or among the blobs of a Hugging Face cache: what a directory from
// elsewhere links to is not read. If there is none the error wraps
// fs.ErrNotExist.
func ReadFile(dir, name string, limit int64) ([]byte, error) {
	root, prefix, err := openModelRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	defer root.Close()
	data, err := readSmall(root, filepath.Join(prefix, name), limit)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", dir, err)
	}
	return data, nil
}
