package task

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/crf"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/run"
	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/normalize"
)

// aboutFile is kiban.json.
const aboutFile = "kiban.json"

// The tasks that a model may be for.
const (
	NER      = "ner"
	Relation = "relation"
	Abstract = "abstract"
)

// About is what kiban.json says of a model beside what config.json does.
type About struct {
	Format int    `json:"format"`
	Task   string `json:"task,omitempty"` // "" of an encoder
	Head   Kind   `json:"head,omitempty"`
	// Normalize says how text is brought to the vocabulary's characters:
	// "mapping", by the model's mapping file; "rules", by Kiban's; or "none".
	Normalize string `json:"normalize,omitempty"`
	// Length is the number of tokens that training saw at most.
	Length int `json:"max_tokens,omitempty"`
	// Pairs says which pairs of entities a model of relations looks at.
	Pairs any `json:"pairs,omitempty"`
	// Provenance: data, seed, versions, command.
	Provenance map[string]any `json:"provenance,omitempty"`
}

// The values of About.Normalize.
const (
	NormalizeMapping = "mapping"
	NormalizeRules   = "rules"
	NormalizeNone    = "none"
)

// heads are those that a task may have.
var heads = map[string][]Kind{NER: {Words, Chain}, Relation: {Pair}, Abstract: {Text}}

// check refuses what no model of kiban's says.
func (a About) check() error {
	if a.Task != "" && !slices.Contains(heads[a.Task], a.Head) {
		return fmt.Errorf("task is %.40q and head %.40q; known are ner with linear or crf, relation with pair, abstract with text", a.Task, string(a.Head))
	}
	if a.Length != 0 && a.Length < 3 {
		return fmt.Errorf("max_tokens is %d; a text between [CLS] and [SEP] needs 3", a.Length)
	}
	return nil
}

// Model is a model directory: an encoder, or one with a head.
type Model struct {
	Path      string
	Config    encoder.Config
	About     About
	WordPiece *token.WordPiece
	dir       *checkpoint.Dir // nil of a new model
}

// NewModel returns an encoder without weights, which are drawn: what a head is
// trained on from the beginning.
func NewModel(c encoder.Config, w *token.WordPiece) *Model {
	return &Model{Path: "new model", Config: c, WordPiece: w, About: About{Normalize: NormalizeRules, Length: c.Context}}
}

// OpenModel opens a model directory. One that other tools wrote has no
// kiban.json: its task follows from its architecture and tensors.
func OpenModel(path string) (*Model, error) {
	dir, err := checkpoint.OpenDir(path)
	if err != nil {
		return nil, err
	}
	m := &Model{Path: path, dir: dir}
	if err := m.open(); err != nil {
		dir.Close()
		return nil, err
	}
	return m, nil
}

func (m *Model) open() error {
	var err error
	if m.Config, err = encoder.ParseConfig(filepath.Join(m.Path, "config.json"), m.dir.Config()); err != nil {
		return err
	}
	if m.WordPiece, err = token.OpenWordPiece(m.Path); err != nil {
		return err
	}
	if n := m.WordPiece.VocabSize(); n > m.Config.Vocab {
		return fmt.Errorf("%s: the tokenizer has %d tokens, the model %d; they do not belong together", m.Path, n, m.Config.Vocab)
	}
	if m.WordPiece.CLS() < 0 || m.WordPiece.SEP() < 0 {
		return fmt.Errorf("%s: the tokenizer has no [CLS] or no [SEP], which stand around each text; is vocab.txt or tokenizer.json that of the model?", m.Path)
	}
	err = run.ReadJSON(filepath.Join(m.Path, aboutFile), &m.About)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := m.About.check(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(m.Path, aboutFile), err)
	}
	if m.About.Task == "" {
		architecture := append(m.Config.Architectures, "")[0]
		switch { // BERT_RC has no configuration but its encoder's
		case encoder.IsPublishedPairs(m.dir.Names()):
			m.About.Task, m.About.Head = Relation, Pair
		case architecture == encoder.TokenClassification:
			m.About.Task, m.About.Head = NER, Words
		case architecture == encoder.SequenceClassification:
			m.About.Task, m.About.Head = Abstract, Text
		}
	}
	if m.About.Head == Words && slices.Contains(m.dir.Names(), transitions) {
		m.About.Head = Chain
	}
	if m.About.Normalize == "" {
		m.About.Normalize = NormalizeRules
		if _, err := os.Lstat(filepath.Join(m.Path, normalize.MappingFile)); err == nil {
			m.About.Normalize = NormalizeMapping
		}
	}
	if m.About.Length <= 0 || m.About.Length > m.Config.Context {
		m.About.Length = m.Config.Context
	}
	return nil
}

// Close closes the weights.
func (m *Model) Close() error {
	if m.dir == nil {
		return nil
	}
	return m.dir.Close()
}

// Encoder is a tokenizer of texts as they are.
type Encoder interface {
	Encode(text string) []token.Piece
	EncodeWords(words []string) (pieces []token.Piece, of []int)
}

// Encoder returns the model's, which normalises as About.Normalize says.
func (m *Model) Encoder() (Encoder, error) {
	w := m.WordPiece
	switch m.About.Normalize {
	case NormalizeNone:
		return w, nil
	case NormalizeRules:
		return &normalize.Encoder{Normalizer: normalize.New(w), WordPiece: w}, nil
	case NormalizeMapping:
		n, err := normalize.Open(m.Path, w)
		if err == nil && !n.Published() {
			err = fmt.Errorf("%s: %s is not there, by whose rules the model reads; put it back", m.Path, normalize.MappingFile)
		}
		return &normalize.Encoder{Normalizer: n, WordPiece: w}, err
	}
	return nil, fmt.Errorf("%s: normalize is %q; known are mapping, rules and none", filepath.Join(m.Path, aboutFile), m.About.Normalize)
}

// Head returns the head of a model for a task. A model for another, or for
// none, is an error that says how to make one.
func (m *Model) Head(task string) (Head, error) {
	h := Head{Kind: m.About.Head, Labels: m.Config.Labels()}
	if m.About.Task == task && len(h.Labels) == 0 {
		return h, fmt.Errorf("%s: has no id2label, the names of the classes; add it, such as {\"0\": \"NAME\"}", filepath.Join(m.Path, "config.json"))
	}
	if m.About.Task != task {
		is := "an encoder without a task"
		if m.About.Task != "" {
			is = "for " + m.About.Task
		}
		return h, fmt.Errorf("%s: the model is %s; make one by kiban materials finetune %s -m %s", m.Path, is, task, m.Path)
	}
	return h, nil
}

// Load puts the weights of the model with its head on a backend. A head that
// the directory lacks is an error.
func (m *Model) Load(b backend.Backend, h Head, p nn.Policy) error {
	declared := m.Config.Declared(p, h.Declare)
	view, missing, err := encoder.Weights(m.dir, declared, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s: has no %q; the model is not trained for this", m.Path, missing)
	}
	if err := Load(b, declared, view); err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	return nil
}

// Chain returns the weights of a chain, nil for another head.
func (m *Model) Chain() (*crf.Weights, error) {
	if m.About.Head != Chain {
		return nil, nil
	}
	w, err := ChainWeights(m.dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Path, err)
	}
	return &w, nil
}

// Source returns the weights to train a head from; those of the head that are
// not there, which fresh names, are drawn with the seed.
func (m *Model) Source(declared []nn.Declared, seed uint64) (src checkpoint.Lister, drawn []string, err error) {
	initial := nn.Fresh{Seed: seed, Params: declared}
	if m.dir == nil {
		return Fresh{initial}, nil, nil
	}
	return encoder.Weights(m.dir, declared, initial)
}

// Hash is a digest of the weights.
func (m *Model) Hash() (string, error) {
	if m.dir == nil {
		return "", nil
	}
	return checkpoint.Hash(m.dir)
}

// WriteFiles writes a tokenizer, the mapping file of the directory from, if it
// is followed, and kiban.json.
func WriteFiles(dir string, w *token.WordPiece, from string, a About) error {
	if err := w.Save(dir); err != nil {
		return err
	}
	if a.Normalize == NormalizeMapping {
		text, err := os.ReadFile(filepath.Join(from, normalize.MappingFile))
		if err != nil {
			return err
		}
		err = checkpoint.WriteFile(filepath.Join(dir, normalize.MappingFile), func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		})
		if err != nil {
			return err
		}
	}
	a.Format = 1
	return run.WriteJSON(filepath.Join(dir, aboutFile), a)
}
