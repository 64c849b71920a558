package field

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// Dataset is what the files of one series have in common, in the words of
// CMIP6; empty for files that say nothing of it.
type Dataset struct {
	Source     string `json:"source_id,omitempty"`
	Experiment string `json:"experiment_id,omitempty"`
	Member     string `json:"variant_label,omitempty"`
	Table      string `json:"table_id,omitempty"`
	Grid       string `json:"grid_label,omitempty"`
}

// String is the parts with _ between, as in a file's name.
func (d Dataset) String() string {
	parts := slices.DeleteFunc([]string{d.Table, d.Source, d.Experiment, d.Member, d.Grid}, func(s string) bool { return s == "" })
	if len(parts) == 0 {
		return "files without CMIP attributes"
	}
	return strings.Join(parts, "_")
}

// has tells whether all words of a text, between _, are parts of d.
func (d Dataset) has(text string) bool {
	for word := range strings.SplitSeq(text, "_") {
		is := func(part string) bool { return strings.EqualFold(part, word) }
		if text != "" && !slices.ContainsFunc([]string{d.Source, d.Experiment, d.Member, d.Table, d.Grid}, is) {
			return false
		}
	}
	return true
}

// datasetNames are the names of datasets, each once.
func datasetNames(all []Dataset) []string {
	var names []string
	for _, d := range all {
		names = append(names, d.String())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var memberID = regexp.MustCompile(`^(s\d+-)?r\d+i\d+p\d+(f\d+)?$`)

// fileName is the name of a CMIP6 file, variable_table_source_experiment_member_
// grid_range.nc (CMIP6 Global Attributes, DRS, Filenames), or of a CMIP5 one,
// which has no grid.
type fileName struct {
	Variable string
	Dataset
	Range string
}

func parseFileName(path string) (f fileName, ok bool) {
	stem := strings.TrimSuffix(filepath.Base(path), ".nc")
	p := strings.Split(stem, "_")
	if len(p) < 5 || len(p) > 7 || !memberID.MatchString(p[4]) {
		return f, false
	}
	f.Variable, f.Dataset = p[0], Dataset{Table: p[1], Source: p[2], Experiment: p[3], Member: p[4]}
	rest := p[5:]
	if len(rest) > 0 && strings.HasPrefix(rest[0], "g") {
		f.Grid, rest = rest[0], rest[1:]
	}
	if len(rest) > 0 {
		f.Range, rest = rest[0], rest[1:]
	}
	return f, len(rest) == 0
}

// benchName is the name of a file of ClimateBench (Watson-Parris et al. 2022),
// whose experiment nothing else says.
var benchName = regexp.MustCompile(`^(?:inputs|outputs)_(historical|hist-[A-Za-z]+|ssp\d{3}[A-Za-z-]*|piControl|1pctCO2|abrupt-[A-Za-z0-9]+)\.nc$`)

var versionFolder = regexp.MustCompile(`^v\d{8}$`)

// folder is what the data reference syntax says by folders: mip_era/activity/
// institution/source/experiment/member/table/variable/grid/version/file.
func parseFolders(path string) (d Dataset, version string, ok bool) {
	p := strings.Split(filepath.ToSlash(filepath.Dir(path)), "/")
	n := len(p)
	if n < 7 || !versionFolder.MatchString(p[n-1]) || !memberID.MatchString(p[n-5]) {
		return d, "", false
	}
	return Dataset{Source: p[n-7], Experiment: p[n-6], Member: p[n-5], Table: p[n-4], Grid: p[n-2]}, p[n-1], true
}

// datasetOf reads attributes, then folders, then the name of the file. Notes
// say where the name is of something else: the attributes are trusted.
func datasetOf(path string, g netcdf.Group) (d Dataset, notes []string) {
	named, ok := parseFileName(path)
	if m := benchName.FindStringSubmatch(filepath.Base(path)); m != nil {
		named.Experiment = m[1]
	}
	if folders, _, in := parseFolders(path); in {
		if ok && folders != named.Dataset {
			notes = append(notes, fmt.Sprintf("%s: its folders say %s, its name %s", path, folders, named.Dataset))
		}
		named.Dataset = folders
		ok = true
	}
	member := g.Text("variant_label")
	if member == "" { // CMIP5
		r, i, p := number(g, "realization"), number(g, "initialization_method"), number(g, "physics_version")
		if r > 0 && i > 0 && p > 0 {
			member = fmt.Sprintf("r%di%dp%d", r, i, p)
		}
	} else if sub := g.Text("sub_experiment_id"); strings.HasPrefix(sub, "s") {
		member = sub + "-" + member
	}
	source := g.Text("source_id")
	if source == "" {
		source = g.Text("model_id")
	}
	table := g.Text("table_id")
	if words := strings.Fields(table); len(words) > 1 && words[0] == "Table" { // CMIP5: Table Amon (27 April 2011) …
		table = words[1]
	}
	for _, x := range []struct {
		what, said, name string
		into             *string
	}{
		{"source_id", source, named.Source, &d.Source}, {"experiment_id", g.Text("experiment_id"), named.Experiment, &d.Experiment},
		{"variant_label", member, named.Member, &d.Member}, {"table_id", table, named.Table, &d.Table},
		{"grid_label", g.Text("grid_label"), named.Grid, &d.Grid},
	} {
		*x.into = x.said
		switch {
		case x.said == "":
			*x.into = x.name
		case ok && x.name != "" && !strings.EqualFold(x.said, x.name):
			notes = append(notes, fmt.Sprintf("%s: its name says %s %s, its attribute %s; the attribute is taken", path, x.what, x.name, x.said))
		}
	}
	return d, notes
}

func number(g netcdf.Group, name string) int {
	a, _ := g.Attribute(name)
	if x, ok := a.Float64s(); ok && len(x) == 1 {
		return int(x[0])
	}
	return 0
}
