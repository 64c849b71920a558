package plan

import "slices"

// recompute lets the backward pass make again what it needs of the forward
// pass, starting from the kept values and the leaves. Each forward item is
// repeated at most once, just before the first backward item that needs it, so
// that the memory of one block is in use at a time (Chen et al. 2016,
// arXiv:1604.06174).
func (d *draft) recompute() {
	var items []*item
	again := map[*value]*value{}
	var remake func(v *value) *value
	remake = func(v *value) *value {
		if v.by == nil || v.by.backward || v.keep || v.over != nil {
			return v
		}
		if w := again[v]; w != nil {
			return w
		}
		it := *v.by
		it.backward = true
		it.in = make([]*value, len(v.by.in))
		for i, x := range v.by.in {
			it.in[i] = remake(x)
		}
		it.out = make([]*value, len(v.by.out))
		for i, x := range v.by.out {
			w := *x
			w.by, w.output, w.again = &it, false, x
			it.out[i], again[x] = &w, &w
		}
		items = append(items, &it)
		return again[v]
	}
	for _, it := range d.items {
		// The forward loss is not worth repeating: its gradient makes its own.
		if it.backward && it.kernel != "copy" {
			in := slices.Clone(it.in)
			for i, v := range it.in {
				in[i] = remake(v)
			}
			it.in = in
		}
		items = append(items, it)
	}
	d.items = items
}
