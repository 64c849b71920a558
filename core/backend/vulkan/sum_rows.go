package vulkan

import "github.com/kiban-models/kiban/core/plan"

// columnsOfGroup is COLUMNS in vkshaders/include/columns.glsl.
const columnsOfGroup = 16

func lowerSumRows(s plan.Step, f *features) ([]dispatch, error) {
	rows, cols := matrix(s.In[0])
	return columns("sum_rows", s, rows, cols, f)
}

// columns lowers a step that sums down the columns of its first operand.
func columns(shader string, s plan.Step, rows, cols int, f *features) ([]dispatch, error) {
	t, err := typeOf(s.In[0].DType)
	if err != nil {
		return nil, err
	}
	if err := indexable(s.In...); err != nil {
		return nil, err
	}
	return []dispatch{columnsDispatch(shader, t, rows, cols, false, operands(s), f)}, nil
}

// columnsDispatch sums down the columns of a matrix stored as type t, and with
// accumulate, which sum_rows knows, on to what is there.
func columnsDispatch(shader string, t uint32, rows, cols int, accumulate bool, bind []plan.Slot, f *features) dispatch {
	spec := []uint32{t, largest(min(f.invocations, 1024) / columnsOfGroup)}
	if accumulate {
		spec = append(spec, 1)
	}
	return dispatch{
		shader: shader, spec: spec, push: []uint32{uint32(rows), uint32(cols)}, bind: bind,
		groups: [3]uint32{uint32(ceil(cols, columnsOfGroup)), 1, 1},
	}
}
