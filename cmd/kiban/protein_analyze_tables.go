package main

import (
	"math"
	"slices"

	"github.com/kiban-models/kiban/bio/property"
)

// number is one property in tables and summaries.
type number struct {
	name string
	of   func(*property.Properties) float64
}

// propertyNumbers are the numbers of properties.tsv in their order.
var propertyNumbers = []number{
	{"molecular_weight", func(p *property.Properties) float64 { return p.MolecularWeight }},
	{"isoelectric_point", func(p *property.Properties) float64 { return p.IsoelectricPoint }},
	{"charge", func(p *property.Properties) float64 { return p.Charge }},
	{"gravy", func(p *property.Properties) float64 { return p.GRAVY }},
	{"aromaticity", func(p *property.Properties) float64 { return p.Aromaticity }},
	{"instability", func(p *property.Properties) float64 { return p.Instability }},
	{"aliphatic", func(p *property.Properties) float64 { return p.Aliphatic }},
	{"helix", func(p *property.Properties) float64 { return p.Helix }},
	{"turn", func(p *property.Properties) float64 { return p.Turn }},
	{"sheet", func(p *property.Properties) float64 { return p.Sheet }},
	{"disorder", func(p *property.Properties) float64 { return p.Disorder }},
	{"disorder_fraction", func(p *property.Properties) float64 { return p.DisorderFraction }},
	{"uversky", func(p *property.Properties) float64 { return p.Uversky }},
	{"low_complexity", func(p *property.Properties) float64 { return p.LowComplexity }},
}

// propertyTable has one row a generated sequence.
func (a *analysis) propertyTable() table {
	t := table{columns: []string{"id", "length"}}
	for _, n := range propertyNumbers {
		t.columns = append(t.columns, n.name)
	}
	t.columns = append(t.columns, "extinction_reduced", "extinction_cystines", "nonstandard", "x_fraction")
	if a.found != nil {
		t.columns = append(t.columns, "nearest_id", "nearest_identity", "nearest_evalue", "novel", "longest_match", "extracted")
	}
	for i := range len(property.Standard) {
		t.columns = append(t.columns, "share_"+property.Standard[i:i+1])
	}
	for i, r := range a.generated.records {
		p := &a.generated.properties[i]
		row := []any{r.ID, p.Length}
		for _, n := range propertyNumbers {
			row = append(row, n.of(p))
		}
		x := 0
		for _, c := range r.Residues {
			if c == 'X' {
				x++
			}
		}
		row = append(row, p.ExtinctionReduced, p.ExtinctionCystines, p.Nonstandard, float64(x)/float64(p.Length))
		if a.found != nil {
			if h, ok := a.nearest(i); ok {
				row = append(row, h.Target, h.QueryIdentity(), h.EValue)
			} else {
				row = append(row, nil, nil, nil)
			}
			row = append(row, a.novel(i), a.memory.Recalls[i].Length, a.memory.Recalls[i].Extracted)
		}
		for _, n := range p.Counts {
			row = append(row, float64(n)/float64(p.Length))
		}
		t.add(row...)
	}
	return t
}

// nearestTable has the columns of MMseqs2's and BLAST's tables, positions from
// 1, and then our own. Only sequences with a hit have a row.
func (a *analysis) nearestTable() table {
	t := table{columns: []string{"query", "target", "fident", "alnlen", "mismatch", "gapopen", "qstart", "qend", "tstart", "tend",
		"evalue", "bits", "qlen", "tlen", "qcov", "tcov", "query_identity"}}
	for i, r := range a.generated.records {
		if h, ok := a.nearest(i); ok {
			t.add(r.ID, h.Target, h.Identity(), h.Length(), h.Mismatches, h.GapOpens, h.QueryStart+1, h.QueryEnd, h.TargetStart+1, h.TargetEnd,
				h.EValue, h.Bits, h.QueryLength, h.TargetLength, h.QueryCoverage(), h.TargetCoverage(), h.QueryIdentity())
		}
	}
	return t
}

// memoryTable has one row a generated sequence; positions are from 1.
func (a *analysis) memoryTable() table {
	t := table{columns: []string{"id", "length", "longest_match", "share", "target", "qstart", "qend", "tstart", "tend",
		"expected_by_chance", "matches_by_chance", "copy_of", "extracted"}}
	for i, r := range a.generated.records {
		m := a.memory.Recalls[i]
		row := []any{r.ID, len(r.Residues), m.Length, m.Share}
		if m.Length > 0 {
			row = append(row, m.Target, m.QueryStart+1, m.QueryStart+m.Length, m.TargetStart+1, m.TargetStart+m.Length)
		} else {
			row = append(row, nil, nil, nil, nil, nil)
		}
		row = append(row, m.Expected, m.Chance)
		if m.Copy {
			row = append(row, m.CopyID)
		} else {
			row = append(row, nil)
		}
		t.add(append(row, m.Extracted)...)
	}
	return t
}

// summaryTable has one row a set: the columns of seqkit stats, means of
// properties (of the sample of a natural set), and for the generated set its
// novelty.
func (a *analysis) summaryTable() table {
	t := table{columns: []string{"file", "format", "type", "num_seqs", "sum_len", "min_len", "avg_len", "max_len", "set", "x_fraction"}}
	for _, n := range propertyNumbers {
		t.columns = append(t.columns, n.name)
	}
	t.columns = append(t.columns, "nearest_identity", "novel", "extracted", "copies", "longest_match", "joined")
	for _, s := range []*sequenceSet{&a.generated, a.training, a.reference} {
		if s == nil {
			continue
		}
		f := s.stats
		row := []any{f.File, f.Format, f.Type, f.Num, f.Sum, f.Min, f.Avg, f.Max, s.name, float64(s.letters['X']) / float64(f.Sum)}
		for _, n := range propertyNumbers {
			row = append(row, meanOf(s.values(n.of)))
		}
		if s == &a.generated {
			row = append(row, a.noveltyCells()...)
		} else {
			row = append(row, nil, nil, nil, nil, nil, nil)
		}
		t.add(row...)
	}
	return t
}

// shortSummary is the part of it that is printed: without the means.
func (a *analysis) shortSummary() table {
	full := a.summaryTable()
	from, to := 9, 10+len(propertyNumbers)
	t := table{columns: slices.Delete(slices.Clone(full.columns), from, to)}
	for _, row := range full.rows {
		t.add(slices.Delete(row, from, to)...)
	}
	return t
}

// noveltyCells are the median identity to the nearest, shares of novel and
// extracted sequences, copies, the longest match, and the share joined to
// natural ones in the network.
func (a *analysis) noveltyCells() []any {
	cells := []any{nil, nil, nil, nil, nil, nil}
	if n := len(a.generated.records); a.found != nil && n > 0 {
		novel := 0
		for i := range n {
			if a.novel(i) {
				novel++
			}
		}
		ids := a.identities()
		slices.Sort(ids)
		cells = []any{ids[n/2], float64(novel) / float64(n), a.memory.Rate, a.memory.Copies, a.memory.Longest, nil}
	}
	if a.network != nil && a.network.Natural > 0 {
		cells[5] = a.network.Joined
	}
	return cells
}

// identities to the nearest training sequence; 0 where there is none.
func (a *analysis) identities() []float64 {
	out := make([]float64, len(a.generated.records))
	for i := range out {
		if h, ok := a.nearest(i); ok {
			out[i] = h.QueryIdentity()
		}
	}
	return out
}

func (s *sequenceSet) values(of func(*property.Properties) float64) []float64 {
	out := make([]float64, len(s.properties))
	for i := range s.properties {
		out[i] = of(&s.properties[i])
	}
	return out
}

// meanOf leaves out what is not known.
func meanOf(v []float64) float64 {
	sum, n := 0.0, 0
	for _, x := range v {
		if !math.IsNaN(x) {
			sum, n = sum+x, n+1
		}
	}
	return sum / float64(n)
}
