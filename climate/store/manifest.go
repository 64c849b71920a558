package store

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/stats"
	"github.com/kiban-models/kiban/core/dataset"
)

// ManifestFile is the name of the manifest in a store's directory.
const ManifestFile = dataset.ManifestFile

const (
	staticFile      = "static.bin"
	manifestFormat  = "kiban-fields"
	manifestVersion = 1
	// MaxShard is the size of shards in bytes unless a single record is larger.
	MaxShard = 256 << 20
)

// Manifest describes a store.
type Manifest struct {
	Format   string    `json:"format"`
	Version  int       `json:"version"`
	Records  int       `json:"records"`
	Channels []Channel `json:"channels"` // of every record, in the order of the files
	Static   []Channel `json:"static"`   // the same at all times, in static.bin
	Grid     Grid      `json:"grid"`
	Time     Time      `json:"time"`
	Split    Split     `json:"split"`
	// Statistics is how means and deviations were made.
	Statistics  stats.Mode `json:"statistics"`
	Conversions []string   `json:"conversions"` // what was converted, turned, regridded or left out
	Sources     []Source   `json:"sources"`
	Shards      []Shard    `json:"shards"`
	StaticSHA   string     `json:"static_sha256,omitempty"`
}

// Channel is a variable at a level, with what its values are like.
type Channel struct {
	Key          string  `json:"key"`  // geopotential_500, 2m_temperature
	Name         string  `json:"name"` // in the source
	StandardName string  `json:"standard_name,omitempty"`
	LongName     string  `json:"long_name,omitempty"`
	Units        string  `json:"units"`
	Level        float64 `json:"level_pa,omitempty"`
	CellMethods  string  `json:"cell_methods,omitempty"`
	// Mean and Std are of the values of the training years that are not missing,
	// Count their number. A Std of 0 normalises as 1.
	Mean  float64 `json:"mean"`
	Std   float64 `json:"std"`
	Count int64   `json:"count"`
	// Min and Max are of those values, too.
	Min float64 `json:"min"`
	Max float64 `json:"max"`
	// Missing counts the missing values of all records, Mask says where they are.
	Missing int64 `json:"missing"`
	Mask    Mask  `json:"mask"`
}

// Mask tells where a channel misses values.
type Mask string

const (
	NoMask      Mask = "none"
	FixedMask   Mask = "fixed"   // in the same cells at all times, as over land
	VaryingMask Mask = "varying" // in other cells from time to time
)

// Grid is a field.Grid on disk.
type Grid struct {
	Kind      field.Kind   `json:"kind"`
	Lat       []float64    `json:"lat"`
	Lon       []float64    `json:"lon"`
	LatBounds [][2]float64 `json:"lat_bounds"`
	LonBounds [][2]float64 `json:"lon_bounds"`
	Method    string       `json:"regridded,omitempty"` // how values came onto it; empty if it is the sources' own
	Region    string       `json:"region,omitempty"`
}

// Time says when the records are. They lie run by run, as for the members of an
// ensemble, and within a run in order.
type Time struct {
	Calendar netcdf.Calendar `json:"calendar"`
	Units    string          `json:"units"` // of Values, in the words of CF
	// Step is between most neighbours, "6 hours" or "1 month": whole months, or
	// milliseconds.
	Step       string  `json:"step"`
	StepMonths int     `json:"step_months,omitempty"`
	StepMillis int64   `json:"step_millis,omitempty"`
	Values     []int64 `json:"values"`
	Runs       []Run   `json:"runs"`
	Gaps       []int   `json:"gaps"` // records that do not follow the one before by a step
}

// Run is a stretch of records of one member, or scenario.
type Run struct {
	Member string `json:"member,omitempty"`
	From   int    `json:"from"`
	To     int    `json:"to"` // the record behind it
	// After is the member that this one goes on from: of a scenario historical.
	After string `json:"after,omitempty"`
	// Part is what all of its records are for, whatever the split says of their
	// years; "" leaves it to that.
	Part Part `json:"part,omitempty"`
}

// Source is a file that fields came from.
type Source struct {
	File       string `json:"file"`
	Bytes      int64  `json:"bytes"`
	TrackingID string `json:"tracking_id,omitempty"`
}

// Shard is a file of records.
type Shard struct {
	File    string `json:"file"`
	Records int    `json:"records"`
	SHA256  string `json:"sha256"`
}

// Field makes the grid anew.
func (g Grid) Field() (*field.Grid, error) {
	return field.NewGrid(g.Lat, g.Lon, g.LatBounds, g.LonBounds)
}

func gridOf(g *field.Grid) Grid {
	return Grid{Kind: g.Kind(), Lat: g.Lat, Lon: g.Lon, LatBounds: g.LatBounds, LonBounds: g.LonBounds}
}

// timeUnits are tried from the coarsest.
var timeUnits = []struct {
	name   string
	millis int64
}{{"days", 86_400_000}, {"hours", 3_600_000}, {"minutes", 60_000}, {"seconds", 1000}, {"milliseconds", 1}}

// encodeTimes counts in the coarsest unit in which all times are whole.
func encodeTimes(c netcdf.Calendar, dates []netcdf.Date) (units string, values []int64) {
	reference := dates[0]
	for _, d := range dates {
		if c.Compare(d, reference) < 0 {
			reference = d
		}
	}
	// Whole days keep the units short.
	reference = netcdf.Date{Year: reference.Year, Month: reference.Month, Day: reference.Day}
	zero := c.Millis(reference)
	values = make([]int64, len(dates))
	for i, d := range dates {
		values[i] = c.Millis(d) - zero
	}
	for _, u := range timeUnits {
		if !slices.ContainsFunc(values, func(v int64) bool { return v%u.millis != 0 }) {
			for i := range values {
				values[i] /= u.millis
			}
			return u.name + " since " + reference.String(), values
		}
	}
	return "", nil // not reached: all are whole milliseconds
}

// partsOf are what records are for, by their runs and the split of their years.
func (t Time) partsOf(dates []netcdf.Date, s Split) []Part {
	out := make([]Part, len(dates))
	for i, d := range dates {
		out[i] = s.Of(d.Year)
	}
	for _, r := range t.Runs {
		for i := r.From; r.Part != "" && i < r.To; i++ {
			out[i] = r.Part
		}
	}
	return out
}

// Dates are the times of all records.
func (t Time) Dates() ([]netcdf.Date, error) {
	u, err := netcdf.ParseTimeUnits(t.Units, string(t.Calendar))
	if err != nil {
		return nil, err
	}
	out := make([]netcdf.Date, len(t.Values))
	for i, v := range t.Values {
		if out[i], err = u.Date(float64(v)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Check finds out that sizes and indices are possible and agree.
func (m *Manifest) Check() error {
	if m.Format != manifestFormat || m.Version != manifestVersion {
		return fmt.Errorf("format %q version %d, want %q version %d", m.Format, m.Version, manifestFormat, manifestVersion)
	}
	cells, err := m.Grid.cells()
	if err != nil {
		return err
	}
	if n := len(m.Channels) + len(m.Static); m.Records < 1 || len(m.Channels) == 0 || n > 1<<16 || cells > math.MaxInt64/8/n/m.Records {
		return fmt.Errorf("%d records of %d channels and %d static ones on %d cells", m.Records, len(m.Channels), len(m.Static), cells)
	}
	seen := map[string]bool{}
	for _, c := range slices.Concat(m.Channels, m.Static) {
		if c.Key == "" || seen[c.Key] {
			return fmt.Errorf("channel %q is there twice or has no name", c.Key)
		}
		seen[c.Key] = true
		if !finite(c.Mean) || !finite(c.Std) || c.Std < 0 {
			return fmt.Errorf("channel %s has mean %v and deviation %v", c.Key, c.Mean, c.Std)
		}
	}
	if err := m.Time.check(m.Records); err != nil {
		return err
	}
	if err := m.Split.Check(); err != nil {
		return err
	}
	records := 0
	for i, s := range m.Shards {
		if !filepath.IsLocal(s.File) || filepath.Base(s.File) != s.File {
			return fmt.Errorf("shard %d: %q is not a plain file name", i, s.File)
		}
		if s.Records < 1 || s.Records > m.Records-records {
			return fmt.Errorf("shard %d: %d records, with those before more than %d", i, s.Records, m.Records)
		}
		records += s.Records
	}
	if records != m.Records {
		return fmt.Errorf("shards hold %d records, want %d", records, m.Records)
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func (g Grid) cells() (int, error) {
	if len(g.Lat) > 1<<20 || len(g.Lon) > 1<<20 {
		return 0, fmt.Errorf("a grid of %d latitudes and %d longitudes", len(g.Lat), len(g.Lon))
	}
	f, err := g.Field()
	if err != nil {
		return 0, err
	}
	return f.Size(), nil
}

func (t Time) check(records int) error {
	if t.StepMonths < 0 || t.StepMillis < 0 || !(field.Step{Months: t.StepMonths, Millis: t.StepMillis}).Possible() {
		return fmt.Errorf("a step of %d months or %d ms", t.StepMonths, t.StepMillis)
	}
	if len(t.Values) != records {
		return fmt.Errorf("%d times of %d records", len(t.Values), records)
	}
	at := 0
	for i, r := range t.Runs {
		if r.From != at || r.To <= r.From || r.To > records {
			return fmt.Errorf("run %d has records %d to %d, want from %d", i, r.From, r.To, at)
		}
		for k := r.From + 1; k < r.To; k++ {
			if t.Values[k] <= t.Values[k-1] {
				return fmt.Errorf("the time of record %d is not after that of the one before", k)
			}
		}
		if p := r.Part; p != "" && p != Train && p != Validation && p != Test {
			return fmt.Errorf("run %d is for %q; want %s, %s or %s", i, p, Train, Validation, Test)
		}
		if a := r.After; a != "" && (a == r.Member || !slices.ContainsFunc(t.Runs, func(x Run) bool { return x.Member == a })) {
			return fmt.Errorf("run %d goes on from %q, which is none of the others", i, a)
		}
		at = r.To
	}
	if at != records {
		return fmt.Errorf("runs end at record %d of %d", at, records)
	}
	for i, g := range t.Gaps {
		if g < 1 || g >= records || i > 0 && g <= t.Gaps[i-1] {
			return fmt.Errorf("gap %d is before record %d of %d", i, g, records)
		}
	}
	return nil
}
