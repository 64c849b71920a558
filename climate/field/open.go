package field

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// Options say what is wanted of files. The zero Options are every field that
// can be read, in its own units, at all levels and times, of the whole grid.
type Options struct {
	// Variables by any name of the table, or of the file: tas, 2m_temperature,
	// zg@500 (hPa), geopotential_500, 2m_temperature=TEMP2. A name of the table
	// asks for the table's units. One that has a time and no place is read as
	// the same value in all cells, if it is named. Empty means all others.
	Variables []string
	Levels    []float64         // hPa, of variables that are named without one; empty means all
	Region    *Box              // nil means the whole grid
	Time      TimeRange         // the zero one means all
	Units     map[string]string // of variables of the file, asserted where it says none or wrong ones
	Pick      map[string]int    // the index to take of dimensions such as realization, or PickMean of one
	// Model converts every variable of the table to the models' quantity and
	// units: zg to geopotential, degC to K.
	Model bool
	// Accumulate lets rates become amounts, over the bounds of the time cells or,
	// without bounds, over the step.
	Accumulate bool
	// AllowGaps lets times be missing between files; Series.Gaps lists them.
	AllowGaps bool
	// AllowEmpty lets a field have no value at all.
	AllowEmpty bool
	// Join takes the experiments of one model, as historical and ssp585, for one
	// series.
	Join bool
	// Dataset takes, of files with a time, those of datasets with these words, joined
	// by _ as in a file's name: CanESM5, or Amon_CanESM5_historical. Empty means all.
	Dataset string
}

// Open reads files, or folders of them, as one series. Its fields are read when
// Read asks for them. Files of several models, experiments, members or tables
// are several series: OpenAll gives them.
func Open(paths []string, o Options) (*Series, error) {
	all, err := OpenAll(paths, o)
	if err != nil {
		return nil, err
	}
	if len(all) > 1 {
		words := make([]string, len(all))
		for i, s := range all {
			words[i] = s.Dataset.String()
			if err := s.Close(); err != nil {
				return nil, err
			}
		}
		return nil, fmt.Errorf("field: the files are of %d datasets: %s; name those of one", len(all), strings.Join(words, ", "))
	}
	return all[0], nil
}

// OpenAll reads files, or folders of them, as one series for each dataset
// (model, experiment, member, table and grid), in the order of their names.
// Files without a time, such as orography, belong to every series of their
// model; alone they are a series of one time, in year 1. Errors name the files.
func OpenAll(paths []string, o Options) ([]*Series, error) {
	wanted := make([]request, len(o.Variables))
	for i, s := range o.Variables {
		var err error
		if wanted[i], err = parseRequest(s); err != nil {
			return nil, err
		}
	}
	files, notes, err := Files(paths)
	if err != nil {
		return nil, err
	}
	groups := map[Dataset][]source{}
	var constant []source
	var others []Dataset
	for _, path := range files {
		s, err := scan(path, wanted, o)
		other := !s.dataset.has(o.Dataset)
		if err != nil && other && s.dataset != (Dataset{}) {
			others = append(others, s.dataset) // whatever is wrong with it
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(s.has) == 0 {
			notes = append(notes, fmt.Sprintf("%s: has none of what is wanted", path))
			continue
		}
		if !slices.ContainsFunc(s.has, func(f found) bool { return f.times != nil }) {
			constant = append(constant, s)
			continue
		}
		if other {
			others = append(others, s.dataset)
			continue
		}
		key := s.dataset
		if o.Join {
			key.Experiment = ""
		}
		groups[key] = append(groups[key], s)
	}
	if len(groups) == 0 && len(others) > 0 {
		return nil, fmt.Errorf("%s: the files have no dataset %s; they have %s", paths[0], o.Dataset, strings.Join(datasetNames(others), ", "))
	}
	if len(groups) == 0 && len(constant) > 0 { // constants alone are a series of one time
		groups[constant[0].dataset], constant = constant, nil
	}
	if len(groups) == 0 {
		return nil, fmt.Errorf("%s: has no variable %s, nor has any other of %d files; kiban climate inspect says what they hold, kiban climate names what is known",
			files[0], strings.Join(o.Variables, ", "), len(files))
	}
	keys := make([]Dataset, 0, len(groups))
	for k := range groups {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b Dataset) int { return strings.Compare(a.String(), b.String()) })
	out := make([]*Series, len(keys))
	for i, k := range keys {
		of := groups[k]
		for _, c := range constant {
			if c.dataset.Source == k.Source || c.dataset.Source == "" || k.Source == "" {
				of = append(of, c)
			}
		}
		j := joining{dataset: k, sources: of, wanted: wanted, o: o}
		if out[i], err = j.series(); err != nil {
			return nil, err
		}
		out[i].Notes = append(slices.Clone(notes), out[i].Notes...)
	}
	return out, nil
}

// NameVariables gives each data variable that the table knows its name in
// models, such as 2m_temperature for tas.
func NameVariables(d *netcdf.Description) {
	for i, v := range d.Variables {
		if n, ok := LookUp(v.Name); ok && v.Role == netcdf.RoleData {
			d.Variables[i].ModelName = n.Long
		}
	}
}
