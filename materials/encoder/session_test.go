package encoder_test

import (
	"context"
	"errors"
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

// TestPadding demands that what a text is padded to, and with, does not change a
// bit of its vectors.
func TestPadding(t *testing.T) {
	b := openCPU(t)
	defer b.Close()
	text := someTexts(40)[3][:13]
	want := vectors(t, oddSession(t, b, encoder.CLS, encoder.Mean), [][]int32{text})[0]
	// Longer texts in the same batch decide on its length.
	for _, n := range []int{17, 29, 96} {
		got := vectors(t, oddSession(t, b, encoder.CLS, encoder.Mean), [][]int32{make([]int32, n), text})[1]
		for j := range got {
			if !slices.Equal(got[j], want[j]) {
				t.Errorf("beside %d tokens vector %d differs", n, j)
			}
		}
	}
	c := oddConfig()
	c.Pad = 200
	other := encoder.NewSession(b, c, nn.Policy{}, encoder.CLS, encoder.Mean)
	defer other.Close()
	if got := vectors(t, other, [][]int32{text})[0]; !slices.Equal(got[0], want[0]) || !slices.Equal(got[1], want[1]) {
		t.Error("the padding's token is seen")
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
	most := int64(0)
	var weights int64
	for _, g := range encoder.Groups([]int{96, 64, 32, 3}, 96) {
		p, err := s.Compile(b.Limits(), g.Rows, g.Length)
		if err != nil {
			t.Fatal(err)
		}
		most, weights = max(most, p.ScratchBytes), p.Memory().Params
	}
	p, err := s.Compile(b.Limits(), 64, 32)
	if err != nil {
		t.Fatal(err)
	}
	most = max(most, p.ScratchBytes)
	if m.Scratch != 4*most || m.Params != weights {
		t.Errorf("%+v; four programs need %d, the weights %d", m, 4*most, weights)
	}
}
