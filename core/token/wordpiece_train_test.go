package token

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/token/tokentest"
)

func ExampleWordPieceTrainer() {
	t, err := NewWordPieceTrainer(WordPieceOptions{VocabSize: 60, Rules: Rules{Lowercase: true}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 5 {
		t.Add("Films of oxide, oxide films")
	}
	w, err := t.Train()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range w.Encode("oxides") {
		fmt.Println(w.Token(p.ID))
	}
	// Output:
	// oxide
	// ##s
}

// Vocabularies equal those of the tokenizers library, and without its lucky
// numbers agree with it as well as it agrees with itself from run to run.
func TestWordPieceTraining(t *testing.T) {
	var ref struct {
		Lines []string
		Cases []struct {
			Name    string
			Lower   bool
			Agree   float64
			Options struct {
				Vocab     int      `json:"vocab_size"`
				Special   []string `json:"special_tokens"`
				Frequency int64    `json:"min_frequency"`
				Limit     int      `json:"limit_alphabet"`
				Alphabet  []string `json:"initial_alphabet"`
			}
			Vocab, Plain []string
		}
	}
	readJSON(t, "testdata/wordpiece/training.json.gz", &ref)
	if len(ref.Cases) < 6 || len(ref.Lines) < 300 {
		t.Fatal("a poor fixture")
	}
	for _, c := range ref.Cases {
		t.Run(c.Name, func(t *testing.T) {
			o := WordPieceOptions{VocabSize: c.Options.Vocab, Rules: Rules{Lowercase: c.Lower}, Special: c.Options.Special,
				MinFrequency: c.Options.Frequency, LimitAlphabet: c.Options.Limit}
			for _, s := range c.Options.Alphabet {
				o.Alphabet = append(o.Alphabet, []rune(s)...)
			}
			train := func() *WordPiece {
				tr, err := NewWordPieceTrainer(o)
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range ref.Lines {
					tr.Add(l)
				}
				w, err := tr.Train()
				if err != nil {
					t.Fatal(err)
				}
				return w
			}
			w := train()
			if !slices.Equal(w.tokens, c.Vocab) {
				i := firstDifference(w.tokens, c.Vocab)
				t.Errorf("vocabulary of %d differs from that of %d at %d: %q", len(w.tokens), len(c.Vocab), i, w.tokens[max(0, i-2):min(len(w.tokens), i+3)])
			}
			o.Special = nil
			w = train()
			same := 0
			for _, s := range c.Plain {
				if _, ok := w.ids[s]; ok {
					same++
				}
			}
			share := float64(same) / float64(len(c.Plain))
			t.Logf("%d tokens; %.2f%% of the library's, which agrees with itself in %.2f%%", w.VocabSize(), 100*share, 100*c.Agree)
			if share < c.Agree-0.02 {
				t.Errorf("only %.2f%% of the library's tokens", 100*share)
			}
		})
	}
}

func TestWordPieceTrainingBounds(t *testing.T) {
	o := WordPieceOptions{VocabSize: 400, Rules: Rules{Lowercase: true}, MaxWords: 200, LimitAlphabet: 100}
	train := func() *WordPiece {
		tr, err := NewWordPieceTrainer(o)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range tokentest.RandomTexts()[:2000] {
			tr.Add(s + " electrolyte")
			if len(tr.words.counts) > 200 {
				t.Fatalf("%d words after text %d", len(tr.words.counts), i)
			}
		}
		if tr.Forgotten() < 1 {
			t.Error("nothing was forgotten")
		}
		w, err := tr.Train()
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	w := train()
	if _, ok := w.ID("electrolyte"); !ok {
		t.Error("the most frequent word is no token")
	}
	if !slices.Equal(w.tokens, train().tokens) {
		t.Error("the same texts made another vocabulary")
	}
	for want, o := range map[string]WordPieceOptions{
		"vocabulary size 5":  {VocabSize: 5},
		"[UNK] is not among": {VocabSize: 50, Special: []string{"a"}},
		"comes twice":        {VocabSize: 50, Special: []string{"[UNK]", "a", "a"}},
		"negative":           {VocabSize: 50, MaxWords: -1},
	} {
		if _, err := NewWordPieceTrainer(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one about %q", err, want)
		}
	}
}
