package extract_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/extract"
	"github.com/kiban-models/kiban/materials/ner"
	"github.com/kiban-models/kiban/materials/normalize"
	"github.com/kiban-models/kiban/materials/task"
)

// vocabulary knows letters, so that words fall into several pieces.
func vocabulary() string {
	var b strings.Builder
	b.WriteString("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
	for c := 'a'; c <= 'z'; c++ {
		fmt.Fprintf(&b, "%c\n##%c\n", c, c)
	}
	for _, t := range []string{"0", "1", "2", "3", "##0", "##1", "##2", "##3", "ti", "##o", "##ti", "film", "anneal", "##ed", "μ", "##μ", "å", "δ", ".", ",", "-", "(", ")", "°", "×", "電", "池"} {
		if !strings.Contains(b.String(), "\n"+t+"\n") {
			b.WriteString(t + "\n")
		}
	}
	return b.String()
}

var labels = []string{"B-APL", "B-MAT", "B-PRO", "I-APL", "I-MAT", "I-PRO", "O"}

// randomTagger is a small model of random weights whose labels fire often.
func randomTagger(t testing.TB, seed uint64) *ner.Tagger {
	t.Helper()
	w, err := token.ReadVocabText(strings.NewReader(vocabulary()), token.Rules{Lowercase: true})
	if err != nil {
		t.Fatal(err)
	}
	b, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	c := encoder.NewConfig(w.VocabSize(), 32, 1, 16, 2).WithLabels(encoder.TokenClassification, labels)
	h := task.Head{Kind: task.Words, Labels: labels}
	declared := c.Declared(nn.Policy{}, h.Declare)
	source := nn.Fresh{Seed: seed, Params: declared}
	for _, d := range declared {
		x, err := source.Tensor(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		if d.Name == "classifier.weight" || strings.Contains(d.Name, "embeddings.word") {
			scaled := tensor.New(tensor.F32, d.Shape...)
			for i, v := range x.Float32() {
				scaled.Float32()[i] = 30 * v
			}
			x = scaled
		}
		if err := b.Put(d.Name, x); err != nil {
			t.Fatal(err)
		}
	}
	s := task.NewSession(b, h, c, nn.Policy{})
	t.Cleanup(func() { s.Close() })
	decoder, err := ner.NewDecoder(labels, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &ner.Tagger{
		Tokenizer: &normalize.Encoder{Normalizer: normalize.New(w), WordPiece: w},
		Frame:     ner.Frame{CLS: w.CLS(), SEP: w.SEP(), Length: c.Context, Stride: 8}, Session: s, Decoder: decoder,
	}
}

var (
	hazards = []string{
		"TiO2", "TiO₂", "film", "annealed", "μm", "µm", "5", "Å", "\u212b", "A\u030a", "e\u0301tude", "\U0001d6fc-phase", "\U0001f9ea", "電池",
		"so\u00adlid", "\u00ad", "ef\ufb01cient", "of\ufb03ce", "La0.8Sr0.2MnO3-δ", "(Ba,Sr)TiO3", "wt.%", "10\u00a0nm", "3\u202f×\u200910−3",
		"\u200b", "n\u0303", "İ", "ß", "<b>", "&amp;", "\"quoted\"", "a,b", "°C", "º", "\u0301", "\ufeff", "𐍈", "\u2028", "x\u2029y", "\ufffd", "=1+2",
	}
	between = []string{" ", " ", " ", " ", "\r\n", "\n", "\n\n", "\t", "\u00a0", "\u2009", "", ". ", "; ", "\r\n\r\n", "-"}
)

func fuzzed(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(120) {
		b.WriteString(hazards[r.IntN(len(hazards))])
		b.WriteString(between[r.IntN(len(between))])
	}
	return b.String()
}

func options() extract.Options {
	return extract.Options{Sentences: corpus.Sentences, Words: corpus.Words}
}

func documents(texts []string) iter.Seq2[corpus.Document, error] {
	return func(yield func(corpus.Document, error) bool) {
		for i, text := range texts {
			if !yield(corpus.Document{ID: fmt.Sprintf("d%d", i), Text: text}, nil) {
				return
			}
		}
	}
}

type record struct {
	ID       string `json:"id"`
	Text     string `json:"text"`
	Entities []struct {
		Start, End, Sentence int
		Text, Label, Section string
		Score                float64
		ByteStart            int  `json:"byte_start"`
		ByteEnd              int  `json:"byte_end"`
		SourceStart          *int `json:"source_start"`
		SourceEnd            *int `json:"source_end"`
	} `json:"entities"`
	Relations []json.RawMessage `json:"relations"`
}

func records(t *testing.T, out []byte) []record {
	t.Helper()
	var all []record
	for line := range bytes.Lines(out) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// TestOffsets extracts from documents full of characters that change length
// under normalisation. Whatever is written must be found again in the original
// text by its numbers.
func TestOffsets(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	texts := make([]string, 400)
	for i := range texts {
		texts[i] = fuzzed(r)
	}
	var jsonl, table, prodigy, hf bytes.Buffer
	var writers []extract.Writer
	for format, out := range map[string]*bytes.Buffer{extract.JSONL: &jsonl, extract.CSV: &table, extract.Prodigy: &prodigy, extract.HF: &hf} {
		w, err := extract.NewWriter(out, format, extract.WriterOptions{ByteOffsets: format == extract.JSONL})
		if err != nil {
			t.Fatal(err)
		}
		writers = append(writers, w)
	}
	dir := t.TempDir()
	brat, err := extract.MakeBrat(dir, []string{"APL", "MAT", "PRO"}, []string{"Has"})
	if err != nil {
		t.Fatal(err)
	}
	writers = append(writers, brat)
	write := func(r *extract.Result) error {
		var all error
		for _, w := range writers {
			all = errors.Join(all, w.Write(r))
		}
		return all
	}
	sum, err := extract.New(randomTagger(t, 1), options()).Run(context.Background(), documents(texts), write, func(err error) error { return err })
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", sum)
	if sum.Entities < 2000 || len(sum.Labels) != 3 {
		t.Errorf("%d entities of %d labels: the test sees too little", sum.Entities, len(sum.Labels))
	}
	all := records(t, jsonl.Bytes())
	if len(all) != len(texts) {
		t.Fatalf("%d records of %d documents", len(all), len(texts))
	}
	lines, err := csv.NewReader(&table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	lines = lines[1:]
	for i, rec := range all {
		if rec.Text != texts[i] || rec.ID != fmt.Sprintf("d%d", i) {
			t.Fatalf("document %d is another", i)
		}
		points := []rune(texts[i])
		ann, err := os.ReadFile(filepath.Join(dir, rec.ID+".ann"))
		if err != nil {
			t.Fatal(err)
		}
		checkBrat(t, points, string(ann), len(rec.Entities))
		if text, err := os.ReadFile(filepath.Join(dir, rec.ID+".txt")); err != nil || string(text) != texts[i] {
			t.Errorf("%s.txt is not the text", rec.ID)
		}
		for _, e := range rec.Entities {
			if got := string(points[e.Start:e.End]); got != e.Text {
				t.Errorf("%s: points %d to %d are %q, not %q", rec.ID, e.Start, e.End, got, e.Text)
			}
			if got := texts[i][e.ByteStart:e.ByteEnd]; got != e.Text {
				t.Errorf("%s: bytes %d to %d are %q, not %q", rec.ID, e.ByteStart, e.ByteEnd, got, e.Text)
			}
			if !(e.Score > 0 && e.Score <= 1) || strings.TrimSpace(e.Text) != e.Text {
				t.Errorf("%s: %+v", rec.ID, e)
			}
			line := lines[0]
			lines = lines[1:]
			start, _ := strconv.Atoi(line[3])
			end, _ := strconv.Atoi(line[4])
			// The reader of csv takes \r\n within quotes for \n.
			if line[0] != rec.ID || start != e.Start || end != e.End || line[5] != strings.ReplaceAll(e.Text, "\r\n", "\n") || line[6] != e.Label {
				t.Errorf("%s: line %q of %+v", rec.ID, line, e)
			}
		}
	}
	if len(lines) != 0 {
		t.Errorf("%d lines too many", len(lines))
	}
	checkLists(t, texts, prodigy.Bytes(), hf.Bytes())
}

func checkBrat(t *testing.T, points []rune, ann string, want int) {
	t.Helper()
	n := 0
	for line := range strings.Lines(ann) {
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if !strings.HasPrefix(line, "T") {
			continue
		}
		n++
		_, places, _ := strings.Cut(parts[1], " ")
		var text []string
		for place := range strings.SplitSeq(places, ";") {
			var start, end int
			if _, err := fmt.Sscanf(place, "%d %d", &start, &end); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			text = append(text, string(points[start:end]))
		}
		if got := strings.Join(text, " "); got != parts[2] || strings.ContainsAny(got, "\r\n") {
			t.Errorf("%q: the places hold %q", line, got)
		}
	}
	if n != want {
		t.Errorf("%d lines T of %d entities", n, want)
	}
}

func checkLists(t *testing.T, texts []string, prodigy, hf []byte) {
	t.Helper()
	i := 0
	for line := range bytes.Lines(prodigy) {
		var task struct {
			Text  string
			Spans []struct {
				Start, End int
				Text       string
			}
		}
		if err := json.Unmarshal(line, &task); err != nil || task.Text != texts[i] {
			t.Fatalf("task %d: %v", i, err)
		}
		for _, s := range task.Spans {
			if got := string([]rune(task.Text)[s.Start:s.End]); got != s.Text {
				t.Errorf("task %d: %q, not %q", i, got, s.Text)
			}
		}
		i++
	}
	j := 0
	for line := range bytes.Lines(hf) {
		var list []struct {
			Start, End int
			Word       string
		}
		if err := json.Unmarshal(line, &list); err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			if got := string([]rune(texts[j])[s.Start:s.End]); got != s.Word {
				t.Errorf("list %d: %q, not %q", j, got, s.Word)
			}
		}
		j++
	}
	if i != len(texts) || j != len(texts) {
		t.Errorf("%d tasks and %d lists of %d documents", i, j, len(texts))
	}
}

// TestCompany extracts from documents alone and among others.
func TestCompany(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	texts := make([]string, 30)
	for i := range texts {
		texts[i] = fuzzed(r)
	}
	x := randomTagger(t, 2)
	run := func(texts []string) []*extract.Result {
		var all []*extract.Result
		_, err := extract.New(x, options()).Run(context.Background(), documents(texts), func(r *extract.Result) error {
			all = append(all, r)
			return nil
		}, func(err error) error { return err })
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	together := run(texts)
	for i, text := range texts {
		alone := run([]string{text})[0]
		if a, b := fmt.Sprint(alone.Entities), fmt.Sprint(together[i].Entities); a != b {
			t.Errorf("document %d: alone %s, among others %s", i, a, b)
		}
	}
}

// words is a tagger that finds every word that is "x", and remembers how much
// it was asked at once.
type words struct{ most int }

func (w *words) Tag(_ context.Context, sentences [][]string) ([]ner.Sentence, error) {
	w.most = max(w.most, len(sentences))
	out := make([]ner.Sentence, len(sentences))
	for i, s := range sentences {
		for j, word := range s {
			if word == "x" {
				out[i].Entities = append(out[i].Entities, ner.Entity{Label: "MAT", First: j, Past: j + 1, Score: 0.5})
			}
		}
	}
	return out, nil
}

// TestStream reads many documents, of which some cannot be read: the others are
// written in order, and few are held.
func TestStream(t *testing.T) {
	const n = 20000
	read, written, held := 0, 0, 0
	broken := errors.New("broken.xml:3: not XML")
	docs := func(yield func(corpus.Document, error) bool) {
		for i := range n {
			read++
			d, err := corpus.Document{ID: strconv.Itoa(i), Text: "An x in a sentence. Another x."}, error(nil)
			switch i % 100 {
			case 7:
				d, err = corpus.Document{}, broken
			case 8:
				d.Text = ""
			}
			if !yield(d, err) {
				return
			}
		}
	}
	skipped := 0
	var last int
	w := &words{}
	sum, err := extract.New(w, options()).Run(context.Background(), docs, func(r *extract.Result) error {
		written++
		held = max(held, read-written)
		at, _ := strconv.Atoi(r.ID)
		if at < last {
			t.Errorf("document %d after %d", at, last)
		}
		last = at
		if want := 2; len(r.Entities) != want && r.Text != "" {
			t.Errorf("document %d has %d entities", at, len(r.Entities))
		}
		return nil
	}, func(err error) error {
		if !errors.Is(err, broken) {
			t.Error(err)
		}
		skipped++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if sum.Documents != n-n/100 || sum.Skipped != n/100 || skipped != n/100 || sum.Empty != n/100 || written != sum.Documents || sum.Entities != 2*(n-2*n/100) {
		t.Errorf("%+v", sum)
	}
	if held > 4500 || w.most > 4096 {
		t.Errorf("%d documents held, %d sentences at once", held, w.most)
	}
	stop := errors.New("stop")
	if _, err := extract.New(w, options()).Run(context.Background(), docs, func(*extract.Result) error { return stop }, func(error) error { return nil }); !errors.Is(err, stop) {
		t.Errorf("after an error of the writer: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := extract.New(w, options()).Run(ctx, docs, func(*extract.Result) error { return nil }, func(error) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
}

// TestLongSentence has a text without an end of a sentence.
func TestLongSentence(t *testing.T) {
	text := strings.Repeat("ab x cd ", 40000)
	var got *extract.Result
	sum, err := extract.New(&words{}, options()).Run(context.Background(), documents([]string{text}), func(r *extract.Result) error {
		got = r
		return nil
	}, func(err error) error { return err })
	if err != nil || sum.Entities != 40000 {
		t.Fatalf("%+v, %v", sum, err)
	}
	for _, e := range got.Entities {
		if text[e.Spans[0].Start:e.Spans[0].End] != "x" {
			t.Fatal(e)
		}
	}
}

func TestMinScore(t *testing.T) {
	o := options()
	o.MinScore = 0.6
	sum, err := extract.New(&words{}, o).Run(context.Background(), documents([]string{"An x."}), func(*extract.Result) error { return nil }, func(err error) error { return err })
	if err != nil || sum.Entities != 0 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// TestWrongOffsets has a result whose numbers are not those of its surface.
func TestWrongOffsets(t *testing.T) {
	r := &extract.Result{Annotated: corpus.Annotated{
		Document: corpus.Document{ID: "d", Text: "a  b"},
		Entities: []corpus.Entity{{Label: "MAT", Spans: []corpus.Span{{Start: 1, End: 2}}}},
	}, In: []int{0}}
	w, err := extract.NewWriter(&bytes.Buffer{}, extract.JSONL, extract.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(r); err == nil {
		t.Error("a blank was written as an entity")
	}
}
