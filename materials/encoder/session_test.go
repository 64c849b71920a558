package encoder_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/materials/encoder"
)

// someTexts are n texts of 1 to 96 tokens.
func someTexts(n int) [][]int32 {
	texts := make([][]int32, n)
	for i := range texts {
		length := 1 + graph.Philox(uint32(i), 1, 0, 9, 0)%96
		for j := range length {
			texts[i] = append(texts[i], int32(graph.Philox(j, uint32(i), 2, 9, 0)%oddVocab))
		}
	}
	return texts
}

func oddSession(t *testing.T, b backend.Backend, pools ...encoder.Pool) *encoder.Session {
	c := oddConfig()
	for name, x := range placed(c.Declared(nn.Policy{}, func(*encoder.Model) {})) {
		if err := b.Put(name, x); err != nil {
			t.Fatal(err)
		}
	}
	s := encoder.NewSession(b, c, nn.Policy{}, pools...)
	t.Cleanup(func() { s.Close() })
	return s
}

func vectors(t *testing.T, s *encoder.Session, texts [][]int32) [][][]float32 {
	all := make([][][]float32, len(texts))
	err := s.Run(context.Background(), texts, func(i int, v [][]float32) error {
		if all[i] != nil {
			t.Errorf("text %d comes twice", i)
		}
		all[i] = v
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCompany demands that a text's vectors are the same in every bit alone and
// among others, wherever it stands.
func TestCompany(t *testing.T) {
	for name, open := range backends {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			defer b.Close()
			s := oddSession(t, b, encoder.CLS, encoder.Mean)
			n := 60
			texts := someTexts(n)
			if name == "vulkan" || name == "reference" { // slow here
				n = 8
				texts = texts[:n]
				for i := range texts {
					texts[i] = texts[i][:min(len(texts[i]), 4+2*i)]
				}
			}
			together := vectors(t, s, texts)
			turned := slices.Clone(texts)
			slices.Reverse(turned)
			reversed := vectors(t, s, turned)
			for i := range texts {
				if i%4 > 0 {
					continue
				}
				alone := vectors(t, s, texts[i:i+1])[0]
				for j := range alone {
					if !slices.Equal(alone[j], together[i][j]) || !slices.Equal(alone[j], reversed[n-1-i][j]) {
						t.Errorf("vector %d of text %d depends on its company", j, i)
					}
				}
			}
		})
	}
}

// TestPadding demands that what a text is padded to changes its vectors only by
// rounding, and that what stands in the padding does not change a bit.
func TestPadding(t *testing.T) {
	b := openCPU(t)
	defer b.Close()
	s := oddSession(t, b, encoder.CLS, encoder.Mean)
	text := someTexts(40)[3][:13]
	want := vectors(t, s, [][]int32{text})[0]
	defer func(l []int) { encoder.Lengths = l }(encoder.Lengths)
	for _, length := range []int{13, 29, 96} {
		encoder.Lengths = []int{length}
		other := oddSession(t, b, encoder.CLS, encoder.Mean)
		got := vectors(t, other, [][]int32{text})[0]
		for j := range got {
			for i := range got[j] {
				if d := math.Abs(float64(got[j][i] - want[j][i])); d > 2e-6 {
					t.Fatalf("padded to %d, number %d of vector %d differs by %g", length, i, j, d)
				}
			}
		}
	}
	// The same through the padding's own tokens.
	encoder.Lengths = []int{48}
	for _, pad := range []int32{0, 200} {
		c := oddConfig()
		c.Pad = pad
		other := encoder.NewSession(b, c, nn.Policy{}, encoder.Mean)
		defer other.Close()
		got := vectors(t, other, [][]int32{text})[0][0]
		if pad == 0 {
			want = [][]float32{got}
		} else if !slices.Equal(got, want[0]) {
			t.Error("the padding's token is seen")
		}
	}
}

// TestPools compares the first token's vector, gathered on the device, with
// that of the whole batch, and the mean with its definition.
func TestPools(t *testing.T) {
	b := openCPU(t)
	defer b.Close()
	texts := someTexts(20)
	both := vectors(t, oddSession(t, b, encoder.CLS, encoder.Mean), texts)
	first := vectors(t, oddSession(t, b, encoder.CLS), texts)
	for i := range texts {
		if !slices.Equal(both[i][0], first[i][0]) {
			t.Errorf("text %d: the first token's vector differs", i)
		}
		if one := len(texts[i]) == 1; one && !slices.Equal(both[i][0], both[i][1]) {
			t.Errorf("text %d: the mean of one token is another", i)
		}
	}
}

func TestSessionErrors(t *testing.T) {
	b := openCPU(t)
	defer b.Close()
	s := oddSession(t, b, encoder.Mean)
	never := func(int, [][]float32) error { t.Error("called"); return nil }
	for _, n := range []int{0, 97} {
		if err := s.Run(context.Background(), [][]int32{make([]int32, n)}, never); err == nil {
			t.Errorf("%d tokens: no error", n)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx, someTexts(3), never); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	stop := errors.New("stop")
	if err := s.Run(context.Background(), someTexts(3), func(int, [][]float32) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the callee's error: %v", err)
	}
}

// TestMemory compares what is said beforehand with the programs themselves.
func TestMemory(t *testing.T) {
	b := openCPU(t)
	defer b.Close()
	s := oddSession(t, b, encoder.Mean)
	m, err := s.Memory(b.Limits(), 512)
	if err != nil {
		t.Fatal(err)
	}
	var scratch, weights int64
	for _, length := range []int{16, 24, 32, 48, 64, 96} {
		p, err := s.Compile(b.Limits(), length)
		if err != nil {
			t.Fatal(err)
		}
		scratch += p.ScratchBytes
		weights = p.Memory().Params
	}
	if m.Scratch != scratch || m.Params != weights {
		t.Errorf("%+v; the programs need %d and %d", m, scratch, weights)
	}
}
