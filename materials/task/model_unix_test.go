//go:build unix

package task_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/normalize"
	"github.com/kiban-models/kiban/materials/task"
)

// savedModel is a directory of a small model of entities, without kiban.json.
func savedModel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const tokens = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\nb\n##b\n"
	h := task.Head{Kind: task.Words, Labels: []string{"B-MAT", "I-MAT", "O"}}
	c := encoder.NewConfig(strings.Count(tokens, "\n"), 16, 1, 8, 2).WithLabels(h.Architecture(), h.Labels)
	declared := c.Declared(nn.Policy{}, h.Declare)
	weights := checkpoint.Tensors{}
	for _, d := range declared {
		weights[d.Name] = tensor.New(tensor.F32, d.Shape...)
	}
	if err := encoder.Save(dir, c, declared, weights); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "vocab.txt"), []byte(tokens), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestOpenModelRefuses: what is beside the weights is either understood or an
// error, never left out in silence.
func TestOpenModelRefuses(t *testing.T) {
	write := func(name, text string) func(dir string) error {
		return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666) }
	}
	for name, c := range map[string]struct {
		change func(dir string) error
		want   string
	}{
		"good":           {func(string) error { return nil }, ""},
		"about":          {write("kiban.json", `{"format":1,"task":"ner","head":"linear","max_tokens":16}`), ""},
		"head":           {write("kiban.json", `{"task":"ner","head":"tail"}`), `kiban.json: task is "ner" and head "tail"`},
		"head of others": {write("kiban.json", `{"task":"abstract","head":"crf"}`), `task is "abstract" and head "crf"`},
		"no head":        {write("kiban.json", `{"task":"ner"}`), `head ""`},
		"task":           {write("kiban.json", `{"task":"`+strings.Repeat("x", 1<<16)+`"}`), "kiban.json: task is"},
		"length":         {write("kiban.json", `{"max_tokens":2}`), "max_tokens is 2"},
		"negative":       {write("kiban.json", `{"max_tokens":-1}`), "max_tokens is -1"},
		"normalize":      {write("kiban.json", `{"normalize":"both"}`), `normalize is "both"`},
		"no JSON":        {write("kiban.json", `{`), "kiban.json: "},
		"pipe":           {func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "kiban.json"), 0o666) }, "regular file"},
		"link out":       {func(dir string) error { return os.Symlink("/dev/zero", filepath.Join(dir, "kiban.json")) }, "kiban.json"},
		"mapping":        {func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, normalize.MappingFile), 0o666) }, normalize.MappingFile},
		"no CLS":         {write("vocab.txt", "[PAD]\n[UNK]\n[cls]\n[SEP]\n[MASK]\na\n"), "no [CLS]"},
		"no SEP":         {write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[sep]\n[MASK]\na\n"), "no [SEP]"},
		"tokens":         {write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\ne\n"), "do not belong together"},
	} {
		dir := savedModel(t)
		if err := c.change(dir); err != nil {
			t.Fatal(err)
		}
		m, err := task.OpenModel(dir)
		if err == nil {
			if _, err = m.Encoder(); err == nil {
				_, err = m.Head(task.NER)
			}
			m.Close()
		}
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 500 {
			t.Errorf("%s: %.600v, want %q", name, err, c.want)
		}
	}
}
