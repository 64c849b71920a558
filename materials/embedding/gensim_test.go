package embedding

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// The fixtures say which gensim made them, in the script beside them.
func gensim(t testing.TB) *Vectors {
	t.Helper()
	v, err := Open("testdata/gensim.bin")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestGensimFiles: both forms of gensim's files hold the same vectors bit for
// bit, and what is written of them are the same bytes.
func TestGensimFiles(t *testing.T) {
	v := gensim(t)
	if len(v.Words) != 300 || v.Dim != 16 {
		t.Fatalf("%d words of %d dimensions", len(v.Words), v.Dim)
	}
	text, err := Open("testdata/gensim.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range v.Words {
		if text.Words[i] != w {
			t.Fatalf("word %d is %q in text, %q in binary", i, text.Words[i], w)
		}
	}
	for i, x := range v.Data {
		if math.Float32bits(text.Data[i]) != math.Float32bits(x) {
			t.Fatalf("number %d is %v in text, %v in binary", i, text.Data[i], x)
		}
	}
	var b bytes.Buffer
	if err := v.WriteBinary(&b); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/gensim.bin")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Error("written binary differs from gensim's")
	}
}

type answers struct {
	Near []struct {
		Positive, Negative []string
		Top, Restrict      int
		Words              []string
		Similarity         []float64
	}
	Analogies []struct {
		Restrict           int
		Insensitive, Dummy bool
		Score              float64
		Sections           [][3]any
	}
}

func gensimAnswers(t *testing.T) (a answers) {
	b, err := os.ReadFile("testdata/gensim.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestGensimNearest(t *testing.T) {
	v := gensim(t)
	for _, q := range gensimAnswers(t).Near {
		got, err := v.Nearest(q.Positive, q.Negative, q.Top, q.Restrict)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(q.Words) {
			t.Errorf("%v - %v: %d words, gensim %d", q.Positive, q.Negative, len(got), len(q.Words))
			continue
		}
		for i, n := range got {
			if n.Word != q.Words[i] || math.Abs(n.Similarity-q.Similarity[i]) > 2e-6 {
				t.Errorf("%v - %v: place %d is %s %v, gensim %s %v", q.Positive, q.Negative, i+1, n.Word, n.Similarity, q.Words[i], q.Similarity[i])
			}
		}
	}
}

// TestGensimAnalogies: the same counts as evaluate_word_analogies, section by
// section, over its options.
func TestGensimAnalogies(t *testing.T) {
	v := gensim(t)
	for _, q := range gensimAnswers(t).Analogies {
		f, err := os.Open("testdata/questions.txt")
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Analogies(t.Context(), "questions.txt", f, AnalogyOptions{Restrict: q.Restrict, CaseSensitive: !q.Insensitive, CountUnknown: q.Dummy})
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(q.Sections) {
			t.Fatalf("%d sections, gensim %d", len(got), len(q.Sections))
		}
		for i, s := range got {
			correct, incorrect := int(q.Sections[i][1].(float64)), int(q.Sections[i][2].(float64))
			if s.Correct != correct || s.Asked != correct+incorrect || i < len(got)-1 && s.Name != q.Sections[i][0] {
				t.Errorf("restrict %d, insensitive %t, dummy %t: %+v, gensim %v", q.Restrict, q.Insensitive, q.Dummy, s, q.Sections[i])
			}
		}
		if total := got[len(got)-1]; math.Abs(total.Accuracy()-q.Score) > 1e-12 || total.Correct == 0 {
			t.Errorf("accuracy %v, gensim %v", total.Accuracy(), q.Score)
		}
	}
}
