package vulkan

import (
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// product is a matrix product with what follows it. The slots that are not
// there are nil.
type product struct {
	m, n, k             int
	transA, transB      bool
	a, b, out           plan.Slot
	scale               *plan.Slot // of a b in 8 bits
	bias, residual, pre *plan.Slot
	act                 graph.Activation
	accumulate          bool
}

func lowerMatMul(s plan.Step, f *features) ([]dispatch, error) {
	p, err := newProduct(s.Attr.(graph.MatMulAttr), s.In, s.Out)
	if err != nil {
		return nil, err
	}
	if _, _, depth := registerTile(p.m, p.n, p.k); depth > maxDepth && f.software() {
		return nil, fmt.Errorf("the sum over %d elements is too long for a software device: use a smaller batch", p.k)
	}
	return p.dispatches(f), nil
}

// newProduct returns the product of a matmul's operands and results.
func newProduct(at graph.MatMulAttr, in, out []plan.Slot) (product, error) {
	p := product{m: at.M, n: at.N, k: at.K, transA: at.TransA, transB: at.TransB, act: at.Act, a: in[0], b: in[1], out: out[0]}
	if p.a.DType != p.b.DType && !at.Scaled {
		return p, fmt.Errorf("operands are %v and %v, wanted one type", p.a.DType, p.b.DType)
	}
	if err := indexable(slices.Concat(in, out)...); err != nil {
		return p, err
	}
	for _, x := range []plan.Slot{p.a, p.out} {
		if _, err := typeOf(x.DType); err != nil {
			return p, err
		}
	}
	rest := in[2:]
	if at.Scaled {
		p.scale, rest = &rest[0], rest[1:]
	}
	if at.Bias {
		p.bias, rest = &rest[0], rest[1:]
	}
	if at.Residual {
		p.residual = &rest[0]
	}
	if at.Pre {
		p.pre = &out[1]
	}
	return p, nil
}

// matmulDispatches computes out = op(a)·op(b), or adds it to out. op(a) is
// [m, k], op(b) [k, n]; a slot may be part of a value, its offset a multiple of
// what the device wants of a binding.
func matmulDispatches(m, n, k int, transA, transB bool, a, b, out plan.Slot, accumulate bool, f *features) []dispatch {
	return product{m: m, n: n, k: k, transA: transA, transB: transB, a: a, b: b, out: out, accumulate: accumulate}.dispatches(f)
}

// start returns the dispatch of a shader with the constants and operands that
// all variants have; wide is the number of elements of a and b that the shader
// reads at once.
func (p product) start(shader string, wide int) dispatch {
	rowA, rowB := p.k, p.n // elements of a stored row
	if p.transA {
		rowA = p.m
	}
	if p.transB {
		rowB = p.k
	}
	// The callers have checked the types.
	in, _ := typeOf(p.a.DType)
	out, _ := typeOf(p.out.DType)
	d := dispatch{
		shader: shader,
		spec: []uint32{
			in, out, flag(p.transA), flag(p.transB),
			flag(p.bias != nil), uint32(p.act), flag(p.pre != nil), flag(p.residual != nil), flag(p.accumulate),
			flag(rowA%wide == 0), flag(rowB%wide == 0), flag(p.n%4 == 0),
			flag(p.int8()), flag(p.scale != nil),
		},
		push: []uint32{uint32(p.m), uint32(p.n), uint32(p.k)},
	}
	// An operand that is not there stands for itself by one that is.
	or := func(s *plan.Slot, other plan.Slot) plan.Slot {
		if s == nil {
			return other
		}
		return *s
	}
	d.bind = []plan.Slot{p.a, p.b, or(p.bias, p.a), or(p.residual, p.a), p.out, or(p.pre, p.out), or(p.scale, p.a)}
	return d
}

// int8 reports whether b is signed bytes.
func (p product) int8() bool { return p.b.DType == tensor.I8 }

// tiles returns the workgroups for tiles of a size.
func (p product) tiles(rows, cols int) [3]uint32 {
	return [3]uint32{uint32(ceil(p.n, cols)), uint32(ceil(p.m, rows)), 1}
}

// dispatches lowers the product.
func (p product) dispatches(f *features) []dispatch {
	switch matmulVariant(p, f) {
	case "coop":
		return f.fastest(p.coopChoice(f))
	case "coop2":
		return p.coop2Dispatches(f)
	case "vec":
		return p.vec(f)
	case "shared":
		return f.fastest(p.sharedChoice())
	}
	rows, quads, depth := registerTile(p.m, p.n, p.k)
	d := p.start("matmul", 4)
	d.spec = append(d.spec, uint32(rows), uint32(quads), uint32(depth))
	d.groups = p.tiles(4*rows, 32*quads)
	return []dispatch{d}
}

// shared returns the dispatch of tiles of 64·tm x 64·tn.
func (p product) shared(tm, tn int) dispatch {
	d := p.start("matmul.shared", 4)
	d.spec = append(d.spec, uint32(tm), uint32(tn), flag(p.k > longSum))
	d.groups = p.tiles(64*tm, 64*tn)
	return d
}
