package plan

import "github.com/kiban-models/kiban/core/graph"

// fuse joins neighbours into one kernel where a value then need not go through
// memory, or a whole kernel becomes needless.
func (d *draft) fuse(lim Limits) {
	d.fuseLoss()
	d.dead() // whatever only the forward loss needed
	d.fuseActivation()
	d.fuseResidual()
	d.join(lim)
}

// fuseLoss drops a forward linear_cross_entropy whose gradient is computed
// too: the gradient makes the losses on its way.
func (d *draft) fuseLoss() {
	type key [5]*value // x, w, labels, scale, bias
	of := func(in []*value) (k key) {
		for i, v := range in {
			k[i] = origin(v)
		}
		return k
	}
	forward := map[key]*item{}
	for _, it := range d.items {
		if it.kernel == "linear_cross_entropy" {
			forward[of(it.in)] = it
		}
	}
	for _, it := range d.items {
		if it.kernel != "linear_cross_entropy_grad" {
			continue
		}
		f := forward[of(it.in[1:])]
		if f == nil || dependsOn(it.in[0], f, map[*value]bool{}) {
			continue
		}
		d.replace(f.out[0], it.out[2])
		d.remove(f)
	}
}

// origin sees through recomputation: a value made again is the same number.
func origin(v *value) *value {
	if v.again != nil {
		return v.again
	}
	return v
}

func dependsOn(v *value, on *item, seen map[*value]bool) bool {
	if v.by == nil || seen[v] {
		return false
	}
	seen[v] = true
	if v.by == on {
		return true
	}
	for _, x := range v.by.in {
		if dependsOn(x, on, seen) {
			return true
		}
	}
	return false
}

// fuseActivation makes an activation that follows a matmul part of it. If the
// gradient wants the value before, the kernel stores both.
func (d *draft) fuseActivation() {
	uses := d.uses()
	for _, it := range append([]*item{}, d.items...) {
		if it.kernel != "activation" || it.out[0].over != nil {
			continue
		}
		x := it.in[0]
		if x.by == nil || x.by.kernel != "matmul" || x.by.out[0] != x || x.dtype != it.out[0].dtype {
			continue
		}
		at := x.by.attr.(graph.MatMulAttr)
		if at.Act != graph.Identity || at.Residual {
			continue
		}
		at.Act = it.attr.(graph.ActivationAttr).Act
		at.Pre = uses[x] > 1
		y := it.out[0]
		x.by.attr, x.by.out, y.by = at, []*value{y}, x.by
		if at.Pre {
			x.by.out = append(x.by.out, x)
		}
		d.remove(it)
	}
}

// fuseResidual makes an addition part of the matmul or layer_norm_grad_x that
// computes one of its terms, if nothing else needs that term and the other is
// there before it.
func (d *draft) fuseResidual() {
	uses := d.uses()
	place := map[*item]int{}
	for i, it := range d.items {
		place[it] = i
	}
	for _, it := range append([]*item{}, d.items...) {
		if it.kernel != "add" || it.out[0].over != nil {
			continue
		}
		for i, term := range it.in {
			other := it.in[1-i]
			if term.by == nil || term.by.out[0] != term || uses[term] != 1 || other == term ||
				(other.by != nil && place[other.by] >= place[term.by]) {
				continue
			}
			attr, ok := withResidual(term.by)
			if !ok {
				continue
			}
			sum := it.out[0]
			term.by.attr = attr
			term.by.in = append(append([]*value{}, term.by.in...), other)
			term.by.out[0], sum.by = sum, term.by
			d.remove(it)
			break
		}
	}
}

func withResidual(it *item) (any, bool) {
	switch it.kernel {
	case "matmul":
		at := it.attr.(graph.MatMulAttr)
		if !at.Residual && !at.Pre {
			at.Residual = true
			return at, true
		}
	case "layer_norm_grad_x":
		at := it.attr.(graph.LayerNormAttr)
		if !at.Residual {
			at.Residual = true
			return at, true
		}
	}
	return nil, false
}

func (d *draft) replace(old, with *value) {
	for _, it := range d.items {
		for i, v := range it.in {
			if v == old {
				it.in[i] = with
			}
		}
	}
	for name, v := range d.outputs {
		if v == old {
			with.output = true
			d.outputs[name] = with
		}
	}
}

func (d *draft) remove(gone *item) {
	for i, it := range d.items {
		if it == gone {
			d.items = append(d.items[:i:i], d.items[i+1:]...)
			return
		}
	}
}
