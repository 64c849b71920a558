package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/tensor"
)

// rewriteHeader changes the JSON header of a safetensors file.
func rewriteHeader(t *testing.T, path string, change func(h map[string]map[string]any)) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(data)
	var h map[string]map[string]any
	if err := json.Unmarshal(data[8:8+n], &h); err != nil {
		t.Fatal(err)
	}
	change(h)
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	out = append(append(out, text...), data[8+n:]...)
	if err := os.WriteFile(path, out, 0o666); err != nil {
		t.Fatal(err)
	}
}

// rewriteTensors changes the tensors of a safetensors file.
func rewriteTensors(t *testing.T, path string, change func(all checkpoint.Tensors)) {
	t.Helper()
	f, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	all := checkpoint.Tensors{}
	for _, name := range f.Names() {
		if all[name], err = f.Tensor(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	change(all)
	if err := checkpoint.Write(path, all.Specs(), all, nil); err != nil {
		t.Fatal(err)
	}
}

// replaceIn replaces text in a file.
func replaceIn(t *testing.T, path, from, to string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil && !bytes.Contains(data, []byte(from)) {
		t.Fatalf("%s has no %q", path, from)
	}
	if err == nil {
		err = os.WriteFile(path, bytes.ReplaceAll(data, []byte(from), []byte(to)), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A model directory that is not one, or is damaged, is refused by every verb
// that takes one: code 1, the file named, nothing left behind.
func TestBadModels(t *testing.T) {
	t.Parallel()
	data, dir := prepared(t), t.TempDir()
	good, in := filepath.Join(dir, "good"), filepath.Join(dir, "in.fasta")
	must(t, tiny(data, good, "--max-steps", "2")...)
	writeProteins(t, in, 3, 4)
	const some, weights = "transformer.h.0.ln_1.weight", "model.safetensors"
	for _, x := range []struct {
		name   string
		change func(t *testing.T, dir string)
		want   []string
		// known: model inspect is there to say what is the matter, and does
		// not fail.
		known bool
	}{
		{"offsets overlap", func(t *testing.T, dir string) {
			rewriteHeader(t, filepath.Join(dir, weights), func(h map[string]map[string]any) {
				h[some]["data_offsets"] = []int{0, 64}
			})
		}, []string{weights, "overlap"}, false},
		{"offsets beyond the file", func(t *testing.T, dir string) {
			rewriteHeader(t, filepath.Join(dir, weights), func(h map[string]map[string]any) {
				h[some]["data_offsets"] = []int{1 << 40, 1<<40 + 64}
			})
		}, []string{weights, "belong to no tensor"}, false},
		{"offsets backwards", func(t *testing.T, dir string) {
			rewriteHeader(t, filepath.Join(dir, weights), func(h map[string]map[string]any) {
				h[some]["data_offsets"] = []int{128, 64}
			})
		}, []string{weights, some, "backwards"}, false},
		{"header of impossible length", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, weights), []byte("\xff\xff\xff\xff\xff\xff\xff\x7f{}"), 0o666); err != nil {
				t.Fatal(err)
			}
		}, []string{weights, "header"}, false},
		{"file cut off", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, weights), 20000); err != nil {
				t.Fatal(err)
			}
		}, []string{weights}, false},
		{"empty file", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, weights), 0); err != nil {
				t.Fatal(err)
			}
		}, []string{weights}, false},
		{"whole numbers as weights", func(t *testing.T, dir string) {
			rewriteTensors(t, filepath.Join(dir, weights), func(all checkpoint.Tensors) {
				all[some] = tensor.New(tensor.I64, all[some].Shape()...)
			})
		}, []string{some, "i64"}, false},
		{"tensor missing", func(t *testing.T, dir string) {
			rewriteTensors(t, filepath.Join(dir, weights), func(all checkpoint.Tensors) { delete(all, some) })
		}, []string{"missing", some}, false},
		{"tensor too many", func(t *testing.T, dir string) {
			rewriteTensors(t, filepath.Join(dir, weights), func(all checkpoint.Tensors) { all["lora.weight"] = tensor.New(tensor.F32, 2) })
		}, []string{"unexpected", "lora.weight"}, false},
		{"tensor of another shape", func(t *testing.T, dir string) {
			rewriteTensors(t, filepath.Join(dir, weights), func(all checkpoint.Tensors) { all[some] = tensor.New(tensor.F32, 17) })
		}, []string{some, "[17]", "[16]"}, false},
		{"not a number", func(t *testing.T, dir string) {
			rewriteTensors(t, filepath.Join(dir, weights), func(all checkpoint.Tensors) {
				x := all[some].Float32()
				x[3] = x[3] - x[3]
				x[3] /= x[3]
			})
		}, []string{some, "NaN"}, false},
		{"another architecture", func(t *testing.T, dir string) {
			replaceIn(t, filepath.Join(dir, "config.json"), `"gpt2"`, `"bert"`)
		}, []string{"config.json", `model_type is "bert"`, "gpt2"}, true},
		{"untied", func(t *testing.T, dir string) {
			replaceIn(t, filepath.Join(dir, "config.json"), `"n_inner"`, `"tie_word_embeddings": false, "n_inner"`)
		}, []string{"config.json", "tie_word_embeddings is false"}, true},
		{"unknown activation", func(t *testing.T, dir string) {
			replaceIn(t, filepath.Join(dir, "config.json"), `"gelu_new"`, `"maxout"`)
		}, []string{"config.json", "maxout"}, true},
		{"heads that do not divide", func(t *testing.T, dir string) {
			replaceIn(t, filepath.Join(dir, "config.json"), `"n_head": 2`, `"n_head": 3`)
		}, []string{"config.json", "3"}, true},
		{"no config.json", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "config.json")); err != nil {
				t.Fatal(err)
			}
		}, []string{"config.json", "model directory must have one"}, false},
		{"config.json is no JSON", func(t *testing.T, dir string) {
			replaceIn(t, filepath.Join(dir, "config.json"), `{`, `[`)
		}, []string{"config.json"}, false},
		{"no weights", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, weights)); err != nil {
				t.Fatal(err)
			}
		}, []string{weights, "index.json"}, false},
		{"no tokenizer", func(t *testing.T, dir string) {
			for _, name := range []string{"tokenizer.json", "vocab.json", "merges.txt"} {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}, []string{"tokenizer.json"}, true},
		{"tokenizer of more tokens", func(t *testing.T, dir string) {
			replaceIn(t, filepath.Join(dir, "config.json"), `"vocab_size": 300`, `"vocab_size": 290`)
			rewriteTensors(t, filepath.Join(dir, weights), func(all checkpoint.Tensors) {
				all["transformer.wte.weight"] = tensor.New(tensor.F32, 290, 16)
			})
		}, []string{"290"}, true},
		{"end token outside", func(t *testing.T, dir string) {
			replaceIn(t, filepath.Join(dir, "config.json"), `"eos_token_id": 0`, `"eos_token_id": 5000`)
		}, []string{"5000"}, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			model := filepath.Join(t.TempDir(), "model")
			if err := os.CopyFS(model, os.DirFS(good)); err != nil {
				t.Fatal(err)
			}
			x.change(t, model)
			work := t.TempDir()
			for _, args := range [][]string{
				{"model", "inspect", model},
				{"protein", "score", "-m", model, in, "-o", filepath.Join(work, "s.tsv"), "--device", "cpu"},
				{"protein", "generate", "-m", model, "-o", filepath.Join(work, "g.fasta"), "--max-tokens", "30", "--device", "cpu"},
				{"protein", "finetune", data, "-m", model, "-o", filepath.Join(work, "run"), "--seq-len", "32", "--device", "cpu", "--max-steps", "1"},
			} {
				out, stderr, code := kiban(t.Context(), "", append(args, "-q", "--progress", "none")...)
				if args[0] == "model" && x.known {
					if code != 0 || stderr != "" {
						t.Errorf("kiban %v exits %d: %s", args, code, stderr)
					}
					stderr = out
				} else {
					if code != exitFailed || out != "" {
						t.Errorf("kiban %v exits %d with %q on stdout: %s", args, code, out, stderr)
					}
					if !strings.HasPrefix(stderr, "kiban: ") || strings.Count(stderr, "\n") != 1 {
						t.Errorf("kiban %v says %q, want one line", args, stderr)
					}
				}
				for _, w := range append(x.want, model) {
					if !strings.Contains(stderr, w) {
						t.Errorf("kiban %v says %q, want %q in it", args, stderr, w)
					}
				}
			}
			left, err := os.ReadDir(work)
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v (%v)", left, err)
			}
		})
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"a: b\n":                                "a: b",
		"a: no fit\n  2 missing:\n    x\n    y": "a: no fit, 2 missing: x, y",
		"first\nsecond\r\n\nthird":              "first; second; third",
	} {
		if got := oneLine(text); got != want {
			t.Errorf("oneLine(%q) is %q, want %q", text, got, want)
		}
	}
}
