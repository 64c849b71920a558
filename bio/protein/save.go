package protein

import (
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/run"
)

// directory is the run's, as package run keeps it.
func (t *Training) directory() *run.Directory {
	o := &t.opt
	return &run.Directory{
		Path: o.Dir, Keep: o.Keep, State: t.state, Moments: t.Plan.Moments(), Warn: o.Warn, Saved: o.Saved,
		// A checkpoint is a model directory, to generate from.
		Model: func(dir string, weights checkpoint.Source) error {
			if err := t.saveWeights(weights, dir); err != nil {
				return err
			}
			return copyTokenizer(filepath.Join(o.Data, TokenizerDir), dir)
		},
	}
}

// saveWeights writes what trains: the model, or its adapter alone.
func (t *Training) saveWeights(weights checkpoint.Source, dir string) error {
	if t.opt.Config.LoRA != nil {
		return t.writeAdapter(weights, dir)
	}
	return Save(dir, t.opt.Config, weights)
}

// finish leaves the model and its tokenizer in the run directory.
func (t *Training) finish(b backend.Backend) error {
	o := &t.opt
	var err error
	if o.Config.LoRA != nil {
		err = t.finishAdapter(b)
	} else {
		err = Save(o.Dir, o.Config, run.Weights(b))
	}
	if err != nil {
		return err
	}
	if err := copyTokenizer(filepath.Join(o.Data, TokenizerDir), o.Dir); err != nil {
		return err
	}
	about := map[string]any{
		"format": 1, "task": "protein-causal-lm", "data": t.state, "tokenizer_sha256": t.train.Manifest().Tokenizer,
		"split": t.train.Manifest().Split, "sources": t.train.Manifest().Sources,
	}
	for k, v := range o.Provenance {
		about[k] = v
	}
	return run.WriteJSON(filepath.Join(o.Dir, "kiban.json"), about)
}

// copyTokenizer copies the files that make a tokenizer.
func copyTokenizer(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.Contains([]string{"tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"}, e.Name()) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		err = checkpoint.WriteFile(filepath.Join(to, e.Name()), func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
