package embedding

import (
	"errors"
	"fmt"
	"math"
)

// Vectors are words with their vectors, most frequent word first where it was
// trained here. It is not changed after it is made and may be used by several
// goroutines at once.
type Vectors struct {
	Words  []string
	Dim    int
	Data   []float32 // [len(Words), Dim]
	Counts []int64   // how often each word was seen; nil if that is unknown

	// Duplicates counts the rows of a file that were left out because the word
	// had one already.
	Duplicates int

	index   map[string]int32
	inverse []float64 // 1 / length of a vector, 0 for the zero vector
}

// New puts vectors together; the slices are kept. Words must be unique and
// numbers finite.
func New(words []string, dim int, data []float32) (*Vectors, error) {
	v := &Vectors{Words: words, Dim: dim, Data: data}
	if dim < 1 || len(data) != dim*len(words) {
		return nil, fmt.Errorf("embedding: %d numbers for %d words of %d dimensions; give one row a word", len(data), len(words), dim)
	}
	v.index = make(map[string]int32, len(words))
	for i, w := range words {
		if _, ok := v.index[w]; ok {
			return nil, fmt.Errorf("embedding: the word %q stands twice; name it once", w)
		}
		v.index[w] = int32(i)
	}
	v.inverse = make([]float64, len(words))
	for i := range words {
		sum := 0.0
		for _, x := range v.Row(i) {
			sum += float64(x) * float64(x)
		}
		if math.IsNaN(sum) || math.IsInf(sum, 0) {
			return nil, fmt.Errorf("embedding: the vector of %q holds a number that is not finite", words[i])
		}
		if sum > 0 {
			v.inverse[i] = 1 / math.Sqrt(sum)
		}
	}
	return v, nil
}

// Row is the vector of the i-th word, [Dim].
func (v *Vectors) Row(i int) []float32 { return v.Data[i*v.Dim : (i+1)*v.Dim] }

// Index is the place of a word.
func (v *Vectors) Index(word string) (int, bool) {
	i, ok := v.index[word]
	return int(i), ok
}

// Similarity is the cosine of the angle between two words' vectors.
func (v *Vectors) Similarity(a, b string) (float64, error) {
	i, okA := v.index[a]
	j, okB := v.index[b]
	if !okA || !okB {
		return 0, fmt.Errorf("embedding: no vector of %q; ask about words of the vocabulary", map[bool]string{true: b, false: a}[okA])
	}
	sum := 0.0
	y := v.Row(int(j))
	for k, x := range v.Row(int(i)) {
		sum += float64(x) * float64(y[k])
	}
	return sum * v.inverse[i] * v.inverse[j], nil
}

// errNoWords is returned where a question names no word.
var errNoWords = errors.New("embedding: no words given; name at least one")
