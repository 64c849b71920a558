package protein_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/decode"
	"github.com/kiban-models/kiban/core/nn"
)

// TestBeamParity compares beam search with transformers' generate(): ids and
// scores of every sequence that it returns. testdata/gpt2.py makes the cases.
func TestBeamParity(t *testing.T) {
	data, err := os.ReadFile("testdata/beams.json")
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		End   int32
		Limit int
		Cases []struct {
			Prompt        []int32
			Beams         int
			LengthPenalty float64 `json:"length_penalty"`
			EarlyStopping string  `json:"early_stopping"`
			Penalty       float64
			IDs           [][]int32
			Scores        []float64
		}
	}
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Cases) < 48 {
		t.Fatalf("%d cases", len(e.Cases))
	}
	slow := map[string]bool{"reference": true, "vulkan": true} // they run a fifth
	for name, open := range backends {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			defer b.Close()
			c := oddConfig()
			putAll(t, b, placed(c))
			worst := 0.0
			for beams := 2; beams <= 5; beams++ {
				p, err := decode.CompileBeams(b.Limits(), func(s nn.Scope) decode.Model { return protein.NewCausal(s, c) }, nn.Policy{},
					decode.Shape{Batch: beams, Len: e.Limit, Prompt: 17, Vocab: oddVocab, EOS: e.End}, beams)
				if err != nil {
					t.Fatal(err)
				}
				d, err := p.Load(b)
				if err != nil {
					t.Fatal(err)
				}
				for i, x := range e.Cases {
					if x.Beams != beams || slow[name] && i%5 != 0 {
						continue
					}
					o := decode.BeamSearch{LengthPenalty: x.LengthPenalty, EarlyStopping: decode.EarlyStopping(x.EarlyStopping), RepetitionPenalty: x.Penalty, Return: beams}
					out, err := d.Search(t.Context(), []decode.Request{{Prompt: x.Prompt}}, o)
					if err != nil {
						t.Fatal(err)
					}
					what := fmt.Sprintf("prompt of %d, %d beams, %+v", len(x.Prompt), beams, o)
					if len(out[0]) != len(x.IDs) {
						t.Errorf("%s: %d sequences, generate() gives %d", what, len(out[0]), len(x.IDs))
						continue
					}
					for i, h := range out[0] {
						if got := h.Tokens[len(x.Prompt):]; !slices.Equal(got, x.IDs[i]) {
							t.Errorf("%s: sequence %d is\n%v, generate() gives\n%v", what, i, got, x.IDs[i])
						}
						worst = max(worst, math.Abs(float64(h.Score)-x.Scores[i])/(1+math.Abs(x.Scores[i])))
					}
				}
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("largest difference of a score: %.2g", worst)
			if !(worst < 2e-5) {
				t.Errorf("scores differ by %g", worst)
			}
		})
	}
}
