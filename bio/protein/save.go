package protein

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
)

func (t *Training) moments() []checkpoint.Spec {
	var specs []checkpoint.Spec
	for _, m := range t.Plan.Moments() {
		specs = append(specs, checkpoint.Spec{Name: m.Name, DType: m.DType, Shape: m.Shape})
	}
	return specs
}

// device reads weights and moments from a backend.
type device struct{ b backend.Backend }

func (d device) Tensor(name string) (*tensor.Tensor, error) { return d.b.Get(name) }

func (t *Training) save(b backend.Backend, p train.Progress) error {
	o := &t.opt
	err := checkpoint.Save(o.Dir, p.Step, func(dir string) error {
		if err := t.saveWeights(b, dir); err != nil {
			return err
		}
		if err := checkpoint.Write(filepath.Join(dir, "optimizer.safetensors"), t.moments(), device{b}, nil); err != nil {
			return err
		}
		if err := writeJSON(filepath.Join(dir, "trainer_state.json"), p); err != nil {
			return err
		}
		// So that a checkpoint is a model directory, to generate from.
		if err := copyTokenizer(filepath.Join(o.Data, TokenizerDir), dir); err != nil {
			return err
		}
		return writeJSON(filepath.Join(dir, "data_state.json"), t.state)
	})
	if err != nil {
		return err
	}
	if err := t.saved(p); err != nil {
		return err
	}
	keep := o.Keep
	if keep == 0 {
		keep = 3
	}
	// This one is not the newest after going on from an earlier one.
	return checkpoint.Prune(o.Dir, max(2, keep), checkpointName(p.BestAt), checkpointName(p.Step))
}

func checkpointName(step int) string { return fmt.Sprintf("checkpoint-%d", step) }

// saved tells the caller which checkpoints there are: that of p, and that of
// the best evaluation if it was saved. Both follow from p and the directory
// alone, so that a run that was killed says the same as one that was not.
func (t *Training) saved(p train.Progress) error {
	if t.opt.Saved == nil {
		return nil
	}
	there := func(step int) string {
		name := checkpointName(step)
		if st, err := os.Stat(filepath.Join(t.opt.Dir, name)); err != nil || !st.IsDir() {
			return ""
		}
		return name
	}
	return t.opt.Saved(there(p.Step), there(p.BestAt))
}

// saveWeights writes what trains: the model, or its adapter alone.
func (t *Training) saveWeights(b backend.Backend, dir string) error {
	if t.opt.Config.LoRA != nil {
		return t.writeAdapter(b, dir)
	}
	return Save(dir, t.opt.Config, device{b})
}

// finish leaves the model and its tokenizer in the run directory.
func (t *Training) finish(b backend.Backend) error {
	o := &t.opt
	var err error
	if o.Config.LoRA != nil {
		err = t.finishAdapter(b)
	} else {
		err = Save(o.Dir, o.Config, device{b})
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
	return writeJSON(filepath.Join(o.Dir, "kiban.json"), about)
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

func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return checkpoint.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}
