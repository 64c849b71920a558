package metric

import (
	"fmt"
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-12*math.Abs(want) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestLikelihood(t *testing.T) {
	var l Likelihood
	if !math.IsNaN(l.Perplexity()) {
		t.Error("perplexity of nothing is a number")
	}
	l.Add(math.Log(8), 2)
	l.Add(math.Log(2), 2)
	near(t, "cross entropy", l.CrossEntropy(), math.Ln2)
	near(t, "perplexity", l.Perplexity(), 2)
	near(t, "bits", l.Bits(), 1)
}

func markov(t *testing.T, order int, train ...string) *Markov {
	t.Helper()
	m, err := NewMarkov(order)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range train {
		if err := m.Train([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestUnigramByHand(t *testing.T) {
	// Counts: A 2, C 1, end 1; 4 in all, so 31 with one added to each of 27.
	l, err := markov(t, 0, "AAC").Score([]byte("AC"))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "nats", l.Nats, -math.Log(3.0/31*2/31*2/31))
	if l.Places != 3 {
		t.Errorf("%d places, want 3", l.Places)
	}
	l, _ = markov(t, 0).Score([]byte("MKV"))
	near(t, "untrained perplexity", l.Perplexity(), 27)
}

func TestMarkovByHand(t *testing.T) {
	m := markov(t, 1, "AAC")
	// start: A once. A: A once, C once. C: end once.
	pA := (1 + 1*3.0/31) / (1 + 1)
	pAC := (1 + 2*2.0/31) / (2 + 2)
	pEnd := (1 + 1*2.0/31) / (1 + 1)
	l, err := m.Score([]byte("AC"))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "nats", l.Nats, -math.Log(pA*pAC*pEnd))
	// G was never seen: order 0 speaks for what follows it.
	l, _ = m.Score([]byte("G"))
	near(t, "unseen", l.Nats, -math.Log((0+1*1.0/31)/2*2.0/31))
}

func TestProbabilitiesSumToOne(t *testing.T) {
	m := markov(t, 3, "MKVLAAGIVGLCAKAYLERGR", "MKKLLA", "AAAA")
	for _, context := range []string{"", "M", "MK", "AAA", "GGG", "LLA"} {
		// The probability of every symbol after the context.
		ctx := uint64(0)
		for range maxOrder {
			ctx = ctx<<5 | startSymbol
		}
		for _, c := range []byte(context) {
			ctx = ctx<<5 | uint64(c-'A')
		}
		sum := 0.0
		for s := range symbols {
			sum += m.probability(ctx, s)
		}
		near(t, "sum after "+context, sum, 1)
	}
}

func TestMarkovRefuses(t *testing.T) {
	if _, err := NewMarkov(9); err == nil {
		t.Error("order 9 was accepted")
	}
	m := markov(t, 1)
	if err := m.Train([]byte("MK*")); err == nil {
		t.Error("'*' was trained on")
	}
	if _, err := m.Score([]byte("mk")); err == nil {
		t.Error("lower case was scored")
	}
	if len(m.levels[0]) != 0 {
		t.Error("a refused sequence was counted")
	}
}

func ExampleMarkov() {
	m, err := NewMarkov(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 100 {
		if err := m.Train([]byte("MKMKMKMK")); err != nil {
			fmt.Println(err)
			return
		}
	}
	l, err := m.Score([]byte("MKMKMKMK"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("perplexity %.2f over %d places\n", l.Perplexity(), l.Places)
	// Output: perplexity 1.29 over 9 places
}
