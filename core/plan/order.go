package plan

import "container/heap"

// order puts the items back into an order in which they can run, as close as
// possible to the one they had.
func (d *draft) order() {
	waits := make([]int, len(d.items))
	place := map[*item]int{}
	for i, it := range d.items {
		place[it] = i
	}
	next := make([][]int, len(d.items))
	after := func(i, j int) { // item j runs after item i
		next[i] = append(next[i], j)
		waits[j]++
	}
	for j, it := range d.items {
		for _, v := range it.in {
			if v.by != nil {
				after(place[v.by], j)
			}
		}
	}
	// Whoever reads a parameter or state goes before the item that replaces it.
	replacer := map[*value]int{}
	for i, it := range d.items {
		for _, v := range it.out {
			if v.over != nil {
				replacer[v.over] = i
			}
		}
	}
	for i, it := range d.items {
		for _, v := range it.in {
			if j, ok := replacer[v]; ok && j != i {
				after(i, j)
			}
		}
	}
	ready := &intHeap{}
	for i := range d.items {
		if waits[i] == 0 {
			heap.Push(ready, i)
		}
	}
	items := make([]*item, 0, len(d.items))
	for ready.Len() > 0 {
		i := heap.Pop(ready).(int)
		items = append(items, d.items[i])
		for _, j := range next[i] {
			if waits[j]--; waits[j] == 0 {
				heap.Push(ready, j)
			}
		}
	}
	if len(items) == len(d.items) { // else a cycle, which checkStores explains
		d.items = items
	}
}

type intHeap []int

func (h intHeap) Len() int           { return len(h) }
func (h intHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h intHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *intHeap) Push(x any)        { *h = append(*h, x.(int)) }
func (h *intHeap) Pop() any {
	x := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return x
}
