package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
	"github.com/kiban-models/kiban/climate/regrid"
)

// Plan is what Write will do, known before anything is written.
type Plan struct {
	opts     Options
	draft    Manifest // without statistics and checksums
	records  []record
	dates    []netcdf.Date
	step     field.Step
	layout   layout
	perShard int
	moving   []int        // channels of the inputs that change in time
	fixed    []int        // and those that do not
	dropped  map[int]bool // records without a value, found as they are written
}

// record is a time of one of the inputs.
type record struct{ input, at int }

// NewPlan compares the inputs with one another and with what is wanted of them.
// It reads no field.
func NewPlan(o Options) (*Plan, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	p := &Plan{opts: o}
	if err := sameInputs(o.Inputs); err != nil {
		return nil, err
	}
	first := o.Inputs[0].Series
	p.draft = Manifest{Format: manifestFormat, Version: manifestVersion, Statistics: o.Statistics, Split: o.Split,
		Conversions: []string{}, Sources: []Source{}, Static: []Channel{}, Shards: []Shard{}}
	for _, in := range o.Inputs {
		for _, n := range in.Series.Notes {
			p.note("%s", n)
		}
	}
	for _, s := range o.Sources {
		p.draft.Sources = append(p.draft.Sources, s.Source)
	}
	var err error
	if p.layout, err = newLayout(&o, first.Grid); err != nil {
		return nil, err
	}
	p.draft.Grid = gridOf(p.layout.grid)
	if p.layout.weights != nil {
		p.draft.Grid.Method = string(o.Method)
		p.note("%s: from %s to %s", o.Method, gridText(first.Grid), gridText(p.layout.grid))
	}
	if o.Region != nil {
		p.draft.Grid.Region = o.Region.Name
	}
	if p.layout.weights != nil && p.layout.weights.Len() > 0 {
		p.narrow()
	}
	if err := p.channels(first); err != nil {
		return nil, err
	}
	if err := p.times(); err != nil {
		return nil, err
	}
	p.perShard = int(max(1, o.ShardBytes/int64(4*p.recordSize())))
	return p, nil
}

// narrow lets the inputs be read only where the weights want values of them.
func (p *Plan) narrow() {
	rows, columns := p.layout.weights.Used()
	inputs := slices.Clone(p.opts.Inputs)
	for i, in := range inputs {
		var ok bool
		if inputs[i].Series, ok = in.Series.Within(rows, columns); !ok {
			return
		}
	}
	p.opts.Inputs = inputs
	p.layout.source = inputs[0].Series.Grid
	p.layout.weights = p.layout.weights.Within(rows, columns, p.layout.source)
}

func (p *Plan) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(p.draft.Conversions, text) {
		p.draft.Conversions = append(p.draft.Conversions, text)
	}
}

// recordSize is the number of values of a record.
func (p *Plan) recordSize() int { return len(p.draft.Channels) * p.layout.grid.Size() }

// Manifest is what is known of the store; its statistics and checksums are not.
func (p *Plan) Manifest() Manifest { return p.draft }

// Dates are the times of the records.
func (p *Plan) Dates() []netcdf.Date { return p.dates }

// Bytes is the size of the fields on disk, and in how many shards they lie.
func (p *Plan) Bytes() (bytes int64, shards int) {
	n := len(p.records)
	return 4 * (int64(n)*int64(p.recordSize()) + int64(len(p.draft.Static)*p.layout.grid.Size())), (n + p.perShard - 1) / p.perShard
}

// sameInputs finds members that are not like the first.
func sameInputs(all []Input) error {
	a := all[0].Series
	if len(a.Channels) == 0 {
		return fmt.Errorf("store: the data have no variables")
	}
	seen := map[string]bool{}
	for _, in := range all {
		b := in.Series
		if seen[in.Member] {
			return fmt.Errorf("member %q is there twice", in.Member)
		}
		seen[in.Member] = true
		switch {
		case a.Calendar != b.Calendar:
			return fmt.Errorf("member %s: mixed calendars: %s, and %s in member %s; prepare them one by one and use the stores together", in.Member, b.Calendar, a.Calendar, all[0].Member)
		case a.Step != b.Step && a.Step != field.Step{} && b.Step != field.Step{}:
			return fmt.Errorf("member %s: its times are %s apart, those of member %s %s; prepare them one by one and use the stores together", in.Member, b.Step, all[0].Member, a.Step)
		}
		if err := a.Grid.Same(b.Grid); err != nil {
			return fmt.Errorf("member %s: mixed grids: %w (member %s); prepare them one by one with the same --grid", in.Member, err, all[0].Member)
		}
		for i := range max(len(a.Channels), len(b.Channels)) {
			switch {
			case i >= len(b.Channels) || i >= len(a.Channels):
				return fmt.Errorf("member %s has %d variables and levels, member %s %d; choose those that both have with --vars", in.Member, len(b.Channels), all[0].Member, len(a.Channels))
			case a.Channels[i].Key != b.Channels[i].Key:
				return fmt.Errorf("member %s has %s where member %s has %s; choose the variables that both have with --vars", in.Member, b.Channels[i].Key, all[0].Member, a.Channels[i].Key)
			case a.Channels[i].Units != b.Channels[i].Units:
				return fmt.Errorf("member %s: %s is in %s, in member %s in %s; correct the units or assert them with --units", in.Member, b.Channels[i], b.Channels[i].Units, all[0].Member, a.Channels[i].Units)
			}
		}
	}
	return nil
}

func (p *Plan) channels(s *field.Series) error {
	seen := map[string]string{}
	add := func(to *[]Channel, c field.Channel) error {
		if c.Key == "" {
			c.Key = c.Name
		}
		if other, ok := seen[c.Key]; ok {
			return fmt.Errorf("variables %s and %s are both %s; choose one with --vars", other, c, c.Key)
		}
		seen[c.Key] = c.String()
		*to = append(*to, Channel{Key: c.Key, Name: c.Name, StandardName: c.StandardName, LongName: c.LongName,
			Units: c.Units, Level: c.Level, CellMethods: c.CellMethods})
		return nil
	}
	for i, c := range s.Channels {
		to, at := &p.draft.Channels, &p.moving
		if c.Constant {
			to, at = &p.draft.Static, &p.fixed
		}
		*at = append(*at, i)
		if err := add(to, c); err != nil {
			return err
		}
	}
	if len(p.moving) == 0 {
		return fmt.Errorf("store: none of the variables changes in time: %s; name files that have times", s.Channels[0])
	}
	if p.opts.Latitude {
		return add(&p.draft.Static, field.Channel{Key: LatitudeKey, Name: LatitudeKey, StandardName: "latitude", LongName: "latitude", Units: "degrees_north"})
	}
	return nil
}

// times chooses the records.
func (p *Plan) times() error {
	c := p.opts.Inputs[0].Series.Calendar
	dropped := 0
	for i, in := range p.opts.Inputs {
		if (p.step == field.Step{}) {
			p.step = in.Series.Step
		}
		for at, d := range in.Series.Times {
			if dropsDay(p.opts.LeapDays, c, d) {
				dropped++
				continue
			}
			p.records = append(p.records, record{i, at})
		}
	}
	if dropped > 0 {
		p.note("left out %d times of the %s", dropped, map[LeapDays]string{DropFebruary29: "29th of February", DropAsPublished: "last day of leap years"}[p.opts.LeapDays])
	}
	return p.axis()
}

// axis lays out the times of the records.
func (p *Plan) axis() error {
	if len(p.records) == 0 {
		return fmt.Errorf("store: no times are left")
	}
	c := p.opts.Inputs[0].Series.Calendar
	t := Time{Calendar: c, Step: p.step.String(), StepMonths: p.step.Months, StepMillis: p.step.Millis, Gaps: []int{}}
	p.dates = p.dates[:0]
	for i, r := range p.records {
		in := p.opts.Inputs[r.input]
		d := in.Series.Times[r.at]
		if i == 0 || p.records[i-1].input != r.input {
			t.Runs = append(t.Runs, Run{Member: in.Member, From: i, After: in.After, Part: in.Part})
		} else if !p.step.Follows(c, p.dates[i-1], d) {
			t.Gaps = append(t.Gaps, i)
		}
		t.Runs[len(t.Runs)-1].To = i + 1
		p.dates = append(p.dates, d)
	}
	for i, r := range t.Runs { // one may have lost all of its records
		if !slices.ContainsFunc(t.Runs, func(x Run) bool { return x.Member == r.After }) {
			t.Runs[i].After = ""
		}
	}
	t.Units, t.Values = encodeTimes(c, p.dates)
	p.draft.Time, p.draft.Records = t, len(p.records)
	return p.split()
}

func dropsDay(l LeapDays, c netcdf.Calendar, d netcdf.Date) bool {
	switch l {
	case DropFebruary29:
		return d.Month == 2 && d.Day == 29 && c.DaysIn(d.Year, 1) == 31 // not in 360_day
	case DropAsPublished:
		return c.DayOfYear(d) == 366
	}
	return false
}

// split fills in the training years and finds parts without a record.
func (p *Plan) split() error {
	years := Years{p.dates[0].Year, p.dates[0].Year}
	for _, d := range p.dates {
		years.From, years.To = min(years.From, d.Year), max(years.To, d.Year)
	}
	if years.To == 0 {
		return fmt.Errorf("store: all times are in the year 0: a climatology, of which no series can be made")
	}
	s, err := p.opts.Split.complete(years.From, years.To)
	if err != nil {
		return err
	}
	p.draft.Split = s
	count := p.Parts()
	for _, part := range []Part{Train, Validation, Test} {
		if y := s.Years(part); (y != Years{}) && count[part] == 0 {
			return fmt.Errorf("%s years %s have no time in the data, which have %s; choose others with --%s", part, y, years, strings.TrimSuffix(string(part), "idation"))
		}
	}
	if count[Train] == 0 {
		return fmt.Errorf("all times are held out, and none are left to train on; hold out fewer scenarios or years")
	}
	return nil
}

// Parts counts the records of each part, those in none under "".
func (p *Plan) Parts() map[Part]int {
	count := map[Part]int{}
	for _, part := range p.draft.Time.partsOf(p.dates, p.draft.Split) {
		count[part]++
	}
	return count
}

func gridText(g *field.Grid) string {
	dlat, dlon := g.Spacing()
	return fmt.Sprintf("%s %dx%d (%.6g by %.6g degrees)", g.Kind(), g.Rows(), g.Columns(), max(dlat, -dlat), dlon)
}

// layout is how a field of the inputs becomes one of the store.
type layout struct {
	source, grid *field.Grid
	weights      *regrid.Weights // nil when cells stay as they are
	cut          field.Cut       // of the source, if there are no weights
	minValid     float64
}

func newLayout(o *Options, source *field.Grid) (layout, error) {
	l := layout{source: source, minValid: o.MinValid}
	whole := source
	if o.Target != nil && source.Same(o.Target) != nil {
		whole = o.Target
	}
	l.grid = whole
	if o.Region != nil {
		if len(o.Region.Boxes) != 1 {
			return l, fmt.Errorf("region %s is of %d boxes; a grid has one: give lon1,lon2,lat1,lat2", o.Region.Name, len(o.Region.Boxes))
		}
		cut, err := whole.Cut(o.Region.Boxes[0])
		if err != nil {
			return l, err
		}
		l.grid, l.cut = cut.Grid, cut
	}
	if whole == source {
		return l, nil
	}
	var err error
	if l.weights, err = regrid.New(source, l.grid, o.Method); err != nil {
		return l, err
	}
	missed := 0
	for _, c := range l.weights.Covered() {
		if c == 0 {
			missed++
		}
	}
	if n := l.grid.Size(); missed == n {
		return l, fmt.Errorf("the data do not reach any of the %d cells of the grid; they have latitudes %g to %g and longitudes %g to %g: choose a --region within",
			n, source.Lat[0], source.Lat[len(source.Lat)-1], source.Lon[0], source.Lon[len(source.Lon)-1])
	} else if missed > 0 {
		o.Warn(fmt.Sprintf("%d of %d cells of the grid lie outside the data and will always be missing; --region cuts them off", missed, n))
	}
	return l, nil
}

// apply makes fields of the store of as many of the inputs.
func (l *layout) apply(dst, src []float32) error {
	if l.weights != nil {
		return l.weights.Apply(dst, src, l.minValid)
	}
	if l.cut.Grid == nil {
		copy(dst, src)
		return nil
	}
	n, m := l.source.Size(), l.grid.Size()
	for i := range len(src) / n {
		l.cut.Pick(dst[i*m:(i+1)*m], src[i*n:(i+1)*n], l.source.Columns())
	}
	return nil
}
