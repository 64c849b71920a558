package pretrain

import (
	"fmt"
	"path/filepath"

	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/materials/task"
)

// OpenTokenizer opens the tokenizer of a directory that Prepare made: a model
// without weights.
func OpenTokenizer(data string) (*task.Model, error) {
	m := &task.Model{Path: filepath.Join(data, TokenizerDir)}
	var err error
	if m.WordPiece, err = token.OpenWordPiece(m.Path); err != nil {
		return nil, err
	}
	if err := run.ReadJSON(filepath.Join(m.Path, "kiban.json"), &m.About); err != nil {
		return nil, fmt.Errorf("%s: no tokenizer of a prepared corpus: %w", m.Path, err)
	}
	return m, nil
}
