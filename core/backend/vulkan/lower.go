package vulkan

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// typeOf returns the number of a storage type in vkshaders/include/dtype.glsl.
func typeOf(dt tensor.DType) (uint32, error) {
	switch dt {
	case tensor.F32:
		return 0, nil
	case tensor.BF16:
		return 1, nil
	case tensor.F16:
		return 2, nil
	}
	return 0, fmt.Errorf("storage type %v, wanted f32, bf16 or f16", dt)
}

// grid returns the axes of n workgroups in a row, for shaders that use
// include/grid.glsl.
func grid(n int, f *features) ([3]uint32, error) {
	limit := int(min(f.groups[0], 65535))
	if n <= limit {
		return [3]uint32{uint32(n), 1, 1}, nil
	}
	y := (n + limit - 1) / limit
	if y > int(f.groups[1]) {
		return [3]uint32{}, fmt.Errorf("%d workgroups, more than the device has: use a smaller batch", n)
	}
	return [3]uint32{uint32((n + y - 1) / y), uint32(y), 1}, nil
}

// indexable checks that elements of all the slots can be counted in 32 bits.
func indexable(slots ...plan.Slot) error {
	for _, s := range slots {
		if s.Len() > math.MaxUint32-1<<16 {
			return fmt.Errorf("a value %v%v has more elements than a shader can count: use a smaller batch", s.DType, s.Shape)
		}
	}
	return nil
}

// each lowers a step whose invocations take size elements each of an array of
// n, in workgroups of 128.
func each(shader string, n, size int, spec, push []uint32, bind []plan.Slot, f *features) ([]dispatch, error) {
	if err := indexable(bind...); err != nil {
		return nil, err
	}
	groups, err := grid(ceil(n, 128*size), f)
	if err != nil {
		return nil, err
	}
	return []dispatch{{shader: shader, spec: spec, push: push, bind: bind, groups: groups}}, nil
}

// elementwise lowers a step over the elements of its first output by fours:
// its constants are the storage type and spec, its push constants the number
// of elements and push.
func elementwise(shader string, s plan.Step, spec, push []uint32, bind []plan.Slot, f *features) ([]dispatch, error) {
	t, err := typeOf(s.Out[0].DType)
	if err != nil {
		return nil, err
	}
	n := s.Out[0].Len()
	return each(shader, n, 4, slices.Concat([]uint32{t}, spec), slices.Concat([]uint32{uint32(n)}, push), bind, f)
}

// operands returns the operands of a step and then its results.
func operands(s plan.Step) []plan.Slot { return slices.Concat(s.In, s.Out) }

// matrix returns the rows and columns of a value.
func matrix(s plan.Slot) (rows, cols int) {
	if len(s.Shape) == 0 {
		return 1, 1
	}
	cols = s.Shape[len(s.Shape)-1]
	return s.Len() / max(cols, 1), cols
}

// lanes is the size of a workgroup that shares a row of so many columns: about
// two quads for each invocation, and more where the device is the CPU, whose
// barriers are dear.
func lanes(cols int, f *features) uint32 {
	quads := cols / 4
	if f.software() {
		quads /= 4
	}
	return largest(max(32, min(quads, f.invocations, 256)))
}

// wideLanes is the size of a workgroup that has a long row to itself.
func wideLanes(f *features) uint32 {
	if f.software() {
		return 256
	}
	return largest(min(f.invocations, 1024))
}

// largest returns the largest power of two that is at most n.
func largest(n int) uint32 { return 1 << (bits.Len(uint(n)) - 1) }

func ceil(n, by int) int { return (n + by - 1) / by }

func word(v float32) uint32 { return math.Float32bits(v) }

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
