package vector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/task"
)

// Options are the choices of an Embedder.
type Options struct {
	Pools []encoder.Pool // at least one
	// Normalize makes vectors of length 1, so that a dot product is the cosine.
	Normalize bool
	// MaxTokens is the number of tokens, with [CLS] and [SEP], that the model is
	// given at once; 0 is what it was trained for.
	MaxTokens int
	// Truncate leaves out what is longer, as sentence-transformers does.
	// Without it a long text is cut into windows, and its vector is the mean of
	// theirs, each weighing as its tokens.
	Truncate bool
}

// Embedder makes vectors of texts.
type Embedder struct {
	opt      Options
	encoder  task.Encoder
	pieces   *token.WordPiece
	session  *encoder.Session
	cls, sep int32
	long     int
}

// New returns an Embedder over a backend that has the model's weights.
func New(b backend.Backend, m *task.Model, p nn.Policy, o Options) (*Embedder, error) {
	e, err := m.Encoder()
	if err != nil {
		return nil, err
	}
	w := m.WordPiece
	if w.CLS() < 0 || w.SEP() < 0 {
		return nil, fmt.Errorf("%s: the vocabulary has no [CLS] or no [SEP]; this is no tokenizer of a BERT model", m.Path)
	}
	most, err := limit(m)
	if err != nil {
		return nil, err
	}
	switch {
	case o.MaxTokens == 0:
		o.MaxTokens = most
	case o.MaxTokens < 3 || o.MaxTokens > m.Config.Context:
		return nil, fmt.Errorf("%s: texts of %d tokens asked for; the model takes 3 to %d", m.Path, o.MaxTokens, m.Config.Context)
	}
	if len(o.Pools) == 0 {
		return nil, errors.New("vector: no way of pooling chosen")
	}
	return &Embedder{o, e, w, encoder.NewSession(b, m.Config, p, o.Pools...), w.CLS(), w.SEP(), 0}, nil
}

// limitFile says how long a text sentence-transformers gives a model.
const limitFile = "sentence_bert_config.json"

func limit(m *task.Model) (int, error) {
	path := filepath.Join(m.Path, limitFile)
	data, err := checkpoint.ReadFile(m.Path, limitFile, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return m.About.Length, nil
	}
	var c struct {
		Most *int `json:"max_seq_length"`
	}
	if err == nil {
		err = checkpoint.DecodeConfig(data, &c)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	if c.Most == nil {
		return m.About.Length, nil
	}
	if *c.Most < 3 || *c.Most > m.Config.Context {
		return 0, fmt.Errorf("%s: max_seq_length is %d; the model takes 3 to %d", path, *c.Most, m.Config.Context)
	}
	return *c.Most, nil
}

// MaxTokens returns how many tokens the model is given at once.
func (e *Embedder) MaxTokens() int { return e.opt.MaxTokens }

// Long returns the number of texts so far that were longer than that.
func (e *Embedder) Long() int { return e.long }

// Memory returns what embedding needs on a backend of these limits.
func (e *Embedder) Memory(lim plan.Limits) (plan.Memory, error) {
	return e.session.Memory(lim, e.opt.MaxTokens)
}

// windows cuts a text into rows of tokens.
func (e *Embedder) windows(text string) [][]int32 {
	pieces := e.encoder.Encode(text)
	room := e.opt.MaxTokens - 2
	if len(pieces) > room {
		e.long++
		if e.opt.Truncate {
			pieces = pieces[:room]
		}
	}
	var all [][]int32
	for {
		n := min(len(pieces), room)
		if n < len(pieces) { // not inside a word, if that can be
			for k := n; k > n-room/4; k-- {
				if e.pieces.WordStart(pieces[k].ID) {
					n = k
					break
				}
			}
		}
		row := make([]int32, 0, n+2)
		row = append(row, e.cls)
		for _, p := range pieces[:n] {
			row = append(row, p.ID)
		}
		all = append(all, append(row, e.sep))
		if pieces = pieces[n:]; len(pieces) == 0 {
			return all
		}
	}
}

// Embed returns the vectors of texts, of each one for each way of pooling. Those
// of a text do not depend on the others. An empty text has that of [CLS] and
// [SEP] alone.
func (e *Embedder) Embed(ctx context.Context, texts []string) ([][][]float32, error) {
	var rows [][]int32
	var of []int
	tokens := make([]int, len(texts))
	for i, text := range texts {
		for _, row := range e.windows(text) {
			rows, of = append(rows, row), append(of, i)
			tokens[i] += len(row)
		}
	}
	found := make([][][]float32, len(rows))
	err := e.session.Run(ctx, rows, func(row int, vectors [][]float32) error {
		found[row] = vectors
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([][][]float32, len(texts))
	for first := 0; first < len(rows); {
		past := first + 1
		for past < len(rows) && of[past] == of[first] {
			past++
		}
		text := of[first]
		out[text] = make([][]float32, len(e.opt.Pools))
		for p := range out[text] {
			v := found[first][p]
			if past > first+1 {
				v = weighted(found[first:past], rows[first:past], p, tokens[text])
			}
			if !finite(v) {
				return nil, fmt.Errorf("vector: the model makes numbers that are not finite of text %.60q; compute in f32, or look whether its weights are whole", texts[text])
			}
			if e.opt.Normalize {
				unit(v)
			}
			out[text][p] = v
		}
		first = past
	}
	return out, nil
}

// weighted is the mean of windows' vectors, weighed by their tokens.
func weighted(vectors [][][]float32, rows [][]int32, pool, tokens int) []float32 {
	sums := make([]float64, len(vectors[0][pool]))
	for i, v := range vectors {
		share := float64(len(rows[i])) / float64(tokens)
		for j, x := range v[pool] {
			sums[j] += share * float64(x)
		}
	}
	mean := make([]float32, len(sums))
	for j, x := range sums {
		mean[j] = float32(x)
	}
	return mean
}

func finite(v []float32) bool {
	return !slices.ContainsFunc(v, func(x float32) bool { return math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) })
}

// unit gives a vector the length 1; one of zeros stays.
func unit(v []float32) {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return
	}
	scale := 1 / math.Sqrt(sum)
	for i, x := range v {
		v[i] = float32(float64(x) * scale)
	}
}

// Close frees the programs.
func (e *Embedder) Close() error { return e.session.Close() }
