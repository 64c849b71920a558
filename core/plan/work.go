package plan

import "github.com/kiban-models/kiban/core/graph"

// Work is what a step has to do at the least, whatever the machine:
// multiplications and additions of its matrix products, and bytes of memory,
// each operand read and each result written once. 0 means that it is not known
// before the step runs, or not worth counting.
type Work struct{ Flops, Bytes float64 }

// Work returns what the step has to do.
func (s Step) Work() Work {
	var w Work
	for _, x := range s.In {
		w.Bytes += float64(x.Bytes())
	}
	for _, x := range s.Out {
		w.Bytes += float64(x.Bytes())
	}
	switch at := s.Attr.(type) {
	case graph.MatMulAttr:
		w.Flops = 2 * float64(at.M) * float64(at.N) * float64(at.K)
	case graph.NormMatMulAttr:
		m := at.MatMul
		w.Flops = 2 * float64(m.M) * float64(m.N) * float64(m.K)
		for i, c := range at.Caches { // of which rows are written, and nothing is read
			y := s.Out[len(s.Out)-len(at.Caches)+i]
			w.Bytes += float64(c.Batch*c.Len*c.Width*y.DType.Size()) - 2*float64(y.Bytes())
		}
	case graph.AttentionAttr:
		if at.HasStart || at.HasKeys { // the data say which keys are seen
			return Work{}
		}
		pairs := float64(at.QueryLen) * float64(at.KeyLen)
		if at.Causal {
			short := float64(min(at.QueryLen, at.KeyLen))
			pairs -= short*float64(at.KeyLen) - short*(short+1)/2
		}
		products := 2.0 // of queries with keys, and of probabilities with values
		switch s.Kernel {
		case "attention_grad":
			products = 5
		case "attention_probabilities":
			products = 1
		}
		w.Flops = 2 * products * float64(at.Batch) * float64(at.Heads) * float64(at.Width) * pairs
	case graph.LinearCrossEntropyAttr:
		products := 1.0
		if s.Kernel == "linear_cross_entropy_grad" {
			for _, need := range []bool{at.NeedX, at.NeedW} {
				if need {
					products++
				}
			}
		}
		w.Flops = 2 * products * float64(at.Rows) * float64(at.Channels) * float64(at.Vocab)
	case graph.EmbedAttr:
		if s.Kernel == "embed" { // as many rows of the table as there are ids
			w.Bytes = float64(s.In[1].Bytes() + s.Out[0].Bytes() + int64(s.Out[0].Len()*s.In[0].DType.Size()))
		}
	case graph.CacheWriteAttr:
		w.Bytes = 2 * float64(at.Batch*at.Len*at.Width*s.In[0].DType.Size())
	case graph.TokenAppendAttr:
		return Work{}
	}
	return w
}
