package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/figure"
	"github.com/kiban-models/kiban/bio/property"
	"github.com/kiban-models/kiban/bio/sequence"
	corefigure "github.com/kiban-models/kiban/core/figure"
)

// drawing is a figure with what the report says about it.
type drawing struct {
	name, caption, finding string
	figure                 *corefigure.Figure
}

func (d drawing) save(path string) error {
	_, err := corefigure.Save(d.figure, path, corefigure.Double)
	return err
}

// drawnProperties are the histograms.
var drawnProperties = []struct {
	name, title, label, caption string
	of                          func(*property.Properties) float64
	marks                       []corefigure.Baseline
}{
	{"molecular_weight", "Molecular weight", "Molecular weight (kDa)", "Average isotopic mass.",
		func(p *property.Properties) float64 { return p.MolecularWeight / 1000 }, nil},
	{"isoelectric_point", "Isoelectric point", "Isoelectric point (pH)", "pH without net charge, by the pK values of Bjellqvist.",
		func(p *property.Properties) float64 { return p.IsoelectricPoint }, nil},
	{"gravy", "Hydropathy", "GRAVY (mean Kyte-Doolittle hydropathy)", "Mean hydropathy; above 0 is hydrophobic.",
		func(p *property.Properties) float64 { return p.GRAVY }, nil},
	{"instability", "Instability", "Instability index", "Index of Guruprasad et al.; above 40 counts as unstable.",
		func(p *property.Properties) float64 { return p.Instability }, []corefigure.Baseline{{Name: "unstable above 40", Value: 40}}},
	{"disorder", "Disorder", "TOP-IDP propensity (mean)", "Mean propensity for disorder of Campen et al.; high is disordered.",
		func(p *property.Properties) float64 { return p.Disorder }, nil},
}

func (a *analysis) figures() ([]drawing, error) {
	var out []drawing
	add := func(name, caption, finding string, f *corefigure.Figure, err error) error {
		if err != nil {
			return fmt.Errorf("figure %s: %w", name, err)
		}
		out = append(out, drawing{name, caption, finding, f})
		return nil
	}
	natural := a.natural()
	if natural != nil {
		f, err := figure.Lengths(lengthsOf(a.generated.records), lengthsOf(natural.records), natural.name)
		err = add("length", "Lengths of generated and "+natural.name+" sequences.", fmt.Sprintf("Generated sequences have %s residues on average, %s ones %s.",
			human(a.generated.stats.Avg), natural.name, human(natural.stats.Avg)), f, err)
		if err != nil {
			return nil, err
		}
		g, n := lettersOf(a.generated.letters), lettersOf(natural.letters)
		f, err = figure.Composition(g, n, natural.name)
		err = add("composition", "Share of each amino acid among generated residues over its share among those of the "+natural.name+" set, log2.", "Bars near 0 are amino acids as frequent as there.", f, err)
		if err != nil {
			return nil, err
		}
	} else {
		lengths := make([]float64, len(a.generated.records))
		for i, r := range a.generated.records {
			lengths[i] = float64(len(r.Residues))
		}
		f, err := figure.Property("Sequence length", "Length (residues)", lengths, nil, "")
		err = add("length", "Lengths of the sequences.", fmt.Sprintf("They have %s residues on average.", human(a.generated.stats.Avg)), f, err)
		if err != nil {
			return nil, err
		}
	}
	for _, p := range drawnProperties {
		g := a.generated.values(p.of)
		var n []float64
		name := ""
		finding := fmt.Sprintf("The mean of generated sequences is %s.", human(meanOf(g)))
		if natural != nil {
			n, name = natural.values(p.of), natural.name
			finding = fmt.Sprintf("The mean of generated sequences is %s, that of %s ones %s.", human(meanOf(g)), name, human(meanOf(n)))
		}
		if !anyFinite(g) || n != nil && !anyFinite(n) {
			continue // sequences of X only have no such number
		}
		f, err := figure.Property(p.title, p.label, g, n, name, p.marks...)
		if err := add(p.name, p.caption, finding, f, err); err != nil {
			return nil, err
		}
	}
	if a.found != nil {
		ids := a.identities()
		f, err := figure.Novelty(ids)
		slices.Sort(ids)
		err = add("novelty", "How much of each generated sequence its nearest training sequence has at the same places of the best local alignment.",
			fmt.Sprintf("Half of the sequences have less than %.0f %% in common with any training sequence.", 100*ids[len(ids)/2]), f, err)
		if err != nil {
			return nil, err
		}
	}
	if a.network != nil {
		n := a.network
		nodes := make([]figure.SimilarSequence, len(n.Nodes))
		for i, v := range n.Nodes {
			nodes[i] = figure.SimilarSequence{ID: v.ID, Natural: v.Natural, X: v.X, Y: v.Y}
		}
		edges := make([][2]int, len(n.Edges))
		for i, e := range n.Edges {
			edges[i] = [2]int{e.From, e.To}
		}
		sub := fmt.Sprintf("%s edges, %s components", human(n.EdgeCount), human(n.Components))
		finding := fmt.Sprintf("%.0f %% of the generated sequences are like no other one here.", 100*n.Alone)
		if n.Natural > 0 {
			finding = fmt.Sprintf("%.0f %% of the generated sequences are in one component with natural ones, %.0f %% are like no other one here.", 100*n.Joined, 100*n.Alone)
		}
		f, err := figure.Similarity(nodes, edges, sub)
		if err := add("similarity_network", networkCaption(a), finding, f, err); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func networkCaption(a *analysis) string {
	s := "Sequences, joined where a local alignment has enough identical columns over half of the shorter one and an E-value of at most 0.001."
	if a.found != nil {
		s += " Natural ones are the nearest training sequence of each generated one, and a sample."
	}
	return s
}

func (a *analysis) report(c *cli.Context, drawn []drawing) (*corefigure.Report, error) {
	rep := &corefigure.Report{
		Title: "Analysis of " + filepath.Base(a.generated.stats.File), Result: a.finding() + ".", Generator: readVersion().line(),
		Repeat:   []string{commandLine(os.Args)},
		Versions: []corefigure.KV{{Key: "kiban", Value: readVersion().line()}},
		Asked:    []corefigure.KV{{Key: "command", Value: commandLine(os.Args)}},
	}
	sets := corefigure.Table{Caption: "Sequences", Header: []string{"set", "file", "sequences", "residues", "shortest", "mean", "longest"}}
	for _, s := range []*sequenceSet{&a.generated, a.training, a.reference} {
		if s != nil {
			f := s.stats
			sets.Rows = append(sets.Rows, []string{s.name, filepath.Base(f.File), human(f.Num), human(f.Sum), human(f.Min), human(f.Avg), human(f.Max)})
		}
	}
	rep.Tables = append(rep.Tables, sets, a.meansTable())
	if a.found != nil {
		rep.Tables = append(rep.Tables, a.noveltyTable())
		if t := a.copiedTable(); len(t.Rows) > 0 {
			rep.Sections = append(rep.Sections, corefigure.Section{Heading: "The longest exact matches", Tables: []corefigure.Table{t}})
		}
	}
	for _, d := range drawn {
		svg, err := d.figure.SVG(corefigure.Double)
		if err != nil {
			return nil, err
		}
		rep.Figures = append(rep.Figures, corefigure.Fig{SVG: svg, Caption: d.caption, Finding: d.finding})
	}
	var text strings.Builder
	w := sequence.NewWriter(&text, sequence.DefaultWidth)
	for _, r := range a.generated.records[:min(10, len(a.generated.records))] {
		if err := w.Write(r); err != nil {
			return nil, err
		}
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	rep.Sections = append(rep.Sections, corefigure.Section{Heading: "The first sequences", Pre: text.String()})
	rep.Limits = []string{
		"Properties are computed from sequences alone. They do not say that a protein folds or works.",
	}
	if a.found == nil {
		rep.Limits = append(rep.Limits, "No training data were given (--training): nearest sequences and memorisation were not looked at.")
	} else {
		rep.Limits = append(rep.Limits,
			"The nearest training sequence is found through common seeds: relatives below some 30 % identity may be missed. A low identity does not exclude a distant relation.",
			"Exact matches are also what common descent leaves: families that are conserved have long ones without memory. Chance alone is in the table.")
	}
	if n := a.natural(); n != nil && n.stats.Num > int64(len(n.records)) {
		rep.Limits = append(rep.Limits, fmt.Sprintf("Lengths and properties of %s sequences are of a sample of %s; totals and composition of all.", n.name, human(len(n.records))))
	}
	return rep, nil
}

// meansTable has one row a property and one column a set.
func (a *analysis) meansTable() corefigure.Table {
	t := corefigure.Table{Caption: "Means of properties", Header: []string{"property", "generated"}, Numbers: true}
	natural := a.natural()
	if natural != nil {
		t.Header = append(t.Header, natural.name)
	}
	for _, n := range propertyNumbers {
		row := []string{strings.ReplaceAll(n.name, "_", " "), human(meanOf(a.generated.values(n.of)))}
		if natural != nil {
			row = append(row, human(meanOf(natural.values(n.of))))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (a *analysis) noveltyTable() corefigure.Table {
	t := corefigure.Table{Caption: "Novelty", Header: []string{"measure", "sequences", "share"}, Numbers: true}
	n := len(a.generated.records)
	row := func(name string, count int) {
		t.Rows = append(t.Rows, []string{name, human(count), fmt.Sprintf("%.1f %%", 100*float64(count)/float64(n))})
	}
	for _, at := range []float64{0.3, 0.5, 0.9} {
		k := 0
		for _, v := range a.identities() {
			if v < at {
				k++
			}
		}
		row(fmt.Sprintf("below %.0f %% identity to the nearest", 100*at), k)
	}
	o := a.options.memorisation
	row(fmt.Sprintf("extracted: %d residues in a row, or %.0f %% of the sequence", o.Length, 100*o.Share), a.memory.Extracted)
	row("copies of a training sequence", a.memory.Copies)
	return t
}

// copiedTable lists the ten longest exact matches.
func (a *analysis) copiedTable() corefigure.Table {
	t := corefigure.Table{Caption: "Residues in a row that a training sequence has too, and how long the longest match is on average by chance",
		Header: []string{"sequence", "residues", "of", "training sequence", "by chance"}}
	order := make([]int, len(a.memory.Recalls))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return a.memory.Recalls[y].Length - a.memory.Recalls[x].Length })
	for _, i := range order[:min(10, len(order))] {
		if m := a.memory.Recalls[i]; m.Length > 0 {
			r := a.generated.records[i]
			t.Rows = append(t.Rows, []string{r.ID, strconv.Itoa(m.Length), strconv.Itoa(len(r.Residues)), m.Target, fmt.Sprintf("%.1f", m.Expected)})
		}
	}
	return t
}

func anyFinite(v []float64) bool {
	return slices.ContainsFunc(v, func(x float64) bool { return x == x })
}

func lengthsOf(records []sequence.Record) []int {
	out := make([]int, len(records))
	for i, r := range records {
		out[i] = len(r.Residues)
	}
	return out
}

func lettersOf(counts [256]int64) map[byte]int {
	out := map[byte]int{}
	for c, n := range counts {
		if n > 0 {
			out[byte(c)] = int(n)
		}
	}
	return out
}
