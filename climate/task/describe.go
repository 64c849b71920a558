package task

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/baseline"
	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/forecast"
	"github.com/kiban-models/kiban/climate/store"
	"github.com/kiban-models/kiban/core/checkpoint"
)

// Setup says what a model is to learn from stores.
type Setup struct {
	Variables []string // of the stores, by key or by the source's name; nil means all
	Target    Target   // "" means Fields
	Season    bool
	Leads     []int // in steps, ascending; of several one is drawn for each example
	// Iterations is how often evaluation makes the next forecast of the one
	// before; 0 means once.
	Iterations int
	Region     *field.Region // nil means the whole grid
	Mirrored   bool          // as the published code takes it
	// NorthFirst is the order of rows that a model knows; nil means the data's.
	NorthFirst *bool
}

// Describe makes the About of a model to be trained on stores with one grid, as
// store.Together opens them. Their statistics become one: of all values of a
// variable in all of them.
func Describe(stores []*store.Store, s Setup) (About, error) {
	if s.Target == "" {
		s.Target = Fields
	}
	first := stores[0]
	g := first.Grid()
	a := About{
		Format: 1, Task: Forecast, Season: s.Season, Target: s.Target, Grid: first.Manifest().Grid, Calendar: first.Calendar(),
		StepMonths: first.Step().Months, StepMillis: first.Step().Millis, Leads: s.Leads, Iterations: s.Iterations, Split: first.Manifest().Split,
	}
	if s.NorthFirst != nil && *s.NorthFirst != g.NorthFirst() {
		g = reversed(g)
		a.Grid.Lat, a.Grid.LatBounds = g.Lat, g.LatBounds
	}
	if s.Region != nil {
		a.SetRegion(*s.Region, s.Mirrored)
	}
	for _, st := range stores[1:] {
		if st.Step() != first.Step() {
			return a, fmt.Errorf("%s: its times are %s apart, those of %s %s; lead times are counted in one interval: prepare them alike", st.Dir(), st.Step(), first.Dir(), first.Step())
		}
	}
	if s.Target.anomalous() {
		if len(stores) > 1 {
			a.Climatologies = len(stores)
		}
		a.Climatology = baseline.KindOf(first.Step())
	}
	var err error
	if a.Channels, err = channels(stores, s.Variables); err != nil {
		return a, err
	}
	return a, a.check()
}

// pooled sums up the statistics of a channel in several stores.
type pooled struct {
	Channel
	n, mean, square float64
}

func channels(stores []*store.Store, wanted []string) ([]Channel, error) {
	var moving, fixed []*pooled
	found := map[string]bool{}
	for _, st := range stores {
		changing := len(st.Manifest().Channels)
		for i, c := range st.Channels() {
			name := (field.Channel{Name: c.Name, Level: c.Level}).String()
			if at := slices.IndexFunc(wanted, func(w string) bool { return w == c.Key || w == name }); at >= 0 {
				found[wanted[at]] = true
			} else if wanted != nil {
				continue
			}
			to, other := &moving, fixed
			if i >= changing {
				to, other = &fixed, moving
			}
			same := func(p *pooled) bool { return p.Key == c.Key }
			if slices.ContainsFunc(other, same) {
				return nil, fmt.Errorf("%s: variable %s changes in time here and not in another store, or the other way round; leave it out of one with --vars", st.Dir(), c.Key)
			}
			at := slices.IndexFunc(*to, same)
			if at < 0 {
				at = len(*to)
				*to = append(*to, &pooled{Channel: Channel{Key: c.Key, Name: c.Name, StandardName: c.StandardName, LongName: c.LongName,
					Units: c.Units, Level: c.Level, CellMethods: c.CellMethods, Static: i >= changing}})
			}
			(*to)[at].add(float64(max(1, c.Count)), c.Mean, c.Std)
		}
	}
	for _, w := range wanted {
		if !found[w] {
			return nil, fmt.Errorf("%s: has no variable %s; it has %s", stores[0].Dir(), w, strings.Join(keys(stores), " "))
		}
	}
	if len(moving) == 0 {
		return nil, fmt.Errorf("%s: none of the chosen variables changes in time; choose one that does", stores[0].Dir())
	}
	var out []Channel
	for _, p := range append(moving, fixed...) {
		out = append(out, p.channel(len(stores) == 1))
	}
	return out, nil
}

func keys(stores []*store.Store) []string {
	var out []string
	for _, st := range stores {
		for _, c := range st.Channels() {
			if !slices.Contains(out, c.Key) {
				out = append(out, c.Key)
			}
		}
	}
	return out
}

func (p *pooled) add(n, mean, std float64) {
	p.n += n
	p.mean += n * mean
	p.square += n * (std*std + mean*mean)
	p.Mean, p.Std = mean, std
}

// channel has the moments of all values; those of one store are its own to the
// last bit.
func (p *pooled) channel(one bool) Channel {
	if !one {
		p.Mean = p.mean / p.n
		p.Std = math.Sqrt(max(0, p.square/p.n-p.Mean*p.Mean))
	}
	return p.Channel
}

// NewConfig is the configuration of a new model for what About says.
func (a *About) NewConfig(patch, width, depth, heads int) forecast.Config {
	return forecast.NewConfig(a.known(), len(a.Grid.Lat), len(a.Grid.Lon), patch, width, depth, heads)
}

// Begun is what the training of an open model begins with.
type Begun struct {
	Config  forecast.Config
	Source  checkpoint.Lister
	Fresh   []string // what is drawn, the model lacking it
	New     []string // variables that it did not have
	Resized bool     // its grid was another
}

// Begin is the configuration and the weights of a model that goes on from m to
// what a says: on the grid of a, with the variables of m and the new ones of a
// behind them. fresh names what is drawn with the seed, since m lacks it.
func (m *Model) Begin(a *About, seed uint64) (s Begun, err error) {
	s.Config = m.Config
	s.Config.Variables = slices.Clone(m.Config.Variables)
	if a.Task == Project {
		if err := m.mayProject(a); err != nil {
			return s, err
		}
		if !m.Config.IsProjector() { // its variables are other ones
			s.Config = m.Config.Projecting(nil, a.Made[0].Key, a.History)
		}
	} else if m.Config.IsProjector() {
		return s, fmt.Errorf("%s: the model is a projector, of forcings; it cannot learn to %s", m.Path, a.Task)
	}
	for _, v := range a.known() {
		if !slices.Contains(s.Config.Variables, v) {
			s.Config.Variables = append(s.Config.Variables, v)
			s.New = append(s.New, v)
		}
	}
	s.Config.Grid = [2]int{len(a.Grid.Lat), len(a.Grid.Lon)}
	if err := s.Config.Validate(); err != nil {
		return s, fmt.Errorf("%s: %w", m.Path, err)
	}
	s.Source, s.Fresh, err = forecast.Weights(m.dir, m.Config, s.Config, forecast.NewFresh(s.Config, seed))
	if err != nil {
		return s, fmt.Errorf("%s: %w", m.Path, err)
	}
	s.Resized = s.Config.Grid != m.Config.Grid
	return s, nil
}

// digest tells stores apart by all that their manifests say.
func digest(stores []*store.Store) (string, error) {
	h := sha256.New()
	for _, st := range stores {
		b, err := json.Marshal(st.Manifest())
		if err != nil {
			return "", err
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
