package novelty

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// WriteGraphML writes the network for Cytoscape, Gephi, yEd and networkx.
func (n *Network) WriteGraphML(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString(xml.Header + `<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="label" for="node" attr.name="label" attr.type="string"/>
  <key id="kind" for="node" attr.name="kind" attr.type="string"/>
  <key id="length" for="node" attr.name="length" attr.type="int"/>
  <key id="component" for="node" attr.name="component" attr.type="int"/>
  <key id="degree" for="node" attr.name="degree" attr.type="int"/>
  <key id="x" for="node" attr.name="x" attr.type="double"/>
  <key id="y" for="node" attr.name="y" attr.type="double"/>
  <key id="identity" for="edge" attr.name="identity" attr.type="double"/>
  <key id="coverage" for="edge" attr.name="coverage" attr.type="double"/>
  <key id="bits" for="edge" attr.name="bits" attr.type="double"/>
  <graph id="similarity" edgedefault="undirected">
`)
	for i, v := range n.Nodes {
		fmt.Fprintf(b, `    <node id="n%d"><data key="label">%s</data><data key="kind">%s</data><data key="length">%d</data><data key="component">%d</data><data key="degree">%d</data><data key="x">%g</data><data key="y">%g</data></node>`+"\n",
			i, escape(v.ID), v.Kind(), v.Length, v.Component, v.Degree, v.X, v.Y)
	}
	for _, e := range n.Edges {
		fmt.Fprintf(b, `    <edge source="n%d" target="n%d"><data key="identity">%g</data><data key="coverage">%g</data><data key="bits">%g</data></edge>`+"\n",
			e.From, e.To, e.Identity, e.Coverage, e.Bits)
	}
	b.WriteString("  </graph>\n</graphml>\n")
	return b.Flush()
}

// Kind is "generated" or "natural".
func (v Node) Kind() string {
	if v.Natural {
		return "natural"
	}
	return "generated"
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a builder never fails
	return b.String()
}
