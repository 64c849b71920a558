package encoder

import (
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

// Weights shows a directory's tensors under the names that a model declares:
// with the prefix "bert." that a bare BertModel's lack, without the "encoder."
// of MatSciBERT's BERT_CRF and BERT_RC, with the latter's classifier in the
// parts of PairClassifier, and for TensorFlow's gamma and beta weight and bias.
// Hidden are the heads that the model does not
// have, and what is no weight or the copy of another. fresh are the parameters
// of the model's heads that the directory lacks, or has for another number of
// classes: a masked language model has no classifier. Their weights come from
// initial. Everything else that disagrees is left for checkpoint.Fill to
// report.
func Weights(dir checkpoint.Lister, declared []nn.Declared, initial checkpoint.Source) (view checkpoint.Lister, fresh []string, err error) {
	bare := !slices.ContainsFunc(dir.Names(), func(n string) bool { return strings.HasPrefix(unwrapped(n), "bert.") })
	named, err := checkpoint.Rename(dir, func(stored string) string {
		name := unwrapped(stored)
		if bare && (strings.HasPrefix(name, "embeddings.") || strings.HasPrefix(name, "encoder.") || strings.HasPrefix(name, "pooler.")) {
			name = "bert." + name
		}
		if body, ok := strings.CutSuffix(name, "LayerNorm.gamma"); ok {
			name = body + "LayerNorm.weight"
		} else if body, ok := strings.CutSuffix(name, "LayerNorm.beta"); ok {
			name = body + "LayerNorm.bias"
		}
		return name
	})
	if err == nil {
		named, err = partPairs(named)
	}
	if err != nil {
		return nil, nil, err
	}
	v := overlay{Lister: named, initial: initial, fresh: map[string]nn.Declared{}}
	there := map[string]bool{}
	for _, name := range named.Names() {
		there[name] = true
	}
	want := map[string]bool{}
	for _, d := range declared {
		want[d.Name] = true
		if !IsHead(d.Name) {
			continue
		}
		if there[d.Name] {
			s, err := named.Spec(d.Name)
			if err != nil {
				return nil, nil, err
			}
			if slices.Equal(s.Shape, d.Shape) || !strings.HasPrefix(d.Name, "classifier.") && !strings.HasPrefix(d.Name, "crf.") {
				continue
			}
		}
		v.fresh[d.Name] = d
		fresh = append(fresh, d.Name)
	}
	for _, name := range named.Names() {
		if want[name] || !(IsHead(name) || strings.HasSuffix(name, ".position_ids")) {
			v.names = append(v.names, name)
		}
	}
	for _, name := range fresh {
		if !there[name] {
			v.names = append(v.names, name)
		}
	}
	slices.Sort(v.names)
	return v, fresh, nil
}

// unwrapped is a name within what MatSciBERT's classes call "encoder": BERT_CRF
// its BertForTokenClassification, BERT_RC its BertModel. A BertModel's own
// "encoder" has layers alone.
func unwrapped(name string) string {
	inner, ok := strings.CutPrefix(name, "encoder.")
	if !ok {
		return name
	}
	for _, part := range []string{"bert.", "classifier.", "embeddings.", "encoder.", "pooler."} {
		if strings.HasPrefix(inner, part) {
			return inner
		}
	}
	return name
}

// IsHead reports whether a tensor belongs to what stands on the body of a
// model, which differs from task to task.
func IsHead(name string) bool {
	for _, prefix := range []string{"cls.", "bert.pooler.", "classifier.", "crf.", "qa_outputs."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// overlay is a Lister with some tensors hidden and some fresh.
type overlay struct {
	checkpoint.Lister
	names   []string
	fresh   map[string]nn.Declared
	initial checkpoint.Source
}

func (o overlay) Names() []string { return o.names }

func (o overlay) Spec(name string) (checkpoint.Spec, error) {
	if d, ok := o.fresh[name]; ok {
		return checkpoint.Spec{Name: name, DType: tensor.F32, Shape: d.Shape}, nil
	}
	return o.Lister.Spec(name)
}

func (o overlay) Tensor(name string) (*tensor.Tensor, error) {
	if _, ok := o.fresh[name]; ok {
		return o.initial.Tensor(name)
	}
	return o.Lister.Tensor(name)
}
