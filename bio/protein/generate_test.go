package protein_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/decode"
)

// words is a tokenizer of 257 tokens for tests: the end, the line break, the
// letters, and words of two to four residues; text is cut greedily.
type words struct{ text [][]byte }

func newWords() *words {
	w := &words{text: [][]byte{[]byte("<|endoftext|>"), []byte("\n")}}
	for c := byte('A'); c <= 'Z'; c++ {
		w.text = append(w.text, []byte{c})
	}
	const residues = "ACDEFGHIKLMNPQRSTVWY"
	for i := 0; len(w.text) < oddVocab; i++ {
		word := []byte{residues[i%20], residues[i*7%20]}
		for k := range i % 3 {
			word = append(word, residues[(i*3+k*5)%20])
		}
		if i%11 == 0 {
			word = append(word, '\n')
		}
		w.text = append(w.text, word)
	}
	return w
}

func (w *words) VocabSize() int             { return len(w.text) }
func (w *words) TokenBytes(id int32) []byte { return w.text[id] }
func (w *words) Append(ids []int32, text []byte) []int32 {
	for len(text) > 0 {
		best := 0
		for id, word := range w.text[1:] {
			if bytes.HasPrefix(text, word) && (best == 0 || len(word) > len(w.text[best])) {
				best = id + 1
			}
		}
		ids, text = append(ids, int32(best)), text[len(w.text[best]):]
	}
	return ids
}

func tinyGenerator(t *testing.T) *protein.Generator {
	t.Helper()
	b, err := cpu.New(cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	c := companyConfig()
	putAll(t, b, placed(c))
	w := newWords()
	return &protein.Generator{Scoring: protein.Scoring{Tokenizer: w, Spelling: w, Config: c, Backend: b}}
}

// made collects what a run hands on.
func made(t *testing.T, g *protein.Generator, prompts []protein.Prompt, o protein.GenerateOptions) (all []protein.Candidate, at [][]protein.Position) {
	t.Helper()
	err := g.Generate(t.Context(), prompts, o, func(c []protein.Candidate, p []protein.Position) error {
		all, at = append(all, c...), append(at, slices.Clone(p))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, at
}

func mustMotif(text string) protein.Motif {
	m, err := protein.ParseMotif(text)
	if err != nil {
		panic(err)
	}
	return m
}

func manyPrompts() []protein.Prompt {
	return []protein.Prompt{
		{Name: "free", N: 7},
		{Name: "tag", N: 9, Residues: []byte("MKT"), Constraints: protein.Constraints{
			Ending: []byte("HHHHHH"), MaxLength: 70, Forbidden: []protein.Motif{mustMotif("N-{P}-[ST]"), mustMotif("CC")}}},
		{Name: "tokens", N: 5, Residues: []byte("MA"), Constraints: protein.Constraints{Ending: []byte("GSGS"), Without: []byte("P")}},
		{Name: "scaffold", N: 6, Residues: []byte("MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQ"), Constraints: protein.Constraints{
			Fixed: map[int]byte{70: 'C', 71: 'W', 90: 'H'}, MinLength: 92, MaxLength: 110}},
		{Name: "short", N: 4, Constraints: protein.Constraints{MinLength: 3, MaxLength: 5, Ending: []byte("K"), Forbidden: []protein.Motif{mustMotif("<M"), mustMotif("x(2)-K-K>")}}},
	}
}

var recipe = decode.Sampling{Temperature: 1, TopK: 200, RepetitionPenalty: 1.2, Seed: 11}

// meets checks a sequence's constraints once more, by its residues.
func meets(t *testing.T, p protein.Prompt, c protein.Candidate) {
	t.Helper()
	s := string(c.Residues)
	for at, want := range p.Fixed {
		if at >= len(s) || s[at] != want {
			t.Errorf("%s: %s has not %c at %d", c.ID, s, want, at+1)
		}
	}
	switch {
	case !strings.HasPrefix(s, string(p.Residues)), !strings.HasSuffix(s, string(p.Ending)), strings.ContainsAny(s, string(p.Without)),
		strings.ContainsAny(s, "BJOUXZ"), len(s) < p.MinLength, p.MaxLength > 0 && len(s) > p.MaxLength:
		t.Errorf("%s: %s does not meet %+v", c.ID, s, p)
	}
	for _, m := range p.Forbidden {
		if at := m.Find(c.Residues); at >= 0 {
			t.Errorf("%s: %s has %v at %d", c.ID, s, m, at+1)
		}
	}
}

// Several prompts with constraints share batches; what comes of one does not
// depend on the others, and a run that goes on from any batch is the same run.
func TestPrompts(t *testing.T) {
	g := tinyGenerator(t)
	prompts := manyPrompts()
	o := protein.GenerateOptions{MaxTokens: 90, Batch: 16, Sampling: recipe}
	all, at := made(t, g, prompts, o)
	wished := 0
	for i, p := range prompts {
		var mine []protein.Candidate
		for _, c := range all {
			if c.Prompt == i {
				mine = append(mine, c)
				meets(t, p, c)
				if p.Name == "tokens" && c.Complete {
					wished++
				}
			}
		}
		if len(mine) != p.N {
			t.Errorf("%s: %d sequences of %d", p.Name, len(mine), p.N)
		}
		alone, _ := made(t, tinyGenerator(t), prompts[i:i+1], protein.GenerateOptions{MaxTokens: 90, Batch: 3, Sampling: recipe})
		for k := range alone {
			alone[k].Prompt = i
		}
		if !reflect.DeepEqual(alone, mine) {
			t.Errorf("%s: alone\n%v, in company\n%v", p.Name, alone, mine)
		}
	}
	if wished == 0 {
		t.Error("no sequence was ended by the model before its ending was written")
	}
	for k, from := range at {
		o.From = from
		rest, _ := made(t, g, prompts, o)
		if want := all[len(all)-len(rest):]; !reflect.DeepEqual(rest, want) && len(rest)+len(want) > 0 {
			t.Errorf("from batch %d: %d sequences that differ from the last ones of the whole run", k, len(rest))
		}
		done := 0
		for _, p := range from {
			done += p.Kept
		}
		if done+len(rest) != len(all) {
			t.Errorf("from batch %d: %d and %d sequences, wanted %d in all", k, done, len(rest), len(all))
		}
	}
}

func TestGenerateWithBeams(t *testing.T) {
	g := tinyGenerator(t)
	prompts := manyPrompts()
	for i := range prompts {
		prompts[i].N = 3
	}
	o := protein.GenerateOptions{MaxTokens: 80, Batch: 12, Beams: 4, Search: decode.BeamSearch{LengthPenalty: 1, RepetitionPenalty: 1.2}}
	all, at := made(t, g, prompts, o)
	if len(all) != 3*len(prompts) || len(at) != 2 {
		t.Fatalf("%d sequences in %d batches", len(all), len(at))
	}
	for i, c := range all {
		meets(t, prompts[c.Prompt], c)
		if c.Prompt != i/3 || int(c.Stream) != i%3 {
			t.Errorf("sequence %d is rank %d of prompt %d", i, c.Stream, c.Prompt)
		}
	}
	o.From = at[0]
	rest, _ := made(t, g, prompts, o)
	if !reflect.DeepEqual(rest, all[9:]) {
		t.Error("the searches that were left give other sequences")
	}
}

func TestGenerateRefuses(t *testing.T) {
	g := tinyGenerator(t)
	for _, c := range []struct {
		p    protein.Constraints
		from string
		want string
	}{
		{protein.Constraints{Without: []byte("M")}, "MK", "residue M is one of the residues to do without"},
		{protein.Constraints{Ending: []byte("CPC"), Without: []byte("P")}, "", "position 2 of the ending, residue P is one of the residues"},
		{protein.Constraints{Forbidden: []protein.Motif{mustMotif("KT")}}, "MKT", "the prompt has the forbidden motif KT from position 2"},
		{protein.Constraints{Forbidden: []protein.Motif{mustMotif("HH")}, Ending: []byte("HHH")}, "", "the ending has the forbidden motif HH from position 1"},
		{protein.Constraints{Forbidden: []protein.Motif{mustMotif("x(5)")}, MinLength: 5}, "", "no sequence can meet all constraints"},
		{protein.Constraints{Fixed: map[int]byte{4: 'A'}, Ending: []byte("CCC"), MaxLength: 6}, "", "no sequence can meet all constraints"},
		{protein.Constraints{Fixed: map[int]byte{3: 'T'}, Forbidden: []protein.Motif{mustMotif("K-x-T")}}, "MK", "no sequence that begins with residues 1 to 2 of the prompt"},
		{protein.Constraints{MinLength: 5000}, "", "5000 residues are needed at least"},
		{protein.Constraints{MinLength: 9, MaxLength: 8}, "", "no sequence has both"},
		{protein.Constraints{MaxLength: 2}, "MKT", "the prompt has 3 residues"},
		{protein.Constraints{Ending: []byte("h")}, "", "is no residue"},
		{protein.Constraints{Fixed: map[int]byte{2: 'X'}}, "", "none of the 20 standard ones; allow it with --nonstandard"},
	} {
		err := g.Generate(t.Context(), []protein.Prompt{{Name: "p", N: 1, Residues: []byte(c.from), Constraints: c.p}}, protein.GenerateOptions{MaxTokens: 40, Sampling: recipe},
			func([]protein.Candidate, []protein.Position) error { return nil })
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "protein: p: ") {
			t.Errorf("%+v after %q: %v, wanted %q", c.p, c.from, err, c.want)
		}
	}
	var few *protein.TooFewError
	err := g.Generate(t.Context(), []protein.Prompt{{N: 4, Constraints: protein.Constraints{MinLength: 110}}}, protein.GenerateOptions{MaxTokens: 30, Sampling: recipe},
		func([]protein.Candidate, []protein.Position) error { return nil })
	if !errors.As(err, &few) || few.Drawn != 40 || few.Wants != 4 {
		t.Errorf("too few: %v", err)
	}
	stop := errors.New("stop")
	if err := g.Generate(t.Context(), []protein.Prompt{{N: 4}}, protein.GenerateOptions{MaxTokens: 10, Sampling: recipe},
		func([]protein.Candidate, []protein.Position) error { return stop }); err != stop {
		t.Errorf("an error of the caller: %v", err)
	}
}

// The heap does not grow with the number of sequences.
func TestGenerateMemory(t *testing.T) {
	g := tinyGenerator(t)
	n, heap := 0, map[int]uint64{}
	p := []protein.Prompt{{N: 2000, Constraints: protein.Constraints{MaxLength: 12, Ending: []byte("K")}}}
	err := g.Generate(t.Context(), p, protein.GenerateOptions{MaxTokens: 16, Batch: 50, Sampling: recipe}, func(c []protein.Candidate, _ []protein.Position) error {
		if n += len(c); n >= 200 && heap[200] == 0 || n == 2000 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			heap[min(n/200*200, 2000)] = m.HeapAlloc
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("heap after %v", heap)
	if grown := int64(heap[2000]) - int64(heap[200]); heap[200] == 0 || grown > 256<<10 {
		t.Errorf("the heap grew by %d bytes over 1,800 sequences: %s", grown, fmt.Sprint(heap))
	}
}
