package task

import (
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/crf"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/encoder"
)

// Kind says what is labelled, and how.
type Kind string

// The kinds.
const (
	Words Kind = "linear" // each word by itself
	Chain Kind = "crf"    // the words of a row together (Lafferty et al. 2001)
	Text  Kind = "text"   // a row, by its first token
	Pair  Kind = "pair"   // two places of a row, head and tail
)

// Head is what stands on an encoder.
type Head struct {
	Kind   Kind
	Labels []string
}

// Architecture is transformers' class that has the parameters of the head, of
// its own name where it has none.
func (h Head) Architecture() string {
	switch h.Kind {
	case Words, Chain: // a chain's own parameters come on top
		return encoder.TokenClassification
	case Text:
		return encoder.SequenceClassification
	}
	return "BertForPairClassification"
}

// Declare declares the parameters.
func (h Head) Declare(m *encoder.Model) { h.parts(m) }

// parts are the layers of the head.
type parts struct {
	classifier encoder.Classifier
	pooler     func(*graph.Node) *graph.Node
	pairs      encoder.PairClassifier
	chain      crf.Layer
}

func (h Head) parts(m *encoder.Model) (p parts) {
	n := len(h.Labels)
	switch h.Kind {
	case Words:
		p.classifier = m.Classifier(n)
	case Chain:
		p.classifier = m.Classifier(n)
		p.chain = crf.NewLayer(m.Scope().At("crf"), n)
	case Text:
		p.pooler, p.classifier = m.Pooler(), m.Classifier(n)
	case Pair:
		p.pairs = m.Pairs(n)
	}
	return p
}

// IsHead reports whether a parameter belongs to a head, not to the encoder.
func IsHead(name string) bool { return encoder.IsHead(name) }

// words is the number of places that a padded row has room for. A first piece
// is a token, and two tokens are [CLS] and [SEP].
func words(length int) int { return length - 2 }

// Loss returns the training loss over batches of the given size: the sum of
// the losses of the rows, or the words of a linear head, times their weights.
// The programs' inputs are those of encoder.Declare and of write.
func (h Head) Loss(c encoder.Config, batch, length int) train.Loss {
	return func(s nn.Scope) *graph.Node {
		g := s.Graph
		m := encoder.New(s, c)
		in := encoder.Declare(g, batch, length, c.Drops())
		p := h.parts(m)
		hidden := m.Hidden(in)
		ints := func(name string, n int) *graph.Node { return g.Input(name, tensor.I32, n) }
		var losses *graph.Node
		switch h.Kind {
		case Words:
			losses = p.classifier.Losses(hidden, ints("labels", batch*length), in.Seed)
		case Chain:
			n := batch * words(length)
			emissions := p.classifier.Scores(encoder.Rows(hidden, ints("places", n)), in.Seed)
			losses = p.chain.Loss(emissions, ints("labels", n), ints("words", batch))
		case Text:
			first := p.pooler(encoder.Rows(hidden, ints("places", batch)))
			losses = p.classifier.Losses(first, ints("labels", batch), in.Seed)
		case Pair:
			scores := p.pairs.Scores(encoder.Rows(hidden, ints("places", batch)), encoder.Rows(hidden, ints("tails", batch)), in.Seed)
			losses = classLosses(g, scores, ints("labels", batch), len(h.Labels))
		}
		return graph.Dot(losses, g.Input("weights", tensor.F32, losses.Len()))
	}
}

// classLosses is the cross-entropy of scores that are there: as those of a
// product with the unit matrix, which is an input.
func classLosses(g *graph.Graph, scores, labels *graph.Node, classes int) *graph.Node {
	return graph.LinearCrossEntropy(scores, graph.Cast(g.Input("unit", tensor.F32, classes, classes), scores.DType()), nil, labels)
}

// Scores returns what a head says of a batch, f32: of each token for words and
// chains, [batch*length, labels], of each row otherwise, [batch, labels].
func (h Head) Scores(s nn.Scope, c encoder.Config, batch, length int) *graph.Node {
	m := encoder.New(s, c)
	hidden := m.Hidden(encoder.Declare(s.Graph, batch, length, false))
	p := h.parts(m)
	ints := func(name string) *graph.Node { return s.Graph.Input(name, tensor.I32, batch) }
	switch h.Kind {
	case Text:
		return p.classifier.Scores(p.pooler(encoder.Rows(hidden, ints("places"))), nil)
	case Pair:
		return graph.Cast(p.pairs.Scores(encoder.Rows(hidden, ints("places")), encoder.Rows(hidden, ints("tails")), nil), tensor.F32)
	}
	return p.classifier.Scores(hidden, nil)
}

// batch is the inputs of a program of the given size.
type batch struct {
	*encoder.Batch
	head          Head
	places, tails *tensor.Tensor
	labels, words *tensor.Tensor
	weights       *tensor.Tensor
	unit          *tensor.Tensor // of a pair's losses
	// inputs are what a program reads besides tokens, and taught what one that
	// trains reads besides both.
	inputs, taught []input
}

type input struct {
	name  string
	value *tensor.Tensor
}

func newBatch(h Head, pad int32, size, length int) *batch {
	b := &batch{Batch: encoder.NewBatch(size, length, pad), head: h}
	n := size
	switch h.Kind {
	case Words:
		n = size * length
	case Chain:
		n = size * words(length)
		b.words = tensor.New(tensor.I32, size)
		b.places = tensor.New(tensor.I32, n)
	case Text:
		b.places = tensor.New(tensor.I32, size)
	case Pair:
		b.places, b.tails = tensor.New(tensor.I32, size), tensor.New(tensor.I32, size)
		b.unit = tensor.New(tensor.F32, len(h.Labels), len(h.Labels))
		for i := range len(h.Labels) {
			b.unit.Float32()[i*(len(h.Labels)+1)] = 1
		}
	}
	b.labels = tensor.New(tensor.I32, n)
	if h.Kind == Chain {
		n = size
	}
	b.weights = tensor.New(tensor.F32, n)
	places := input{"places", b.places}
	b.taught = []input{{"labels", b.labels}, {"weights", b.weights}}
	switch h.Kind {
	case Chain:
		b.taught = append(b.taught, places, input{"words", b.words})
	case Text:
		b.inputs = []input{places}
	case Pair:
		b.inputs = []input{places, {"tails", b.tails}}
		b.taught = append(b.taught, input{"unit", b.unit})
	}
	return b
}

// fill takes rows, at most size, of at most length tokens.
func (b *batch) fill(rows []Row) {
	b.Clear()
	for i, r := range rows {
		b.Set(i, r.IDs)
	}
	for _, x := range [...]*tensor.Tensor{b.places, b.tails} {
		if x != nil {
			for i := range x.Int32() {
				x.Int32()[i] = -1
			}
		}
	}
	for i, r := range rows {
		base := int32(i * b.Length)
		switch b.head.Kind {
		case Chain:
			for j, p := range r.Places {
				b.places.Int32()[i*words(b.Length)+j] = base + p
			}
		case Text:
			b.places.Int32()[i] = base
		case Pair:
			b.places.Int32()[i], b.tails.Int32()[i] = base+r.Places[0], base+r.Places[1]
		}
	}
}

// teach sets labels and weights so that the rows' losses are averaged, over
// words for a linear head and over rows for the others, and multiplied by
// share. It returns the number of what was labelled.
func (b *batch) teach(rows []Row, share float32) int {
	labels, weights := b.labels.Int32(), b.weights.Float32()
	for i := range labels {
		labels[i] = -1
	}
	clear(weights)
	count := 0
	switch b.head.Kind {
	case Words:
		for i, r := range rows {
			for j, p := range r.Places {
				if l := r.Labels[j]; l >= 0 {
					labels[i*b.Length+int(p)] = l
					count++
				}
			}
		}
		for i, l := range labels {
			if l >= 0 {
				weights[i] = share / float32(count)
			}
		}
	case Chain:
		for i := range labels {
			labels[i] = 0 // not negative within a chain, and not seen outside
		}
		clear(b.words.Int32())
		for i, r := range rows {
			copy(labels[i*words(b.Length):], r.Labels)
			b.words.Int32()[i] = int32(len(r.Labels))
			weights[i] = share / float32(len(rows))
			count += len(r.Labels)
		}
	default:
		for i, r := range rows {
			labels[i], weights[i] = r.Labels[0], share/float32(len(rows))
		}
		count = len(rows)
	}
	return count
}

// write gives a program the inputs; those for training too if teach was
// called before.
func (b *batch) write(r backend.Runner, training bool) error {
	if err := b.Batch.Write(r); err != nil {
		return err
	}
	if err := writeAll(r, b.inputs); err != nil || !training {
		return err
	}
	return writeAll(r, b.taught)
}

func writeAll(r backend.Runner, inputs []input) error {
	for _, x := range inputs {
		if err := r.Write(x.name, x.value); err != nil {
			return err
		}
	}
	return nil
}

// Check reports a row that the head cannot learn from or read.
func (h Head) Check(r Row, learn bool) error {
	want := 0
	switch h.Kind {
	case Words, Chain:
		want = len(r.Places)
		if len(r.Places) > len(r.IDs)-2 {
			return fmt.Errorf("task: %d words of %d tokens", len(r.Places), len(r.IDs))
		}
	case Pair:
		want = 1
		if len(r.Places) != 2 {
			return fmt.Errorf("task: a pair with %d places", len(r.Places))
		}
	case Text:
		want = 1
	}
	if slices.ContainsFunc(r.Places, func(p int32) bool { return p < 0 || int(p) >= len(r.IDs) }) {
		return fmt.Errorf("task: places %v in %d tokens", r.Places, len(r.IDs))
	}
	if !learn {
		return nil
	}
	if len(r.Labels) != want {
		return fmt.Errorf("task: %d labels, wanted %d", len(r.Labels), want)
	}
	if slices.ContainsFunc(r.Labels, func(l int32) bool { return int(l) >= len(h.Labels) || l < 0 && h.Kind != Words }) {
		return fmt.Errorf("task: labels %v of %d classes", r.Labels, len(h.Labels))
	}
	return nil
}
