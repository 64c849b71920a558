package novelty

import (
	"math"
	"slices"
)

// layout places the nodes: each component by itself by the forces of
// Fruchterman & Reingold (Softw. Pract. Exp. 21:1129, 1991), from a spiral and
// for a fixed number of steps, so that a network always looks the same; then
// the components side by side, the largest first. Coordinates are in units of
// the wanted length of an edge.
func (n *Network) layout() {
	members := make([][]int, n.Components)
	for i, node := range n.Nodes {
		members[node.Component-1] = append(members[node.Component-1], i)
	}
	edges := make([][]Edge, n.Components)
	for _, e := range n.Edges {
		c := n.Nodes[e.From].Component - 1
		edges[c] = append(edges[c], e)
	}
	radius := make([]float64, n.Components)
	for c := range members {
		radius[c] = n.force(members[c], edges[c])
	}
	n.pack(members, radius)
}

// force places one component around the origin and returns its radius.
func (n *Network) force(members []int, edges []Edge) float64 {
	const golden = 2.399963229728653 // of a turn, in radians
	count := len(members)
	place := make(map[int]int, count)
	x, y := make([]float64, count), make([]float64, count)
	for k, i := range members {
		place[i] = k
		r := 0.6 * math.Sqrt(float64(k))
		x[k], y[k] = r*math.Cos(float64(k)*golden), r*math.Sin(float64(k)*golden)
	}
	// All pairs repel one another: steps fall with size to keep the work in
	// bounds.
	steps := min(300, 60_000_000/(count*count)+10)
	if count == 1 {
		steps = 0
	}
	dx, dy := make([]float64, count), make([]float64, count)
	for step := range steps {
		clear(dx)
		clear(dy)
		for a := range count {
			for b := a + 1; b < count; b++ {
				ux, uy := x[a]-x[b], y[a]-y[b]
				f := 1 / math.Max(ux*ux+uy*uy, 0.01)
				dx[a], dy[a] = dx[a]+ux*f, dy[a]+uy*f
				dx[b], dy[b] = dx[b]-ux*f, dy[b]-uy*f
			}
		}
		for _, e := range edges {
			a, b := place[e.From], place[e.To]
			ux, uy := x[a]-x[b], y[a]-y[b]
			f := math.Hypot(ux, uy)
			dx[a], dy[a] = dx[a]-ux*f, dy[a]-uy*f
			dx[b], dy[b] = dx[b]+ux*f, dy[b]+uy*f
		}
		heat := 0.1 * math.Sqrt(float64(count)) * (1 - float64(step)/float64(steps))
		for a := range count {
			if l := math.Hypot(dx[a], dy[a]); l > 0 {
				move := math.Min(l, heat) / l
				x[a], y[a] = x[a]+dx[a]*move, y[a]+dy[a]*move
			}
		}
	}
	var cx, cy, far float64
	for a := range count {
		cx, cy = cx+x[a]/float64(count), cy+y[a]/float64(count)
	}
	for a, i := range members {
		n.Nodes[i].X, n.Nodes[i].Y = x[a]-cx, y[a]-cy
		far = math.Max(far, math.Hypot(x[a]-cx, y[a]-cy))
	}
	return far + 0.5
}

// pack sets the components in rows, in all about twice as wide as high, as
// figures are.
func (n *Network) pack(members [][]int, radius []float64) {
	area := 0.0
	for _, r := range radius {
		area += 4 * r * r
	}
	order := make([]int, len(radius))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case radius[a] > radius[b]:
			return -1
		case radius[a] < radius[b]:
			return 1
		}
		return 0
	})
	width := math.Sqrt(area * 2.4)
	var left, top, high float64
	for _, c := range order {
		d := 2 * radius[c]
		if left > 0 && left+d > width {
			left, top, high = 0, top-high, 0
		}
		high = math.Max(high, d)
		for _, i := range members[c] {
			n.Nodes[i].X += left + radius[c]
			n.Nodes[i].Y += top - radius[c]
		}
		left += d
	}
}
