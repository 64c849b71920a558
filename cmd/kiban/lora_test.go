package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
)

// A model is fine-tuned by adapters: stopped, resumed bit for bit, merged, used
// and trained further, and the model itself is never written to a checkpoint.
func TestLoRA(t *testing.T) {
	t.Parallel()
	model, dir := transformersModel(t, 61), t.TempDir()
	in, data := filepath.Join(dir, "in.fasta"), filepath.Join(dir, "data")
	writeProteins(t, in, 60, 5)
	must(t, "protein", "prepare", in, "-o", data, "--tokenizer", model, "-q")
	base := func(run string, more ...string) []string {
		return append([]string{"protein", "finetune", data, "-m", model, "-o", run, "--seq-len", "32", "--batch-size", "4", "--lr", "0.02",
			"--max-steps", "40", "--save-every", "20", "--device", "cpu", "--precision", "f32", "--progress", "none", "-q"}, more...)
	}
	tune := func(run string, more ...string) []string {
		return base(run, append([]string{"--lora-rank", "4", "--lora-targets", "c_attn,c_fc", "--lora-dropout", "0.1"}, more...)...)
	}
	run := filepath.Join(dir, "run")
	must(t, tune(run)...)
	h := history(t, run)
	if first, last := h[0]["loss"].(float64), h[len(h)-1]["loss"].(float64); last > first-0.05 {
		t.Errorf("loss goes from %.3f to %.3f; it has hardly learned", first, last)
	}
	before, after := readWeights(t, model), readWeights(t, run)
	if len(before) != len(after) {
		t.Errorf("the merged model has %d tensors, the base %d", len(after), len(before))
	}
	for name, x := range before {
		adapted := strings.HasSuffix(name, "c_attn.weight") || strings.HasSuffix(name, "c_fc.weight")
		if same := slices.Equal(x, after[name]); same == adapted {
			t.Errorf("%s is adapted: %t, stayed the same: %t", name, adapted, same)
		}
	}
	if _, err := os.Stat(filepath.Join(run, "checkpoint-20", "model.safetensors")); !os.IsNotExist(err) {
		t.Errorf("a checkpoint holds the model: %v", err)
	}

	t.Run("resumed", func(t *testing.T) {
		again := filepath.Join(dir, "again")
		if err := os.CopyFS(again, os.DirFS(run)); err != nil {
			t.Fatal(err)
		}
		for _, gone := range []string{"checkpoint-40", "adapter", "model.safetensors"} {
			if err := os.RemoveAll(filepath.Join(again, gone)); err != nil {
				t.Fatal(err)
			}
		}
		must(t, tune(again, "--resume")...)
		sameRun(t, run, again, 40)
		for _, name := range []string{"adapter/adapter_model.safetensors", "adapter/adapter_config.json", "model.safetensors"} {
			if x, y := readFile(t, filepath.Join(run, name)), readFile(t, filepath.Join(again, name)); x != y {
				t.Errorf("%s differs after resuming", name)
			}
		}
		fails(t, []string{"adapter was rank 4, factor 4, c_attn c_fc and is rank 8"}, tune(again, "--resume", "--lora-rank", "8")...)
		fails(t, []string{"adapter was rank 4", "is none"}, base(again, "--resume")...)
		other := perturbed(t, model)
		fails(t, []string{"model (hash of its weights) was"}, tune(again, "--resume", "-m", other)...)
	})
	t.Run("merged", func(t *testing.T) {
		merged := filepath.Join(dir, "merged")
		must(t, "model", "merge", model, filepath.Join(run, "adapter"), "-o", merged, "-q")
		sameWeights(t, run, merged)
		half := filepath.Join(dir, "half")
		must(t, "model", "merge", model, filepath.Join(run, "adapter"), "-o", half, "--dtype", "bf16", "-q")
		d, err := checkpoint.OpenDir(half)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for _, name := range d.Names() {
			if s, err := d.Spec(name); err != nil || s.DType.String() != "bf16" {
				t.Errorf("%v, %v; wanted bf16", s, err)
			}
		}
		fails(t, []string{"trained on other weights"}, "model", "merge", perturbed(t, model), filepath.Join(run, "adapter"), "-o", filepath.Join(dir, "wrong"))
		if out := must(t, "protein", "score", "-m", merged, in, "--device", "cpu", "-q"); out != must(t, "protein", "score", "-m", model, "--adapter", filepath.Join(run, "adapter"), in, "--device", "cpu", "-q") {
			t.Error("the merged model scores otherwise than the model with its adapter")
		}
		a := must(t, "protein", "generate", "-m", merged, "-n", "3", "--max-tokens", "20", "--device", "cpu", "-q")
		if b := must(t, "protein", "generate", "-m", model, "--adapter", filepath.Join(run, "adapter"), "-n", "3", "--max-tokens", "20", "--device", "cpu", "-q"); a != b {
			t.Errorf("generated\n%s\nand\n%s", a, b)
		}
	})
	t.Run("trained further", func(t *testing.T) {
		on := filepath.Join(dir, "on")
		must(t, base(on, "--adapter", filepath.Join(run, "adapter"), "--max-steps", "1", "--lr", "1e-30", "--warmup", "0", "--no-merge")...)
		if x, y := readFile(t, filepath.Join(run, "adapter/adapter_model.safetensors")), readFile(t, filepath.Join(on, "adapter/adapter_model.safetensors")); x != y {
			t.Error("it did not begin with the adapter's weights")
		}
		if _, err := os.Stat(filepath.Join(on, "model.safetensors")); !os.IsNotExist(err) {
			t.Errorf("--no-merge left a model: %v", err)
		}
		if got := readFile(t, filepath.Join(on, "config.yaml")); !strings.Contains(got, "lora_rank: 4") || !strings.Contains(got, "lora_targets: c_attn,c_fc") {
			t.Errorf("config.yaml does not say what was trained:\n%s", got)
		}
	})
	t.Run("refused", func(t *testing.T) {
		fails(t, []string{`"wte" is no linear layer`}, base(filepath.Join(dir, "x"), "--lora-rank", "4", "--lora-targets", "wte")...)
		fails(t, []string{"leave it out"}, tune(filepath.Join(dir, "x"), "--freeze", "embeddings")...)
	})
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// perturbed is a copy of a model with one weight changed.
func perturbed(t *testing.T, model string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "other")
	if err := os.CopyFS(dir, os.DirFS(model)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "model.safetensors")
	data := []byte(readFile(t, path))
	data[len(data)-4] ^= 1
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}
