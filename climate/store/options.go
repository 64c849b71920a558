package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/regrid"
	"github.com/kiban-models/kiban/climate/stats"
)

// LeapDays is what happens to the 366th day.
type LeapDays string

const (
	KeepLeapDays    LeapDays = "keep"
	DropFebruary29  LeapDays = "feb-29"
	DropAsPublished LeapDays = "as-published" // ClimaX cuts years at 365 days: December 31 of leap years
)

// EmptyFields is what happens to a time at which a channel has no value at all.
// To drop such times the series must have been opened with AllowEmpty.
type EmptyFields string

const (
	RefuseEmpty EmptyFields = "error"
	DropEmpty   EmptyFields = "drop" // the time is left out, which makes a gap
)

// Input is the series of one member, or scenario.
type Input struct {
	Member string // may be empty where there is only one
	Series *field.Series
	After  string // the member that it goes on from, see Run
	Part   Part   // see Run
}

// Options say what goes into a store.
type Options struct {
	Inputs []Input // of the same channels, grid, calendar and step
	// Latitude adds the static channel "lattitude" (ClimaX's spelling): the
	// latitude of each cell in degrees.
	Latitude bool
	Sources  []InputFile
	Out      string // directory to make

	Target   *field.Grid   // grid of the store; nil keeps that of the inputs
	Method   regrid.Method // onto Target; "" means Bilinear
	MinValid float64       // see regrid.Weights.Apply
	Region   *field.Region // keeps the cells with centres in it; nil keeps all

	Split      Split      // without training years: those before the other parts
	Statistics stats.Mode // "" means stats.Right
	LeapDays   LeapDays
	Empty      EmptyFields

	ShardBytes int64 // largest size of a shard; 0 means MaxShard
	Overwrite  bool  // replace an earlier store, or what an interrupted run left
	Resume     bool  // go on with what an interrupted run left, if there is any

	// Progress, if set, is told how many records of a phase are done.
	Progress func(phase string, done, total int)
	// Warn, if set, is told of what is no error and deserves attention.
	Warn func(text string)
}

// InputFile is a Source as it was found.
type InputFile struct {
	Source
	Modified time.Time
}

// ErrUnfinished is in the chain of errors of a Write that can go on: plan it
// again with Resume.
var ErrUnfinished = errors.New("not finished")

// LatitudeKey is the static channel of latitudes, spelled as ClimaX does.
const LatitudeKey = "lattitude"

func (o *Options) complete() error {
	if o.Out == "" {
		return fmt.Errorf("store: no output directory given")
	}
	if len(o.Inputs) == 0 {
		return fmt.Errorf("store: no series given")
	}
	if o.Method == "" {
		o.Method = regrid.Bilinear
	}
	if o.Statistics == "" {
		o.Statistics = stats.Right
	}
	if o.LeapDays == "" {
		o.LeapDays = KeepLeapDays
	}
	if o.Empty == "" {
		o.Empty = RefuseEmpty
	}
	for _, x := range []struct {
		what, value string
		known       []string
	}{
		{"statistics", string(o.Statistics), []string{string(stats.Right), string(stats.AsPublished)}},
		{"leap days", string(o.LeapDays), []string{string(KeepLeapDays), string(DropFebruary29), string(DropAsPublished)}},
		{"empty fields", string(o.Empty), []string{string(RefuseEmpty), string(DropEmpty)}},
	} {
		if !slices.Contains(x.known, x.value) {
			return fmt.Errorf("store: %s: %q is unknown; wanted %s", x.what, x.value, strings.Join(x.known, " or "))
		}
	}
	if !(o.MinValid >= 0 && o.MinValid <= 1) {
		return fmt.Errorf("store: a valid part of at least %v; wanted 0 to 1", o.MinValid)
	}
	if o.ShardBytes <= 0 {
		o.ShardBytes = MaxShard
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	return nil
}
