package vulkan

import (
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// placesOfGroup is COLUMNS in vkshaders/include/columns.glsl, and rowLanes its
// LANES where the device allows so large a workgroup.
const placesOfGroup, rowLanes = 32, 16

func lowerSumRows(s plan.Step, f *features) ([]dispatch, error) {
	rows, cols := matrix(s.In[0])
	return columns("sum_rows", s, rows, cols, f)
}

// columns lowers a step that sums down the columns of its first operand to f32.
// Where the rows go in parts, sum_rows adds what these leave.
func columns(shader string, s plan.Step, rows, cols int, f *features) ([]dispatch, error) {
	t, err := typeOf(s.In[0].DType)
	if err != nil {
		return nil, err
	}
	if err := indexable(s.In...); err != nil {
		return nil, err
	}
	d := columnsDispatch(shader, t, rows, cols, false, operands(s), f)
	partRows := f.partRows(rows, int(d.groups[0]))
	parts := ceil(rows, partRows)
	if parts <= 1 {
		return []dispatch{d}, nil
	}
	d.push[2], d.groups[1] = uint32(partRows), uint32(parts)
	var sums []dispatch
	for i, out := range s.Out {
		part := plan.Slot{Region: temporary, Offset: d.temporary, DType: tensor.F32, Shape: []int{parts, cols}}
		d.bind[len(s.In)+i] = part
		d.temporary = up(part.Offset+part.Bytes(), f.align)
		sum := columnsDispatch("sum_rows", 0, parts, cols, false, []plan.Slot{part, out}, f)
		sum.wait = i == 0
		sums = append(sums, sum)
	}
	return append([]dispatch{d}, sums...), nil
}

// columnsDispatch sums down the columns of a matrix stored as type t, all rows
// in one part, and with accumulate, which sum_rows knows, on to what is there.
func columnsDispatch(shader string, t uint32, rows, cols int, accumulate bool, bind []plan.Slot, f *features) dispatch {
	places, wide := cols, cols%4 == 0
	for _, s := range bind {
		wide = wide && s.Offset%16 == 0
	}
	if wide {
		places /= 4
	}
	spec := []uint32{largest(min(f.invocations/placesOfGroup, rowLanes)), t, flag(wide)}
	if accumulate {
		spec = append(spec, 1)
	}
	return dispatch{
		shader: shader, spec: spec, push: []uint32{uint32(rows), uint32(cols), uint32(rows)}, bind: bind,
		groups: [3]uint32{uint32(ceil(places, placesOfGroup)), 1, 1},
	}
}
