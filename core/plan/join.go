package plan

import "github.com/kiban-models/kiban/core/graph"

// join makes one norm_matmul of a product of few rows, the layer_norm that makes
// the rows for it alone, and the cache_writes that take columns of the product:
// as decoding has them, where a step costs about as much as the work in it.
func (d *draft) join(lim Limits) {
	if lim.JoinRows <= 0 {
		return
	}
	uses := d.uses()
	place, replaced := map[*item]int{}, map[*value]bool{}
	for i, it := range d.items {
		place[it] = i
		for _, v := range it.out {
			replaced[v.over] = v.over != nil
		}
	}
	for _, it := range append([]*item{}, d.items...) {
		if it.kernel != "matmul" {
			continue
		}
		at, x := it.attr.(graph.MatMulAttr), it.in[0]
		norm := x.by
		if at.M > lim.JoinRows || at.TransA || at.Pre || x.bytes() > lim.JoinBytes ||
			norm == nil || norm.kernel != "layer_norm" || norm.out[0] != x || uses[x] != 1 || uses[norm.out[1]] != 0 {
			continue
		}
		// The norm's operands are read later than they were.
		if replaced[norm.in[0]] || replaced[norm.in[1]] || replaced[norm.in[2]] {
			continue
		}
		writes := d.cacheWrites(it, uses, place)
		joined := graph.NormMatMulAttr{Norm: norm.attr.(graph.LayerNormAttr), MatMul: at}
		in := append([]*value{}, norm.in...)
		for _, w := range writes {
			joined.Caches = append(joined.Caches, w.attr.(graph.CacheWriteAttr))
			in = append(in, w.in[0])
			it.out = append(it.out, w.out[0])
			w.out[0].by = it
			d.remove(w)
		}
		if len(writes) > 0 {
			in = append(in, writes[0].in[2])
		}
		it.kernel, it.attr, it.in = "norm_matmul", joined, append(in, it.in[1:]...)
		d.remove(norm)
	}
}

// cacheWrites returns the writes of columns of a product that can be done with
// it: at one position, which is there before it, to caches that nobody reads as
// they were.
func (d *draft) cacheWrites(product *item, uses map[*value]int, place map[*item]int) (writes []*item) {
	for _, it := range d.items {
		if it.kernel != "cache_write" || it.in[1] != product.out[0] || len(writes) == graph.MaxJoinedCaches {
			continue
		}
		cache, pos := it.in[0], it.in[2]
		if uses[cache] != 1 || pos.by != nil && place[pos.by] >= place[product] {
			continue
		}
		if len(writes) > 0 {
			a, b := writes[0].attr.(graph.CacheWriteAttr), it.attr.(graph.CacheWriteAttr)
			if pos != writes[0].in[2] || a.Batch != b.Batch || a.Len != b.Len {
				continue
			}
		}
		writes = append(writes, it)
	}
	return writes
}
