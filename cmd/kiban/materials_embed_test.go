package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/materials/encoder"
)

// randomEncoder writes a model directory with random weights and letters as
// tokens, that sees 32 of them.
func randomEncoder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	vocab := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "μ", "##μ"}
	for c := 'a'; c <= 'z'; c++ {
		vocab = append(vocab, string(c), "##"+string(c))
	}
	c := encoder.NewConfig(len(vocab), 32, 2, 24, 3)
	declared := c.Declared(nn.Policy{}, func(*encoder.Model) {})
	for i := range declared {
		if len(declared[i].Shape) > 1 {
			declared[i].Init.Std = 0.3
		}
	}
	if err := encoder.Save(dir, c, declared, nn.Fresh{Seed: 1, Params: declared}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"vocab.txt":             strings.Join(vocab, "\n") + "\n",
		"tokenizer_config.json": `{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// embedded is a line of embed's JSON, of one pool.
type embedded struct {
	ID        string    `json:"id"`
	Embedding []float32 `json:"embedding"`
}

func readEmbedded(t *testing.T, text string) []embedded {
	t.Helper()
	var all []embedded
	for line := range strings.Lines(text) {
		var x embedded
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, x)
	}
	return all
}

func TestEmbedForms(t *testing.T) {
	t.Parallel()
	model, dir := randomEncoder(t), t.TempDir()
	in := filepath.Join(dir, "in.jsonl")
	texts := []string{"zinc oxide", "a band gap", "zinc oxide", strings.Repeat("long ", 30), "µ"}
	var lines strings.Builder
	for i, text := range texts {
		b, err := json.Marshal(map[string]string{"id": fmt.Sprintf("doc %d", i), "text": text})
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(b, '\n'))
	}
	if err := os.WriteFile(in, []byte(lines.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := kiban(t.Context(), "", "materials", "embed", in, "-m", model, "--device", "cpu", "--normalize")
	if code != exitDone || !strings.Contains(stderr, "5 vectors of length 1 of 24 numbers, pool mean") || !strings.Contains(stderr, "1 of the texts are longer than 32 tokens") {
		t.Fatalf("exits %d: %s", code, stderr)
	}
	want := readEmbedded(t, stdout)
	if len(want) != len(texts) {
		t.Fatalf("%d lines", len(want))
	}
	for i, x := range want {
		sum := 0.0
		for _, v := range x.Embedding {
			sum += float64(v) * float64(v)
		}
		if x.ID != fmt.Sprintf("doc %d", i) || len(x.Embedding) != 24 || math.Abs(sum-1) > 1e-6 {
			t.Errorf("line %d: %q, %d numbers of length %g", i, x.ID, len(x.Embedding), math.Sqrt(sum))
		}
	}
	if fmt.Sprint(want[0].Embedding) != fmt.Sprint(want[2].Embedding) || fmt.Sprint(want[0].Embedding) == fmt.Sprint(want[1].Embedding) {
		t.Error("the same text must have the same vector, another another")
	}

	npy := filepath.Join(dir, "out", "v.npy")
	must(t, "materials", "embed", in, "-m", model, "--device", "cpu", "--normalize", "-o", npy)
	if got := readNPY(t, npy, len(texts), 24); fmt.Sprint(got) != fmt.Sprint(rows(want)) {
		t.Error(".npy and JSON differ")
	}
	ids, err := os.ReadFile(filepath.Join(dir, "out", "v.ids.txt"))
	if err != nil || string(ids) != "doc 0\ndoc 1\ndoc 2\ndoc 3\ndoc 4\n" {
		t.Errorf("IDs %q: %v", ids, err)
	}
	must(t, "materials", "embed", in, "-m", model, "--device", "cpu", "--pool", "mean,cls", "-o", filepath.Join(dir, "two.npy"))
	table := filepath.Join(dir, "two.parquet")
	must(t, "materials", "embed", in, "-m", model, "--device", "cpu", "--pool", "mean,cls", "-o", table)
	mean, cls := readNPY(t, filepath.Join(dir, "two.mean.npy"), len(texts), 24), readNPY(t, filepath.Join(dir, "two.cls.npy"), len(texts), 24)
	type record struct {
		ID   string    `parquet:"id"`
		Mean []float32 `parquet:"embedding_mean,list"`
		CLS  []float32 `parquet:"embedding_cls,list"`
	}
	got, err := parquet.ReadFile[record](table)
	if err != nil || len(got) != len(texts) {
		t.Fatalf("%d rows: %v", len(got), err)
	}
	for i, r := range got {
		if r.ID != want[i].ID || fmt.Sprint(r.Mean) != fmt.Sprint(mean[i]) || fmt.Sprint(r.CLS) != fmt.Sprint(cls[i]) {
			t.Errorf("row %d of the table is not that of the matrices", i)
		}
	}
	// --characters counts for those that the vocabulary lacks alone.
	with := readEmbedded(t, must(t, "materials", "embed", in, "-m", model, "--device", "cpu"))
	without := readEmbedded(t, must(t, "materials", "embed", in, "-m", model, "--device", "cpu", "--characters", "none"))
	if fmt.Sprint(with[0]) != fmt.Sprint(without[0]) {
		t.Error("--characters changes a text of known characters")
	}
	cut := readEmbedded(t, must(t, "materials", "embed", in, "-m", model, "--device", "cpu", "--truncate", "--limit", "4"))
	if len(cut) != 4 || fmt.Sprint(cut[3].Embedding) == fmt.Sprint(with[3].Embedding) || fmt.Sprint(cut[0]) != fmt.Sprint(with[0]) {
		t.Error("--truncate must change the long text alone, --limit give four")
	}
}

func rows(all []embedded) [][]float32 {
	var out [][]float32
	for _, x := range all {
		out = append(out, x.Embedding)
	}
	return out
}

func readNPY(t *testing.T, path string, n, width int) [][]float32 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head := 10 + int(binary.LittleEndian.Uint16(b[8:]))
	if !strings.Contains(string(b[:head]), fmt.Sprintf("'shape': (%d, %d)", n, width)) || len(b) != head+4*n*width {
		t.Fatalf("%s: header %q, %d bytes", path, b[:head], len(b))
	}
	all := make([][]float32, n)
	for i := range all {
		for j := range width {
			all[i] = append(all[i], math.Float32frombits(binary.LittleEndian.Uint32(b[head+4*(i*width+j):])))
		}
	}
	return all
}

func TestEmbedMisuse(t *testing.T) {
	t.Parallel()
	model, dir := randomEncoder(t), t.TempDir()
	in := filepath.Join(dir, "in.txt")
	if err := os.WriteFile(in, []byte("zinc\n\noxide\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{in}, exitMisuse, "-m DIR"},
		{[]string{in, "-m", model, "--pool", "max"}, exitMisuse, `unknown value "max"`},
		{[]string{in, "-m", model, "--pool", "cls,cls"}, exitMisuse, "given twice"},
		{[]string{in, "-m", model, "--max-tokens", "2"}, exitMisuse, "no room for a text"},
		{[]string{in, "-m", model, "--max-tokens", "33"}, exitFailed, "3 to 32"},
		{[]string{in, "-m", model, "-o", filepath.Join(dir, "x.bin")}, exitMisuse, ".parquet"},
		{[]string{in, "-m", model, "-o", filepath.Join(in, "x.npy")}, exitFailed, in},
		{[]string{in, "-m", dir}, exitFailed, dir},
		{[]string{in, filepath.Join(dir, "none.txt"), "-m", model, "-o", filepath.Join(dir, "some.npy")}, exitFailed, "1 of 2 documents were skipped"},
	} {
		_, stderr, code := kiban(t.Context(), "", append([]string{"materials", "embed", "--device", "cpu"}, x.args...)...)
		if code != x.code || !strings.Contains(stderr, x.want) {
			t.Errorf("%v exits %d with %q; want %d with %q", x.args, code, stderr, x.code, x.want)
		}
	}
	// What could be read was written.
	readNPY(t, filepath.Join(dir, "some.npy"), 1, 24)
	// Lines of the file, from stdin, without anything written.
	stdout, stderr, code := kiban(t.Context(), "zinc\noxide\n", "materials", "embed", "-m", model, "--device", "cpu", "--unit", "line")
	if all := readEmbedded(t, stdout); code != exitDone || len(all) != 2 {
		t.Errorf("exits %d with %d lines: %s", code, len(all), stderr)
	}
	stdout, stderr, code = kiban(t.Context(), "", "materials", "embed", in, "-m", model, "--device", "cpu", "--dry-run", "--json", "-o", filepath.Join(dir, "dry.npy"))
	var plan []map[string]any
	if err := json.Unmarshal([]byte(stdout), &plan); code != exitDone || err != nil || plan[0]["memory_bytes"].(float64) <= plan[0]["weights_bytes"].(float64) {
		t.Errorf("dry run exits %d with %q and %q: %v", code, stdout, stderr, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "dry.npy")); err == nil {
		t.Error("a dry run writes")
	}
}
