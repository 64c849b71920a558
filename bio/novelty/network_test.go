package novelty

import (
	"bytes"
	"encoding/xml"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// Three natural families, generated relatives of two of them, a generated
// family of its own, and strangers.
func TestNetwork(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	var natural, generated [][]byte
	for range 3 {
		first := random(r, 150)
		natural = append(natural, first, mutated(r, first, 0.3), mutated(r, first, 0.3))
	}
	for i := range 4 {
		generated = append(generated, mutated(r, natural[3*(i%2)], 0.3))
	}
	own := random(r, 120)
	generated = append(generated, own, mutated(r, own, 0.2))
	generated = append(generated, random(r, 100), random(r, 100))
	build := func(threads int) *Network {
		n, err := NewNetwork(t.Context(), records("g<&", generated), records("n", natural), NetworkOptions{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := build(1)
	if n.Generated != 8 || n.Natural != 9 || n.Components != 6 || n.Largest != 5 || n.Joined != 0.5 || n.Alone != 0.25 {
		t.Errorf("%+v", n.NetworkSummary)
	}
	component := func(i int) int { return n.Nodes[i].Component }
	for i := range 4 {
		if component(i) != component(8+3*(i%2)) {
			t.Errorf("generated %d is not in the component of its origin", i)
		}
	}
	if component(4) != component(5) || component(6) == component(7) || component(4) == component(8) {
		t.Error("the generated family or the strangers are joined wrongly")
	}
	for _, e := range n.Edges {
		if e.From >= e.To || e.Identity < 0.3 || e.Coverage < 0.5 || e.Bits <= 0 {
			t.Errorf("edge %+v", e)
		}
	}
	if !reflect.DeepEqual(n, build(4)) {
		t.Error("the network or its drawing depends on threads")
	}
	for i, a := range n.Nodes {
		for j, b := range n.Nodes[:i] {
			if d := math.Hypot(a.X-b.X, a.Y-b.Y); !(d > 0.05) {
				t.Errorf("nodes %d and %d lie %v apart", i, j, d)
			}
		}
	}
	var b bytes.Buffer
	if err := n.WriteGraphML(&b); err != nil {
		t.Fatal(err)
	}
	var g struct {
		Graph struct {
			Node []struct {
				ID   string   `xml:"id,attr"`
				Data []string `xml:"data"`
			} `xml:"node"`
			Edge []struct {
				Source string `xml:"source,attr"`
				Target string `xml:"target,attr"`
			} `xml:"edge"`
		} `xml:"graph"`
	}
	if err := xml.Unmarshal(b.Bytes(), &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Graph.Node) != 17 || len(g.Graph.Edge) != n.EdgeCount || g.Graph.Node[0].Data[0] != "g<&0" || g.Graph.Node[8].Data[1] != "natural" {
		t.Errorf("GraphML has %d nodes and %d edges; the first are %+v", len(g.Graph.Node), len(g.Graph.Edge), g.Graph.Node[0])
	}
}

func TestNetworkOfNothing(t *testing.T) {
	n, err := NewNetwork(t.Context(), nil, nil, NetworkOptions{})
	if err != nil || n.Components != 0 || !math.IsNaN(n.Joined) {
		t.Errorf("%+v, %v", n, err)
	}
}
