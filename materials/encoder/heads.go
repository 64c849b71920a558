package encoder

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

// MaskedHead predicts masked tokens: transformers' BertLMPredictionHead, whose
// output embedding is that of the words.
type MaskedHead struct {
	model *Model
	dense nn.Linear
	norm  nn.LayerNorm
	bias  *graph.Node
}

// Masked declares the head of BertForMaskedLM.
func (m *Model) Masked() MaskedHead {
	c, s := m.Config, m.scope.At("cls", "predictions")
	t := s.At("transform")
	return MaskedHead{
		model: m,
		dense: nn.NewLinear(t, "dense", c.Width, c.Width, nn.LinearOpt{Std: c.InitStd}),
		norm:  nn.NewLayerNorm(t, "LayerNorm", c.Width, c.NormEps),
		bias:  s.Vector("bias", c.Vocab, nn.Init{}),
	}
}

func (h MaskedHead) transform(hidden *graph.Node) *graph.Node {
	act, err := graph.ParseActivation(h.model.Config.Act)
	if err != nil {
		act = graph.GeluErf
	}
	return h.norm.Forward(graph.Activate(h.dense.Forward(hidden), act))
}

// Losses returns the cross-entropy of each row's label, f32 [N], in nats; a
// negative label gives 0. hidden [N, Width] are the rows of masked tokens:
// the others need no logits.
func (h MaskedHead) Losses(hidden, labels *graph.Node) *graph.Node {
	return h.model.words.Losses(h.transform(hidden), h.bias, labels)
}

// Logits returns the f32 scores [N, Vocab] of the tokens.
func (h MaskedHead) Logits(hidden *graph.Node) *graph.Node {
	return h.model.words.Logits(h.transform(hidden), h.bias)
}

// Classifier scores classes: a linear layer after dropout.
type Classifier struct {
	linear nn.Linear
	drop   float32
	scope  nn.Scope
}

// Classifier declares "classifier", the head of BertForTokenClassification and
// BertForSequenceClassification, over classes.
func (m *Model) Classifier(classes int) Classifier {
	return Classifier{
		nn.NewLinear(m.scope, "classifier", m.Config.Width, classes, nn.LinearOpt{Std: m.Config.InitStd}),
		m.Config.headDropout(), m.scope,
	}
}

// Scores returns the f32 scores [N, classes] of rows [N, Width].
func (c Classifier) Scores(x, seed *graph.Node) *graph.Node {
	w := graph.Cast(c.linear.W, c.scope.Policy.Compute)
	return graph.MatMul(c.dropout(x, seed), w, graph.MatMulOpt{TransB: true, Bias: c.linear.B, Out: tensor.F32, As: true})
}

// Losses returns the cross-entropy of each row's label, f32 [N]; a negative
// label gives 0.
func (c Classifier) Losses(x, labels, seed *graph.Node) *graph.Node {
	return graph.LinearCrossEntropy(c.dropout(x, seed), graph.Cast(c.linear.W, c.scope.Policy.Compute), c.linear.B, labels)
}

func (c Classifier) dropout(x, seed *graph.Node) *graph.Node {
	if seed == nil {
		return x
	}
	return graph.Dropout(x, seed, c.drop, headSalt)
}

// Pooler declares BertPooler and returns it: tanh of a linear layer of the
// first token's hidden state, rows [Batch, Width].
func (m *Model) Pooler() func(first *graph.Node) *graph.Node {
	dense := nn.NewLinear(m.scope.At("bert", "pooler"), "dense", m.Config.Width, m.Config.Width, nn.LinearOpt{Std: m.Config.InitStd})
	return func(first *graph.Node) *graph.Node { return graph.Activate(dense.Forward(first), graph.Tanh) }
}

// PairClassifier scores the classes of pairs of places (Baldini Soares et al.
// 2019, "entity start"): a linear layer of two hidden states, one after the
// other, whose weight is kept as one matrix for each.
type PairClassifier struct {
	head, tail nn.Linear
	drop       float32
	scope      nn.Scope
}

// Pairs declares "classifier.head" and "classifier.tail", over classes.
func (m *Model) Pairs(classes int) PairClassifier {
	s, o := m.scope.At("classifier"), nn.LinearOpt{Std: m.Config.InitStd}
	tail := o
	tail.NoBias = true
	return PairClassifier{
		nn.NewLinear(s, "head", m.Config.Width, classes, o), nn.NewLinear(s, "tail", m.Config.Width, classes, tail),
		m.Config.headDropout(), m.scope,
	}
}

// Scores returns the scores [N, classes] of the rows head and tail, both [N,
// Width], stored as they are.
func (c PairClassifier) Scores(head, tail, seed *graph.Node) *graph.Node {
	if seed != nil {
		head, tail = graph.Dropout(head, seed, c.drop, headSalt), graph.Dropout(tail, seed, c.drop, headSalt+1)
	}
	return graph.Add(c.tail.Forward(tail), c.head.Forward(head))
}
