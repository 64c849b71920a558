package embedding

// #cgo CFLAGS: -O3 -std=gnu11 -Wall -Wno-psabi -Wno-unused-function
// #include "kernel_api.h"
// static void train(float *in, float *out, const float *sigmoid, int32_t stride, int32_t negative,
//     const int32_t *words, const float *keep, const int32_t *other, const int32_t *start,
//     const int32_t *cells, const float *ckeep, const int32_t *cother, int32_t n,
//     const int32_t *items, int64_t count, float rate, uint64_t state, float *scratch, int cbow) {
//     w2v_weights m = {in, out, sigmoid, stride, negative};
//     w2v_noise t = {words, keep, other, start};
//     w2v_group g = {cells, ckeep, cother, n};
//     if (cbow) w2v_cbow(&m, &t, &g, items, count, rate, state, scratch);
//     else w2v_skipgram(&m, &t, &g, items, count, rate, state, scratch);
// }
import "C"

import (
	"math"
	"unsafe"
)

// maxNegative is the room for noise words of a pair.
const maxNegative = C.W2V_NEGATIVE

func cFloats(s []float32) *C.float { return (*C.float)(unsafe.Pointer(unsafe.SliceData(s))) }

func cInts(s []int32) *C.int32_t { return (*C.int32_t)(unsafe.Pointer(unsafe.SliceData(s))) }

// scores are out[q][i], the cosine of each of the first n rows to each of some
// unit vectors, [q, Dim].
func (v *Vectors) scores(n int, questions []float32, q int, out []float32) {
	if n == 0 || q == 0 {
		return
	}
	C.w2v_scores(cFloats(v.Data), (*C.double)(unsafe.Pointer(unsafe.SliceData(v.inverse))), C.int64_t(n), C.int64_t(v.Dim), cFloats(questions), C.int64_t(q), cFloats(out))
}

// sigmoids is the logistic function over -6…6, at the middles of its steps.
var sigmoids = func() []float32 {
	t := make([]float32, C.W2V_SIGMOID+1) // one more: just below 6 rounds to the end
	for i := range t {
		x := (float64(i)+0.5)*12/C.W2V_SIGMOID - 6
		t[i] = float32(1 / (1 + math.Exp(-x)))
	}
	return t
}()

// weights are the two matrices while they are trained.
type weights struct {
	in, out  []float32 // [words, stride]
	stride   int       // Dim rounded up to 16
	negative int
}

// train runs pairs [input, output], or with cbow items [word, n, n context
// words], in their order.
func (m *weights) train(t *noiseTable, g *group, items []int32, cbow bool, rate float32, state uint64, scratch []float32) {
	count, mode := int64(len(items)/2), 0
	if cbow {
		count, mode = int64(len(items)), 1
	}
	if count == 0 {
		return
	}
	C.train(cFloats(m.in), cFloats(m.out), cFloats(sigmoids), C.int32_t(m.stride), C.int32_t(m.negative),
		cInts(t.words), cFloats(t.keep), cInts(t.other), cInts(t.start),
		cInts(g.cells), cFloats(g.keep), cInts(g.other), C.int32_t(len(g.cells)),
		cInts(items), C.int64_t(count), C.float(rate), C.uint64_t(state), cFloats(scratch), C.int(mode))
}
