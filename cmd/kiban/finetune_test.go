package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/tensor"
)

// moduleRoot is the folder of go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above")
		}
		dir = filepath.Dir(dir)
	}
}

// letterTokenizer writes a tokenizer.json of 26 letters, the line break and
// <|endoftext|>, and merges, so that with 61 tokens it is that of the model in
// bio/protein/testdata/hf.
func letterTokenizer(t *testing.T, dir string, tokens int) {
	t.Helper()
	vocab := map[string]int{"<|endoftext|>": 0, "\u010a": 1}
	for c := 'A'; c <= 'Z'; c++ {
		vocab[string(c)] = len(vocab)
	}
	merges := [][2]string{}
	const residues = "ACDEFGHIKLMNPQRSTVWY"
	for i := 0; len(vocab) < tokens; i++ {
		a, b := residues[i/20:i/20+1], residues[i%20:i%20+1]
		merges, vocab[a+b] = append(merges, [2]string{a, b}), len(vocab)
	}
	text, err := json.Marshal(map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "normalizer": nil,
		"added_tokens":   []map[string]any{{"id": 0, "content": "<|endoftext|>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}},
		"pre_tokenizer":  map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
		"post_processor": nil,
		"decoder":        map[string]any{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
		"model": map[string]any{"type": "BPE", "dropout": nil, "unk_token": "<|endoftext|>", "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocab, "merges": merges},
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "tokenizer.json"), text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// transformersModel is a copy of the directory that transformers saved, with a
// tokenizer of the given size.
func transformersModel(t *testing.T, tokens int) string {
	t.Helper()
	model := filepath.Join(t.TempDir(), "hf")
	if err := os.CopyFS(model, os.DirFS(filepath.Join(moduleRoot(t), "bio/protein/testdata/hf"))); err != nil {
		t.Fatal(err)
	}
	letterTokenizer(t, model, tokens)
	return model
}

// A model that transformers saved is fine-tuned, resumed, generated from and
// scored with; and what came of it, once more.
func TestFinetune(t *testing.T) {
	t.Parallel()
	model, dir := transformersModel(t, 61), t.TempDir()
	in, data := filepath.Join(dir, "in.fasta"), filepath.Join(dir, "data")
	writeProteins(t, in, 60, 5)
	must(t, "protein", "prepare", in, "-o", data, "--tokenizer", model, "-q")
	tune := func(from, run string, more ...string) []string {
		return append([]string{"protein", "finetune", data, "-m", from, "-o", run, "--seq-len", "32", "--batch-size", "4", "--lr", "0.01",
			"--max-steps", "60", "--save-every", "20", "--eval-every", "20", "--device", "cpu", "--progress", "none", "-q"}, more...)
	}
	run := filepath.Join(dir, "run")
	must(t, tune(model, run)...)
	h := history(t, run)
	if first, last := h[0]["loss"].(float64), h[len(h)-1]["loss"].(float64); last > first-0.3 {
		t.Errorf("loss goes from %.3f to %.3f; it has hardly learned", first, last)
	}
	// It began with the model's weights: one step of next to no size keeps them.
	still := filepath.Join(dir, "still")
	must(t, tune(model, still, "--max-steps", "1", "--lr", "1e-30", "--warmup", "0", "-O")...)
	sameWeights(t, model, still)

	t.Run("frozen", func(t *testing.T) {
		frozen := filepath.Join(dir, "frozen")
		must(t, tune(model, frozen, "--max-steps", "3", "--freeze", "embeddings", "--freeze-layers", "1", "--layer-lr-decay", "0.5")...)
		before, after := readWeights(t, model), readWeights(t, frozen)
		for name, x := range before {
			still := strings.Contains(name, "wte") || strings.Contains(name, "wpe") || strings.Contains(name, "h.0.")
			if same := slices.Equal(x, after[name]); same != still {
				t.Errorf("%s stayed the same: %t, is frozen: %t", name, same, still)
			}
		}
		fails(t, []string{"frozen was embeddings, 1 layers and is nothing"}, tune(model, frozen, "--max-steps", "3", "--resume")...)
	})
	t.Run("f16", func(t *testing.T) {
		half, again := filepath.Join(dir, "half"), filepath.Join(dir, "half again")
		must(t, tune(model, half, "--precision", "f16")...)
		whole, full := history(t, half), history(t, run)
		last := len(whole) - 1
		if a, b := whole[last]["loss"].(float64), full[last]["loss"].(float64); math.Abs(a-b) > 0.05 {
			t.Errorf("loss %.3f in f16, %.3f without --precision", a, b)
		}
		if whole[0]["loss_scale"].(float64) != 65536 {
			t.Errorf("history says %v, wanted a loss scale of 65536", whole[0])
		}
		if err := os.CopyFS(again, os.DirFS(half)); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(again, "checkpoint-60")); err != nil {
			t.Fatal(err)
		}
		must(t, tune(model, again, "--precision", "f16", "--resume")...)
		sameRun(t, half, again, 60)
	})
	t.Run("resumed", func(t *testing.T) {
		again := filepath.Join(dir, "again")
		if err := os.CopyFS(again, os.DirFS(run)); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(again, "checkpoint-60")); err != nil {
			t.Fatal(err)
		}
		must(t, tune(model, again, "--resume")...)
		sameRun(t, run, again, 60)
		for dir, want := range map[string]int{run: 1, again: 2} {
			if files, err := filepath.Glob(filepath.Join(dir, "runs", "events.out.tfevents.*")); err != nil || len(files) != want {
				t.Errorf("%s: event files %q, %v; wanted %d", dir, files, err, want)
			}
		}
		must(t, tune(model, again, "-O", "--max-steps", "1")...)
		if files, err := filepath.Glob(filepath.Join(again, "runs", "*")); err != nil || len(files) != 1 {
			t.Errorf("begun anew: event files %q, %v; wanted 1", files, err)
		}
	})
	t.Run("used", func(t *testing.T) {
		scored := perplexities(t, must(t, "protein", "score", "-m", run, in, "--device", "cpu", "-q"))
		before := perplexities(t, must(t, "protein", "score", "-m", model, in, "--device", "cpu", "-q"))
		better := 0
		for i := range scored {
			if scored[i] < before[i] {
				better++
			}
		}
		if better < len(scored)*9/10 {
			t.Errorf("only %d of %d sequences became likelier", better, len(scored))
		}
		must(t, "protein", "generate", "-m", run, "-n", "3", "--max-tokens", "32", "--max-length", "20", "--device", "cpu", "-q")
		if out := must(t, "model", "inspect", run); !strings.Contains(out, "byte-level BPE of 61 tokens") {
			t.Errorf("model inspect says %s", out)
		}
	})
	t.Run("from a run of kiban", func(t *testing.T) {
		second := filepath.Join(dir, "second")
		must(t, tune(run, second, "--max-steps", "1", "--lr", "1e-30", "--warmup", "0")...)
		sameWeights(t, run, second)
		must(t, tune(filepath.Join(run, "checkpoint-40"), filepath.Join(dir, "third"), "--max-steps", "2")...)
	})
	t.Run("data of another tokenizer", func(t *testing.T) {
		other := filepath.Join(dir, "other")
		must(t, "protein", "prepare", in, "-o", other, "--vocab-size", "300", "-q")
		fails(t, []string{other + ": its tokens are not those of the model; prepare the sequences with --tokenizer " + model},
			"protein", "finetune", other, "-m", model, "-o", filepath.Join(dir, "no"), "--device", "cpu")
		// Of equal size, but with other tokens.
		letterTokenizer(t, model, 60)
		fails(t, []string{"its tokens are not those of the model"}, tune(model, filepath.Join(dir, "no"))...)
		if _, err := os.Stat(filepath.Join(dir, "no")); err == nil {
			t.Error("a directory is left behind")
		}
		fails(t, []string{"tokenizer"}, "protein", "prepare", in, "-o", filepath.Join(dir, "no"), "--tokenizer", data)
	})
	t.Run("tokenizer too large", func(t *testing.T) {
		model := transformersModel(t, 62)
		for _, args := range [][]string{{"protein", "generate", "-m", model, "--max-tokens", "20"}, {"protein", "score", "-m", model, in}, tune(model, filepath.Join(dir, "no"))} {
			fails(t, []string{model + ": the tokenizer has 62 tokens, the model 61; they do not belong together"}, append(args, "--device", "cpu")...)
		}
	})
}

// readWeights reads a model directory.
func readWeights(t *testing.T, dir string) map[string][]float32 {
	t.Helper()
	d, err := checkpoint.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	all := map[string][]float32{}
	for _, name := range d.Names() {
		x, err := d.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = slices.Clone(x.Convert(tensor.F32).Float32())
	}
	return all
}

// sameWeights wants two model directories to hold the same numbers.
func sameWeights(t *testing.T, a, b string) {
	t.Helper()
	if x, y := readWeights(t, a), readWeights(t, b); !reflect.DeepEqual(x, y) || len(x) == 0 {
		t.Errorf("%s and %s hold different weights", a, b)
	}
}

// Files that other tools are tested with.
func TestOddFASTA(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(moduleRoot(t), "../shared/data/protein/odd_fasta")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Skipf("the collection is not here: %v", err)
	}
	want := map[string]string{ // the error, or "" for none
		"aster.pro":                    "",
		"aster_no_wrap.pro":            "",
		"aster_pearson.pro":            `aster_pearson.pro:1: column 1: text before the first header: "Some header"; `,
		"bionemo_bad_index.fasta":      "looks like dna, not protein; ",
		"dups.fasta":                   "looks like dna, not protein; ",
		"f002":                         "looks like dna, not protein; ",
		"pyfaidx_genes.fasta.lower.gz": "looks like dna, not protein; ",
		"pyfaidx_issue_83.fasta":       "looks like dna, not protein; ",
		"seqkit_blank.fx":              "no sequence left for training of 0 read",
	}
	for _, f := range files {
		message, known := want[f.Name()]
		if !known {
			t.Errorf("%s: nothing is said about this file", f.Name())
			continue
		}
		path, out := filepath.Join(dir, f.Name()), filepath.Join(t.TempDir(), "data")
		args := []string{"protein", "prepare", path, "-o", out, "--validation", "0", "--vocab-size", "300"}
		if message != "" {
			fails(t, []string{path, message}, args...)
			if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) > 0 {
				t.Errorf("%s: left behind %v (%v)", f.Name(), left, err)
			}
		} else {
			must(t, append(args, "-q")...)
		}
		if strings.HasPrefix(message, "looks like") { // letters all the same
			must(t, append(args, "-q", "--seq-type", "protein", "--empty", "skip")...)
		}
	}
}
