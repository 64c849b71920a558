package graph

// NormMatMulAttr holds the constants of "norm_matmul", which no builder makes:
// plan joins a layer_norm, the matmul of its result, and the cache_writes of
// columns of that, where a backend asks for it (plan.Limits). The operands in
// order are x and the norm's weight and bias, the caches and their positions if
// there are any, and what matmul has after its first operand. The outputs are
// what matmul has, and then the caches.
//
// It is what the three kernels give one after the other: the normed rows are
// rounded to the type of x before they are multiplied.
type NormMatMulAttr struct {
	Norm   LayerNormAttr
	MatMul MatMulAttr       // its first operand is not transposed, and it has no Pre
	Caches []CacheWriteAttr // at most MaxJoinedCaches, of one Batch and Len
}

// MaxJoinedCaches is how many caches a norm_matmul writes to: keys and values.
const MaxJoinedCaches = 2
