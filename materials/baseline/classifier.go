package baseline

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
)

// Classifier is logistic regression on TF-IDF, as scikit-learn's TfidfVectorizer
// and LogisticRegression are with their defaults.
type Classifier struct {
	Labels []string
	words  map[string]int
	idf    []float64
	// weights has a row of len(idf)+1 a class, the last being the intercept; one
	// row, for the second class, of two classes.
	weights []float64
}

// Words cuts a text into its features: runs of two or more letters and digits,
// in lower case.
func Words(text string) []string {
	all := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r)
	})
	return slices.DeleteFunc(all, func(w string) bool {
		for i := range w {
			if i > 0 {
				return false
			}
		}
		return true
	})
}

// Learn fits a classifier to examples, each given by its features, such as
// [Words] of its text, and its label. C is how little weights are held back,
// 1 by default (0).
func Learn(features [][]string, labels []string, c float64) (*Classifier, error) {
	if len(features) != len(labels) {
		return nil, fmt.Errorf("baseline: %d examples, %d labels", len(features), len(labels))
	}
	if c == 0 {
		c = 1
	}
	m := &Classifier{words: map[string]int{}}
	m.Labels = slices.Clone(labels)
	slices.Sort(m.Labels)
	m.Labels = slices.Compact(m.Labels)
	if len(m.Labels) < 2 {
		return nil, fmt.Errorf("baseline: the examples are of %d classes %q; two are needed", len(m.Labels), m.Labels)
	}
	var found []int // in how many examples a word is
	for _, f := range features {
		once := map[string]bool{}
		for _, w := range f {
			if once[w] {
				continue
			}
			once[w] = true
			k, ok := m.words[w]
			if !ok {
				k = len(found)
				m.words[w] = k
				found = append(found, 0)
			}
			found[k]++
		}
	}
	m.idf = make([]float64, len(found))
	for i, n := range found {
		m.idf[i] = math.Log(float64(1+len(features))/float64(1+n)) + 1
	}
	f := fit{classifier: m, c: c}
	for i, x := range features {
		f.rows = append(f.rows, m.vector(x))
		f.gold = append(f.gold, slices.Index(m.Labels, labels[i]))
	}
	m.weights = make([]float64, m.heads()*(len(m.idf)+1))
	// A hundredth of what scikit-learn is content with.
	minimize(m.weights, 1e-6*c*float64(len(features)), f.loss)
	return m, nil
}

// heads is the number of linear functions: one is enough for two classes.
func (m *Classifier) heads() int {
	if len(m.Labels) == 2 {
		return 1
	}
	return len(m.Labels)
}

// sparse is a vector with few entries, in order.
type sparse []entry

type entry struct {
	at    int
	value float64
}

func (m *Classifier) vector(features []string) sparse {
	counts := map[int]float64{}
	for _, w := range features {
		if k, ok := m.words[w]; ok {
			counts[k]++
		}
	}
	v := make(sparse, 0, len(counts))
	for k, n := range counts {
		v = append(v, entry{k, n * m.idf[k]})
	}
	slices.SortFunc(v, func(a, b entry) int { return a.at - b.at })
	sum := 0.0
	for _, e := range v {
		sum += e.value * e.value
	}
	for i := range v {
		v[i].value /= math.Sqrt(sum)
	}
	return v
}

// Probabilities returns those of the labels.
func (m *Classifier) Probabilities(features []string) []float64 {
	p := make([]float64, len(m.Labels))
	m.probabilities(m.weights, m.vector(features), p)
	return p
}

// probabilities sets p by the given weights.
func (m *Classifier) probabilities(weights []float64, v sparse, p []float64) {
	width := len(m.idf) + 1
	first := len(p) - m.heads() // of two classes, the first has score 0
	clear(p)
	for k := first; k < len(p); k++ {
		w := weights[(k-first)*width:][:width]
		p[k] = w[width-1]
		for _, e := range v {
			p[k] += w[e.at] * e.value
		}
	}
	top, sum := slices.Max(p), 0.0
	for k := range p {
		p[k] = math.Exp(p[k] - top)
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
}

// Label returns the likeliest label and its probability.
func (m *Classifier) Label(features []string) (string, float64) {
	p := m.Probabilities(features)
	best := 0
	for k := range p {
		if p[k] > p[best] {
			best = k
		}
	}
	return m.Labels[best], p[best]
}

// fit is what is minimised: half the squares of the weights, without the
// intercepts, and C times the nats of the examples.
type fit struct {
	classifier *Classifier
	c          float64
	rows       []sparse
	gold       []int
}

func (f *fit) loss(weights, gradient []float64) float64 {
	m := f.classifier
	width := len(m.idf) + 1
	loss := 0.0
	for i, w := range weights {
		gradient[i] = 0
		if i%width != width-1 {
			gradient[i] = w
			loss += w * w / 2
		}
	}
	p := make([]float64, len(m.Labels))
	first := len(p) - m.heads()
	for i, v := range f.rows {
		m.probabilities(weights, v, p)
		loss -= f.c * math.Log(max(p[f.gold[i]], 1e-300))
		for k := first; k < len(p); k++ {
			d := f.c * p[k]
			if k == f.gold[i] {
				d -= f.c
			}
			g := gradient[(k-first)*width:][:width]
			g[width-1] += d
			for _, e := range v {
				g[e.at] += d * e.value
			}
		}
	}
	return loss
}
