package figure

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// NetworkNode is a point of a network diagram. Group picks its colour and shape.
type NetworkNode struct {
	Name  string
	X, Y  float64
	Group int
}

// maxNetworkEdges keeps a drawing light enough for a report.
const maxNetworkEdges = 5000

// Network draws nodes at their places and edges between them, each a pair of
// node numbers. Both directions have one scale, and there are no axes. groups
// names the groups, which are drawn in their order: the last one on top. Of
// more than 5,000 edges every n-th is drawn. The CSV has the nodes.
func Network(nodes []NetworkNode, edges [][2]int, groups []string, opt Options) (*Figure, error) {
	if len(nodes) == 0 {
		return nil, fmt.Errorf("figure: network: no nodes, wanted at least one")
	}
	if opt.LogX || opt.LogY || len(opt.Baselines)+len(opt.XMarks) > 0 {
		return nil, fmt.Errorf("figure: network: logarithmic axis or baseline asked for, a network has neither")
	}
	for i, v := range nodes {
		if !isFinite(v.X) || !isFinite(v.Y) || v.Group < 0 || v.Group >= len(groups) {
			return nil, fmt.Errorf("figure: network: node %d lies at (%v, %v) in group %d, wanted finite numbers and one of %d groups", i, v.X, v.Y, v.Group, len(groups))
		}
	}
	for i, e := range edges {
		if e[0] < 0 || e[0] >= len(nodes) || e[1] < 0 || e[1] >= len(nodes) {
			return nil, fmt.Errorf("figure: network: edge %d joins nodes %d and %d of %d", i, e[0], e[1], len(nodes))
		}
	}
	f := newFigure(opt)
	f.plot.HideAxes()
	f.plot.Add(&network{nodes, edges, len(groups)})
	count := make([]int, len(groups))
	f.header = []string{"name", "group", "x", "y"}
	for _, v := range nodes {
		count[v.Group]++
		f.rows = append(f.rows, []string{v.Name, groups[v.Group], cell(v.X), cell(v.Y)})
	}
	for i, name := range groups {
		g := networkGlyph(i, 2)
		f.legend = append(f.legend, legendEntry{name: name + " (n = " + strconv.Itoa(count[i]) + ")", mark: &g})
	}
	return f, nil
}

func networkGlyph(group int, radius float64) draw.GlyphStyle {
	g := dot(Colour(group), radius)
	g.Shape = shapes(group)
	return g
}

type network struct {
	nodes  []NetworkNode
	edges  [][2]int
	groups int
}

func (n *network) Plot(c draw.Canvas, _ *plot.Plot) {
	x0, x1, y0, y1 := n.bounds()
	// One scale for both directions, as large as fits.
	const margin = 4
	width, height := float64(c.Max.X-c.Min.X)-2*margin, float64(c.Max.Y-c.Min.Y)-2*margin
	scale := math.Min(width/math.Max(x1-x0, 1e-9), height/math.Max(y1-y0, 1e-9))
	at := func(v NetworkNode) vg.Point {
		return vg.Point{
			X: (c.Min.X+c.Max.X)/2 + vg.Length((v.X-(x0+x1)/2)*scale),
			Y: (c.Min.Y+c.Max.Y)/2 + vg.Length((v.Y-(y0+y1)/2)*scale),
		}
	}
	line := draw.LineStyle{Color: color.RGBA{0xB0, 0xB0, 0xB0, 0xFF}, Width: 0.35}
	every := (len(n.edges) + maxNetworkEdges - 1) / maxNetworkEdges
	for i := 0; i < len(n.edges); i += max(1, every) {
		a, b := at(n.nodes[n.edges[i][0]]), at(n.nodes[n.edges[i][1]])
		c.StrokeLine2(line, a.X, a.Y, b.X, b.Y)
	}
	radius := math.Min(2.2, math.Max(0.8, 0.3*scale))
	for g := range n.groups {
		style := networkGlyph(g, radius)
		for _, v := range n.nodes {
			if v.Group == g {
				c.DrawGlyphNoClip(style, at(v))
			}
		}
	}
}

func (n *network) bounds() (x0, x1, y0, y1 float64) {
	x0, x1, y0, y1 = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, v := range n.nodes {
		x0, x1 = math.Min(x0, v.X), math.Max(x1, v.X)
		y0, y1 = math.Min(y0, v.Y), math.Max(y1, v.Y)
	}
	return
}
