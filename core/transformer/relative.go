package transformer

import (
	"fmt"
	"math"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/tensor"
)

// Relative is how T5 (Raffel et al. 2020, arXiv:1910.10683, section 2.1) tells its
// attention where keys stand: scores get a learned bias by head and bucket of
// relative places, its only positions. All layers share the first one's table,
// "relative_attention_bias.weight", [Buckets, heads]. See Validate.
type Relative struct {
	Buckets  int  // relative_attention_num_buckets; even where keys stand on both sides
	Farthest int  // relative_attention_max_distance, from where on all is one bucket
	Causal   bool // later keys are not seen: all buckets are of earlier ones
}

// Validate reports what has no buckets: of each side there must be two at least,
// and the farthest place must lie beyond those of a bucket each.
func (r Relative) Validate() error {
	n := r.Buckets
	if !r.Causal {
		n /= 2
	}
	if n < 2 || r.Farthest <= n/2 || !r.Causal && r.Buckets%2 != 0 {
		return fmt.Errorf("transformer: %d buckets of places up to %d; each side must have two or more, the farthest place lie beyond half of them", r.Buckets, r.Farthest)
	}
	return nil
}

// Places is how many relative places there are for graph.AttentionOpt.Bias:
// those from -Farthest to Farthest.
func (r Relative) Places() int { return 2*r.Farthest + 1 }

// Bucket returns the bucket of a key's place less the query's. The first half of
// the buckets have a distance each, the others more and more of them, by its
// logarithm; with keys on both sides all that for each side, later keys behind.
func (r Relative) Bucket(place int) int {
	n, first := r.Buckets, 0
	switch {
	case !r.Causal:
		n /= 2
		if place > 0 {
			first = n
		}
	case place > 0:
		place = 0
	}
	far := max(place, -place)
	single := n / 2
	if far < single {
		return first + far
	}
	share := math.Log(float64(far)/float64(single)) / math.Log(float64(r.Farthest)/float64(single))
	return first + min(n-1, single+int(share*float64(n-single)))
}

// Choice returns what Bias multiplies the table by, f32 [Buckets, Places]: 1
// where a place is of a bucket, else 0.
func (r Relative) Choice() *tensor.Tensor {
	x := tensor.New(tensor.F32, r.Buckets, r.Places())
	for i := range r.Places() {
		x.Float32()[r.Bucket(i-r.Farthest)*r.Places()+i] = 1
	}
	return x
}

// Bias returns the bias of a table of buckets [Buckets, heads] for
// graph.AttentionOpt.Bias, f32 [heads, Places]. choice is an input of what
// Choice returns: the product looks up and turns at once.
func (r Relative) Bias(table, choice *graph.Node) *graph.Node {
	return graph.MatMul(graph.Cast(table, tensor.F32), choice, graph.MatMulOpt{TransA: true})
}
