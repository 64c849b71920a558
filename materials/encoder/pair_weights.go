package encoder

import (
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/tensor"
)

// The head of BERT_RC, MatSciBERT's classifier of pairs (T. Gupta et al. 2022,
// relation_classification.py): one linear layer of the head's hidden state and
// the tail's, one after the other.
const (
	joinedWeight = "linear.weight" // [classes, 2*Width]
	joinedBias   = "linear.bias"
)

// Our names of the same, of PairClassifier.
const (
	pairHead = "classifier.head.weight" // [classes, Width]
	pairTail = "classifier.tail.weight"
	pairBias = "classifier.head.bias"
)

// IsPublishedPairs reports whether tensors of these names are those of BERT_RC,
// which Weights shows as PairClassifier's.
func IsPublishedPairs(names []string) bool {
	return slices.Contains(names, joinedWeight) && slices.Contains(names, joinedBias)
}

// parted shows the one layer of BERT_RC as the two of PairClassifier.
type parted struct{ checkpoint.Lister }

func partPairs(l checkpoint.Lister) (checkpoint.Lister, error) {
	if !IsPublishedPairs(l.Names()) {
		return l, nil
	}
	s, err := l.Spec(joinedWeight)
	if err != nil {
		return nil, err
	}
	if len(s.Shape) != 2 || s.Shape[1] == 0 || s.Shape[1]%2 != 0 {
		return nil, fmt.Errorf("%s has shape %v, which is no classifier of two hidden states", joinedWeight, s.Shape)
	}
	return parted{l}, nil
}

func (p parted) Names() []string {
	var names []string
	for _, name := range p.Lister.Names() {
		switch name {
		case joinedWeight:
			names = append(names, pairHead, pairTail)
		case joinedBias:
			names = append(names, pairBias)
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (p parted) Spec(name string) (checkpoint.Spec, error) {
	switch name {
	case pairHead, pairTail:
		s, err := p.Lister.Spec(joinedWeight)
		if err != nil {
			return s, err
		}
		return checkpoint.Spec{Name: name, DType: s.DType, Shape: []int{s.Shape[0], s.Shape[1] / 2}}, nil
	case pairBias:
		s, err := p.Lister.Spec(joinedBias)
		s.Name = name
		return s, err
	}
	return p.Lister.Spec(name)
}

func (p parted) Tensor(name string) (*tensor.Tensor, error) {
	switch name {
	case pairHead, pairTail:
		x, err := p.Lister.Tensor(joinedWeight)
		if err != nil {
			return nil, err
		}
		rows, half := x.Shape()[0], x.Shape()[1]/2*x.DType().Size()
		out := tensor.New(x.DType(), rows, x.Shape()[1]/2)
		from := x.Bytes()
		if name == pairTail {
			from = from[half:]
		}
		for r := range rows {
			copy(out.Bytes()[r*half:][:half], from[2*r*half:])
		}
		return out, nil
	case pairBias:
		return p.Lister.Tensor(joinedBias)
	}
	return p.Lister.Tensor(name)
}
