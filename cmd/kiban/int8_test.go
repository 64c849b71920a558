package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// Weights in 8 bits give nearly the likelihoods of the model, and take a quarter
// of the memory.
func TestWeightsInt8(t *testing.T) {
	t.Parallel()
	model, fasta := tinyModel(t), filepath.Join(t.TempDir(), "some.fasta")
	if err := os.WriteFile(fasta, []byte(">a\nMKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKRQTLGQHDFSAGEGLYTHMKALRPDEDRLSPLHSVYVDQWDWERVMGDGERQFSTLKSTVEAIWAGIKATEAAVSEEFGLAPFLPDQIHFVHSQELLSRYPDLDAKGRERAIAKDLGAVFLVGIGGKLSDGHRHDVRAPDYDDWSTPSELGHAGLNGDILVWNPVLEDAFELSSMGIRVDADTLKHQLALTGDEDRLELEWHQALLRGEMPQTIGGGIGQSRLTMLLLQLPHIGQVQAGVWPAAVRESVPSLL\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	score := func(more ...string) float64 {
		var rows []struct {
			Perplexity float64 `json:"perplexity"`
		}
		out := must(t, append([]string{"protein", "score", "-m", model, "--device", "cpu", "--json", "-q", fasta}, more...)...)
		if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 1 {
			t.Fatal(err, out)
		}
		return rows[0].Perplexity
	}
	full := score()
	for _, more := range [][]string{{"--weights", "int8"}, {"--weights", "int8", "--precision", "bf16"}} {
		if got := score(more...); got == full || !(math.Abs(math.Log(got/full)) < 0.01) {
			t.Errorf("%v: perplexity %g, and %g of the model as it is", more, got, full)
		}
	}
	memory := func(more ...string) (bytes int64, precision string) {
		var rows []struct {
			Weights   int64  `json:"weights_bytes"`
			Precision string `json:"precision"`
		}
		out := must(t, append([]string{"protein", "generate", "-m", model, "--device", "cpu", "--json", "-q", "--dry-run", "--max-tokens", "30"}, more...)...)
		if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 1 {
			t.Fatal(err, out)
		}
		return rows[0].Weights, rows[0].Precision
	}
	f32, _ := memory()
	bytes, precision := memory("--weights", "int8")
	if share := float64(bytes) / float64(f32); !(share < 0.4) || precision != "f32, weights int8" {
		t.Errorf("%d bytes of weights, %.2f of f32's; precision %q", bytes, share, precision)
	}
	if _, stderr, code := kiban(t.Context(), "", "protein", "score", "-m", model, "--weights", "int4", fasta); code != exitMisuse {
		t.Errorf("int4: code %d, %s", code, stderr)
	}
}
