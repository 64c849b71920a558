package stats

import (
	"fmt"
	"math"

	"github.com/kiban-models/kiban/climate/field"
)

// Mode is how a Table is made of the values.
type Mode string

const (
	// Right counts each value once.
	Right Mode = "right"
	// AsPublished does as the scripts of ClimaX (nc2np_equally_era5.py and
	// nc2np_equally_cmip6.py, 6d5d354) do:
	//
	// Parts, which are the years of ERA5 and the files of CMIP6, count equally,
	// however long they are and whatever is missing. The variance is the mean of
	// theirs plus that of their means.
	//
	// A variable on levels has the statistics of the last part alone: the scripts
	// ask a dictionary for the variable's name, where its key has the level in it,
	// find nothing, and begin the list of parts anew.
	AsPublished Mode = "as-published"
)

// Collector takes in the fields of some channels.
type Collector struct {
	channels []field.Channel
	all      []Moments
	part     []Moments // since the last EndPart
	parts    []parts
}

// parts of a channel that have any value.
type parts struct {
	n                          float64
	means, squares, variations float64 // sums of means, of their squares, of variances
	last                       Moments
}

// NewCollector begins with no values.
func NewCollector(channels []field.Channel) *Collector {
	return &Collector{channels: channels, all: make([]Moments, len(channels)), part: make([]Moments, len(channels)), parts: make([]parts, len(channels))}
}

// Add takes in values of a channel: a field or any part of one.
func (c *Collector) Add(channel int, x []float32) { c.part[channel].Add(x) }

// AddRecord takes in the fields of one time, channel by channel, as
// field.Series reads them.
func (c *Collector) AddRecord(x []float32) error {
	if len(c.channels) == 0 || len(x)%len(c.channels) != 0 {
		return fmt.Errorf("stats: %d values are no fields of %d channels", len(x), len(c.channels))
	}
	n := len(x) / len(c.channels)
	for i := range c.channels {
		c.Add(i, x[i*n:(i+1)*n])
	}
	return nil
}

// EndPart ends a year or a file. It matters to AsPublished only.
func (c *Collector) EndPart() {
	for i, m := range c.part {
		c.all[i].Merge(m)
		if m.Count > 0 {
			p := &c.parts[i]
			p.n++
			p.means += m.Mean()
			p.squares += m.Mean() * m.Mean()
			p.variations += m.Std() * m.Std()
			p.last = m
		}
		c.part[i] = Moments{}
	}
}

// Table ends the last part and gives the statistics. A channel without values,
// or with infinite ones, is an error.
func (c *Collector) Table(mode Mode) (*Table, error) {
	if mode != Right && mode != AsPublished {
		return nil, fmt.Errorf("stats: mode %q is unknown; wanted %s or %s", mode, Right, AsPublished)
	}
	c.EndPart()
	t := &Table{Mode: mode}
	for i, ch := range c.channels {
		m, p := c.all[i], c.parts[i]
		switch {
		case m.Infinite > 0:
			return nil, fmt.Errorf("stats: variable %s has %d infinite values; find out where they come from, or mark them as missing", ch, m.Infinite)
		case m.Count == 0:
			return nil, fmt.Errorf("stats: variable %s has no values, %d missing ones; leave it out", ch, m.Missing)
		}
		s := Channel{Key: ch.Key, Units: ch.Units, Level: ch.Level, Mean: m.Mean(), Std: m.Std(), Min: m.Min, Max: m.Max, Count: m.Count, Missing: m.Missing}
		switch {
		case mode == AsPublished && ch.Level != 0:
			s.Mean, s.Std = p.last.Mean(), p.last.Std()
		case mode == AsPublished:
			s.Mean = p.means / p.n
			s.Std = math.Sqrt(max(0, p.variations/p.n+p.squares/p.n-s.Mean*s.Mean))
		}
		t.Channels = append(t.Channels, s)
	}
	return t, nil
}
