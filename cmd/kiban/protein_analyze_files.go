package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/checkpoint"
)

func prefixed(c *cli.Context, name string) string {
	if p := c.String("prefix"); p != "" {
		return p + "_" + name
	}
	return name
}

// writeAnalysis writes all files into dir, each as a whole; the report, which
// speaks of the others, comes last.
func writeAnalysis(c *cli.Context, dir string, in []string, a *analysis) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	files := []struct {
		name string
		data []byte
	}{
		{"properties.tsv", a.propertyTable().tsv()},
		{"summary.json", a.summaryTable().json()},
		{"versions.yml", fmt.Appendf(nil, "\"kiban\":\n    kiban: %s\n", readVersion().Version)},
	}
	add := func(name string, data []byte) {
		files = append(files, struct {
			name string
			data []byte
		}{name, data})
	}
	if a.found != nil {
		add("nearest.tsv", a.nearestTable().tsv())
		add("memorisation.tsv", a.memoryTable().tsv())
		add("memorisation.json", a.memoryJSON())
	}
	if a.network != nil {
		add("network.json", a.networkJSON())
		var b bytes.Buffer
		if err := a.network.WriteGraphML(&b); err != nil {
			return err
		}
		add("network.graphml", b.Bytes())
	}
	for _, f := range files {
		if err := writeWhole(filepath.Join(dir, prefixed(c, f.name)), f.data); err != nil {
			return err
		}
		detail(c, "wrote %s", filepath.Join(dir, prefixed(c, f.name)))
	}
	if c.Bool("multiqc") {
		if err := a.writeMultiQC(c, dir, in); err != nil {
			return err
		}
	}
	if len(a.generated.records) == 0 || !c.Bool("figures") && !c.Bool("report") {
		return nil
	}
	drawn, err := a.figures()
	if err != nil {
		return err
	}
	if c.Bool("figures") {
		for i := range drawn {
			if err := drawn[i].save(filepath.Join(dir, "figures", prefixed(c, drawn[i].name))); err != nil {
				return err
			}
		}
	}
	if !c.Bool("report") {
		return nil
	}
	rep, err := a.report(c, drawn)
	if err != nil {
		return err
	}
	return checkpoint.WriteFile(filepath.Join(dir, prefixed(c, "report.html")), rep.Write)
}

// object is JSON of names and values in turn, in their order; a value that is
// JSON already is a []byte.
func object(pairs ...any) []byte {
	var b bytes.Buffer
	b.WriteString("{")
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		value, ok := pairs[i+1].([]byte)
		if !ok {
			value = []byte(jsonValue(pairs[i+1]))
		}
		fmt.Fprintf(&b, "\n%s: %s", jsonValue(pairs[i]), bytes.TrimSpace(value))
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}

func (a *analysis) memoryJSON() []byte {
	m, o := a.memory, a.options.memorisation
	return object("queries", m.Queries, "training_sequences", a.training.stats.Num, "training_residues", a.training.stats.Sum,
		"memorised_length", o.Length, "memorised_share", o.Share, "copies", m.Copies, "extracted", m.Extracted,
		"extraction_rate", m.Rate, "longest_match", m.Longest, "sequences", a.memoryTable().json())
}

func (a *analysis) networkJSON() []byte {
	n := a.network
	nodes := table{columns: []string{"id", "kind", "length", "component", "degree", "x", "y"}}
	for _, v := range n.Nodes {
		nodes.add(v.ID, v.Kind(), v.Length, v.Component, v.Degree, v.X, v.Y)
	}
	edges := table{columns: []string{"source", "target", "identity", "coverage", "bits"}}
	for _, e := range n.Edges {
		edges.add(e.From, e.To, e.Identity, e.Coverage, e.Bits)
	}
	return object("generated", n.Generated, "natural", n.Natural, "edge_count", n.EdgeCount, "components", n.Components,
		"largest_component", n.Largest, "joined_to_natural", n.Joined, "without_edge", n.Alone, "nodes", nodes.json(), "edges", edges.json())
}
