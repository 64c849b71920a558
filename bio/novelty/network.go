package novelty

import (
	"cmp"
	"context"
	"slices"

	"github.com/kiban-models/kiban/bio/sequence"
)

// NetworkOptions say which sequences are joined. The zero value is ready.
type NetworkOptions struct {
	Identity  float64 // least share of identical columns of an edge; 0 means 0.3
	Coverage  float64 // least share of the shorter sequence in it; 0 means 0.5
	EValue    float64 // largest E-value in all nodes; 0 means 1e-3
	Neighbour int     // nodes looked at around each by alignment; 0 means 50
	Threads   int
	Progress  func(phase string, done, total int64)
}

// Node is a sequence of a network.
type Node struct {
	ID        string
	Length    int // residues
	Natural   bool
	Component int // number of its component, from 1, the largest first
	Degree    int
	X, Y      float64 // place in the drawing
}

// Edge joins two nodes, From < To.
type Edge struct {
	From, To int
	Identity float64 // share of columns with equal residues
	Coverage float64 // share of the shorter sequence
	Bits     float64
}

// Network of sequence similarity.
type Network struct {
	Nodes []Node
	Edges []Edge
	NetworkSummary
}

// NetworkSummary counts.
type NetworkSummary struct {
	Generated  int
	Natural    int
	EdgeCount  int
	Components int // nodes without an edge are components of their own
	Largest    int // nodes of the largest component
	// Joined is the share of generated nodes whose component has a natural node:
	// in known sequence space or linked to it. Alone is the share of those
	// without any edge. Both are NaN without generated nodes.
	Joined float64
	Alone  float64
}

// NewNetwork compares all sequences with one another, as Search does, and joins
// those that are alike. Ferruz, Schmidt & Höcker (Nat. Commun. 13:4348, 2022)
// draw such a network of ProtGPT2's sequences and SCOPe domains from HHsearch
// profiles, which reach further than sequences: here an edge is an alignment of
// at least 30 % identity over half of the shorter sequence with an E-value of at
// most 1e-3.
func NewNetwork(ctx context.Context, generated, natural []sequence.Record, o NetworkOptions) (*Network, error) {
	if o.Identity <= 0 {
		o.Identity = 0.3
	}
	if o.Coverage <= 0 {
		o.Coverage = 0.5
	}
	if o.EValue <= 0 {
		o.EValue = 1e-3
	}
	if o.Neighbour <= 0 {
		o.Neighbour = 50
	}
	all := slices.Concat(generated, natural)
	n := &Network{Nodes: make([]Node, len(all))}
	for i, s := range all {
		n.Nodes[i] = Node{ID: s.ID, Length: len(s.Residues), Natural: i >= len(generated)}
	}
	r, err := Search(ctx, all, func(yield func(sequence.Record, error) bool) {
		for _, s := range all {
			if !yield(s, nil) {
				return
			}
		}
	}, Options{Candidates: o.Neighbour, Hits: o.Neighbour, MaxEValue: o.EValue, SkipSelf: true, Threads: o.Threads, Progress: o.Progress})
	if err != nil {
		return nil, err
	}
	for i, hits := range r.Hits {
		for _, h := range hits {
			e := Edge{From: i, To: int(h.TargetIndex), Identity: h.Identity(), Coverage: h.QueryCoverage(), Bits: h.Bits}
			if h.TargetLength < h.QueryLength {
				e.Coverage = h.TargetCoverage()
			}
			if e.From > e.To {
				e.From, e.To = e.To, e.From
			}
			if h.EValue <= o.EValue && e.Identity >= o.Identity && e.Coverage >= o.Coverage {
				n.Edges = append(n.Edges, e)
			}
		}
	}
	// Most are found from both ends; of equal scores either alignment will do,
	// but always the same.
	slices.SortFunc(n.Edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(b.Bits, a.Bits), cmp.Compare(b.Identity, a.Identity), cmp.Compare(b.Coverage, a.Coverage))
	})
	n.Edges = slices.CompactFunc(n.Edges, func(a, b Edge) bool { return a.From == b.From && a.To == b.To })
	n.components()
	n.layout()
	return n, nil
}

// components numbers them and counts.
func (n *Network) components() {
	parent := make([]int, len(n.Nodes))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for _, e := range n.Edges {
		n.Nodes[e.From].Degree++
		n.Nodes[e.To].Degree++
		a, b := root(e.From), root(e.To)
		parent[max(a, b)] = min(a, b) // a root is the first node of its component
	}
	type component struct{ first, size, natural int }
	byRoot := map[int]*component{}
	var all []*component
	for i, node := range n.Nodes {
		r := root(i)
		c := byRoot[r]
		if c == nil {
			c = &component{first: r}
			byRoot[r], all = c, append(all, c)
		}
		c.size++
		if node.Natural {
			c.natural++
		}
	}
	slices.SortFunc(all, func(a, b *component) int { return cmp.Or(b.size-a.size, a.first-b.first) })
	number := map[int]int{}
	for i, c := range all {
		number[c.first] = i + 1
	}
	joined, alone := 0, 0
	s := &n.NetworkSummary
	for i := range n.Nodes {
		node := &n.Nodes[i]
		r := root(i)
		node.Component = number[r]
		if node.Natural {
			s.Natural++
			continue
		}
		s.Generated++
		if byRoot[r].natural > 0 {
			joined++
		}
		if node.Degree == 0 {
			alone++
		}
	}
	s.EdgeCount, s.Components = len(n.Edges), len(all)
	if len(all) > 0 {
		s.Largest = all[0].size
	}
	s.Joined = float64(joined) / float64(s.Generated)
	s.Alone = float64(alone) / float64(s.Generated)
}
