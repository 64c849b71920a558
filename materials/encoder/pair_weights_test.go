package encoder_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
	"github.com/kiban-models/kiban/materials/encoder"
)

// joined are weights as BERT_RC has them: the body and pooler in "encoder", and
// one classifier of n columns, numbered.
func joined(dt tensor.DType, classes, n int) checkpoint.Tensors {
	all := checkpoint.Tensors{}
	for name, x := range placed(oddConfig().Declared(nn.Policy{}, func(m *encoder.Model) { m.Pooler() })) {
		all["encoder."+strings.TrimPrefix(name, "bert.")] = x
	}
	all["encoder.embeddings.position_ids"] = tensor.New(tensor.I64, 1, 96)
	w := tensor.New(tensor.F32, classes, n)
	for i := range w.Len() {
		w.Set(i, float64(i%251))
	}
	all["linear.weight"], all["linear.bias"] = w.Convert(dt), tensor.Of([]float32{1, 2, 3, 4, 5}[:classes], classes)
	return all
}

// TestPublishedPairs parts the classifier of BERT_RC, in every type of number.
func TestPublishedPairs(t *testing.T) {
	const width = 120
	declared := oddConfig().Declared(nn.Policy{}, func(m *encoder.Model) { m.Pairs(3) })
	for _, dt := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16} {
		view, fresh, err := encoder.Weights(lister{joined(dt, 3, 2*width)}, declared, nil)
		if err != nil || len(fresh) > 0 || len(view.Names()) != len(declared) {
			t.Fatalf("%v: %d tensors for %d parameters, fresh are %q: %v", dt, len(view.Names()), len(declared), fresh, err)
		}
		for i, name := range []string{"classifier.head.weight", "classifier.tail.weight"} {
			s, err := view.Spec(name)
			if err != nil || s.Name != name || s.DType != dt || !slices.Equal(s.Shape, []int{3, width}) {
				t.Errorf("%v, %v", s, err)
			}
			x, err := view.Tensor(name)
			if err != nil || x.DType() != dt || !slices.Equal(x.Shape(), s.Shape) {
				t.Fatalf("%v, %v", x, err)
			}
			for j := range x.Len() {
				if want := float64((j/width*2*width + i*width + j%width) % 251); x.At(j) != want {
					t.Fatalf("%v %s: element %d is %g, wanted %g", dt, name, j, x.At(j), want)
				}
			}
		}
		if b, err := view.Tensor("classifier.head.bias"); err != nil || b.At(2) != 3 {
			t.Errorf("bias %v, %v", b, err)
		}
	}
	// For other classes the head is drawn; to label words, it is passed over.
	other := oddConfig().Declared(nn.Policy{}, func(m *encoder.Model) { m.Pairs(4) })
	_, fresh, err := encoder.Weights(lister{joined(tensor.F32, 3, 2*width)}, other, nn.Fresh{Params: other})
	if slices.Sort(fresh); err != nil || strings.Join(fresh, " ") != "classifier.head.bias classifier.head.weight classifier.tail.weight" {
		t.Errorf("of other classes %q are fresh, %v", fresh, err)
	}
	got, fresh, err := loadWeights(t, joined(tensor.F32, 3, 2*width), 9)
	if err != nil || len(fresh) != 2 || got["bert.encoder.layer.2.output.dense.bias"] == nil {
		t.Errorf("for words %q are fresh, %v", fresh, err)
	}
	if _, _, err := encoder.Weights(lister{joined(tensor.F32, 3, 2*width+1)}, declared, nil); err == nil || !strings.Contains(err.Error(), "linear.weight has shape [3 241]") {
		t.Errorf("an odd classifier: %v", err)
	}
	all := joined(tensor.F32, 3, 2*width)
	all["encoder.encoder.layer.9.output.dense.bias"] = tensor.New(tensor.F32, width)
	if _, _, err := loadWeights(t, all, 9); err == nil || !strings.Contains(err.Error(), "layer.9") {
		t.Errorf("a layer too many: %v", err)
	}
}
