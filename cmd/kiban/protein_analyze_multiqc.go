package main

import (
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
)

// writeMultiQC writes two files that MultiQC finds by their names: a table of
// the means, and the columns for its general statistics.
func (a *analysis) writeMultiQC(c *cli.Context, dir string, in []string) error {
	sample := c.String("prefix")
	if sample == "" {
		sample = stem(in[0])
	}
	full := a.summaryTable()
	cells := map[string]any{}
	for i, name := range full.columns {
		cells[name] = full.rows[0][i]
	}
	pick := func(names ...string) []byte {
		var pairs []any
		for _, n := range names {
			if v := cells[n]; v != nil && jsonValue(v) != "null" {
				pairs = append(pairs, n, v)
			}
		}
		return object(sample, object(pairs...))
	}
	means := []string{"num_seqs", "avg_len", "molecular_weight", "isoelectric_point", "gravy", "instability", "disorder", "low_complexity"}
	section := object("id", "kiban_protein", "section_name", "Kiban: generated proteins",
		"description", "Means of properties that follow from the sequences.", "plot_type", "table",
		"pconfig", object("id", "kiban_protein_table", "title", "Kiban: properties of generated proteins"),
		"data", pick(means...))
	column := func(name, title, description, suffix string, largest any) []byte {
		return object(name, object("title", title, "description", description, "suffix", suffix, "min", 0, "max", largest, "namespace", "Kiban"))
	}
	general := object("id", "kiban_general", "plot_type", "generalstats",
		"pconfig", append(append([]byte("["), strings.Join([]string{
			string(column("num_seqs", "Sequences", "Generated sequences", "", nil)),
			string(column("nearest_identity", "Identity", "Median identity to the nearest training sequence", "", 1)),
			string(column("novel", "Novel", "Share below the identity limit", "", 1)),
			string(column("extracted", "Extracted", "Share that stands in the training data", "", 1)),
		}, ",")...), ']'),
		"data", pick("num_seqs", "nearest_identity", "novel", "extracted"))
	for name, data := range map[string][]byte{"_kiban_mqc.json": section, "_kiban_generalstats_mqc.json": general} {
		if err := writeWhole(filepath.Join(dir, sample+name), data); err != nil {
			return err
		}
	}
	return nil
}

// stem is the name of a file without folders and suffixes; of standard input,
// "stdin".
func stem(name string) string {
	if name == "-" {
		return "stdin"
	}
	s, _, _ := strings.Cut(filepath.Base(name), ".")
	return s
}
