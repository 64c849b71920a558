package field

import (
	"fmt"
	"slices"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// joining makes one series of the files of a dataset.
type joining struct {
	dataset Dataset
	sources []source
	wanted  []request
	o       Options
	tracks  []*track
}

// track is a channel through the files, in the order of time.
type track struct {
	channel Channel
	pieces  []piece
}

type piece struct {
	path  string
	found found
	first int // time of the series at which it begins
}

// id tells channels apart: what was asked for, at a level.
type id struct {
	wanted int
	name   string // where nothing was asked for
	level  float64
}

func (j *joining) id(f found) id {
	if len(j.wanted) > 0 {
		return id{wanted: f.wanted, level: f.channel.Level}
	}
	return id{name: f.channel.Name, level: f.channel.Level}
}

func (j *joining) series() (*Series, error) {
	s := &Series{Dataset: j.dataset}
	seen := map[string]bool{}
	for _, src := range j.sources {
		for _, n := range src.notes {
			if !seen[n] {
				seen[n] = true
				s.Notes = append(s.Notes, n)
			}
		}
		if s.Global == nil {
			s.Global = src.global
		}
		s.Files = append(s.Files, File{src.path, netcdf.Group{Attributes: src.global}.Text("tracking_id")})
	}
	if err := j.sort(); err != nil {
		return nil, err
	}
	if err := j.sameGrid(s); err != nil {
		return nil, err
	}
	if err := j.sameCalendar(s); err != nil {
		return nil, err
	}
	if err := j.inTime(s); err != nil {
		return nil, err
	}
	if j.o.Accumulate {
		for _, t := range j.tracks {
			if t.pieces[0].found.change.seconds && s.Bounds == nil && s.Step == (Step{}) {
				return nil, fmt.Errorf("%s: variable %s: one time without bounds says not over how long to accumulate", t.pieces[0].path, t.channel.Name)
			}
		}
	}
	from, to, err := j.o.Time.Span(s.Calendar, s.Times)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.tracks[0].pieces[0].path, err)
	}
	r := &reader{pool: &pool{}, series: s, tracks: j.tracks, allowEmpty: j.o.AllowEmpty, whole: s.Grid}
	r.cut, err = s.Grid.Cut(World)
	if j.o.Region != nil {
		r.cut, err = s.Grid.Cut(*j.o.Region)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.tracks[0].pieces[0].path, err)
	}
	s.Grid = r.cut.Grid
	r.times, r.bounds = s.Times, s.Bounds
	s.read, s.within, s.close = r.read, r.within, r.pool.close
	if from > 0 || to < len(s.Times) {
		part := s.Slice(from, to)
		part.close = s.close
		return part, nil
	}
	return s, nil
}

// sort puts what was found into tracks, in the order of the requests and of the
// levels in the files.
func (j *joining) sort() error {
	byID := map[id]*track{}
	of := map[*track]int{}
	for _, src := range j.sources {
		for _, f := range src.has {
			key := j.id(f)
			t := byID[key]
			if t == nil {
				t = &track{channel: f.channel}
				byID[key], of[t] = t, f.wanted
				j.tracks = append(j.tracks, t)
			}
			if a, b := t.channel.Units, f.channel.Units; a != b {
				return fmt.Errorf("%s: variable %s: is in %q, but in %q in %s; name it as kiban climate names does, and it is converted", src.path, f.channel.Name, b, a, t.pieces[0].path)
			}
			if len(t.pieces) > 0 && (f.times == nil || t.pieces[0].found.times == nil) {
				return fmt.Errorf("%s: variable %s: is in %s, too, and one of them has no time; name one of them", src.path, f.channel.Name, t.pieces[0].path)
			}
			t.pieces = append(t.pieces, piece{path: src.path, found: f})
		}
	}
	for i, r := range j.wanted {
		if !slices.ContainsFunc(j.tracks, func(t *track) bool { return of[t] == i }) {
			return fmt.Errorf("%s: has no variable %s, nor has any other file of %s; kiban climate inspect says what they hold", j.sources[0].path, r.text, j.dataset)
		}
	}
	slices.SortStableFunc(j.tracks, func(a, b *track) int { return of[a] - of[b] })
	return nil
}

func (j *joining) sameGrid(s *Series) error {
	placed := slices.IndexFunc(j.tracks, func(t *track) bool { return t.pieces[0].found.grid != nil })
	if placed < 0 {
		return fmt.Errorf("%s: variable %s: has a time and no place, nor has any other that is wanted; name one of latitudes and longitudes beside it", j.tracks[0].pieces[0].path, j.tracks[0].channel.Name)
	}
	first := j.tracks[placed].pieces[0]
	s.Grid = first.found.grid
	for _, t := range j.tracks {
		t.channel.Constant = t.pieces[0].found.times == nil
		s.Channels = append(s.Channels, t.channel)
		for _, p := range t.pieces {
			if p.found.grid == s.Grid || p.found.grid == nil {
				continue
			}
			if err := s.Grid.Same(p.found.grid); err != nil {
				return fmt.Errorf("%s: variable %s: is on another grid than %s in %s: %w; remap them to one, as with cdo remapcon", p.path, t.channel.Name, first.found.channel.Name, first.path, err)
			}
		}
	}
	return nil
}

// sameCalendar wants one calendar; standard and proleptic_gregorian are one
// after 1582.
func (j *joining) sameCalendar(s *Series) error {
	where := ""
	for _, t := range j.tracks {
		for i, p := range t.pieces {
			line := p.found.times
			if line == nil {
				continue
			}
			if where == "" {
				s.Calendar, where = line.calendar, p.path
				continue
			}
			if line.calendar == s.Calendar {
				continue
			}
			if !modern(s.Calendar, nil) || !modern(line.calendar, line.dates) {
				return fmt.Errorf("%s: has the calendar %s, and %s has %s; one series has one", p.path, line.calendar, where, s.Calendar)
			}
			copied := *line
			copied.calendar = s.Calendar
			t.pieces[i].found.times = &copied
		}
	}
	if where == "" { // constants only
		s.Calendar = netcdf.Standard
	}
	return nil
}

func modern(c netcdf.Calendar, dates []netcdf.Date) bool {
	return (c == netcdf.Standard || c == netcdf.Proleptic) && (len(dates) == 0 || dates[0].Year > 1582)
}

// inTime sorts the files of each channel by time, finds gaps and overlaps, and
// compares the channels with one another.
func (j *joining) inTime(s *Series) error {
	var longest *track
	for _, t := range j.tracks {
		if t.pieces[0].found.times == nil {
			continue
		}
		t.pieces = slices.DeleteFunc(t.pieces, func(p piece) bool {
			if len(p.found.times.dates) == 0 {
				s.Notes = append(s.Notes, fmt.Sprintf("%s: variable %s: has no times; the file is left out", p.path, t.channel.Name))
			}
			return len(p.found.times.dates) == 0
		})
		if len(t.pieces) == 0 {
			return fmt.Errorf("%s: variable %s: has no times", j.sources[0].path, t.channel.Name)
		}
		slices.SortStableFunc(t.pieces, func(a, b piece) int {
			return s.Calendar.Compare(a.found.times.dates[0], b.found.times.dates[0])
		})
		if longest == nil || count(t) > count(longest) {
			longest = t
		}
	}
	if longest == nil {
		s.Times = []netcdf.Date{{Year: 1, Month: 1, Day: 1}}
		return nil
	}
	bounded := true
	for i := range longest.pieces {
		p := &longest.pieces[i]
		line := p.found.times
		if i > 0 {
			if err := overlap(s.Calendar, longest.pieces[i-1], *p); err != nil {
				return err
			}
		}
		s.Times = append(s.Times, line.dates...)
		s.Bounds = append(s.Bounds, line.bounds...)
		bounded = bounded && len(line.bounds) == len(line.dates)
	}
	if !bounded {
		s.Bounds = nil
	}
	s.Step = StepOf(s.Calendar, s.Times)
	at := 0
	for i, p := range longest.pieces {
		if i > 0 && !j.o.AllowGaps && !s.Step.Follows(s.Calendar, s.Times[at-1], s.Times[at]) {
			return fmt.Errorf("%s: begins at %s, and %s, the file before it, ends at %s, though times are %s apart; a file between them is missing, or allow gaps",
				p.path, s.Times[at], longest.pieces[i-1].path, s.Times[at-1], s.Step)
		}
		at += len(p.found.times.dates)
	}
	if gaps := s.Gaps(); len(gaps) > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%d gaps in time; the first is before %s", len(gaps), s.Times[gaps[0]]))
	}
	for _, t := range j.tracks {
		if err := t.place(s, longest); err != nil {
			return err
		}
	}
	return nil
}

func count(t *track) int {
	n := 0
	for _, p := range t.pieces {
		n += len(p.found.times.dates)
	}
	return n
}

func overlap(c netcdf.Calendar, a, b piece) error {
	last := a.found.times.dates[len(a.found.times.dates)-1]
	if first := b.found.times.dates[0]; c.Compare(last, first) >= 0 {
		return fmt.Errorf("%s: begins at %s, when %s, which ends at %s, has not ended; wanted each time in one file: leave one of them out or cut it with cdo seldate", b.path, first, a.path, last)
	}
	return nil
}

// place says where in the series each file of a channel begins; a channel must
// have every time that the longest has.
func (t *track) place(s *Series, longest *track) error {
	if t.pieces[0].found.times == nil {
		return nil
	}
	at := 0
	for i := range t.pieces {
		p := &t.pieces[i]
		if i > 0 {
			if err := overlap(s.Calendar, t.pieces[i-1], *p); err != nil {
				return err
			}
		}
		p.first = at
		for k, d := range p.found.times.dates {
			if at >= len(s.Times) || s.Calendar.Compare(d, s.Times[at]) != 0 {
				return t.absent(s, longest, at, p.path, k, d)
			}
			at++
		}
	}
	if at < len(s.Times) {
		return t.absent(s, longest, at, t.pieces[len(t.pieces)-1].path, -1, netcdf.Date{})
	}
	return nil
}

func (t *track) absent(s *Series, longest *track, at int, path string, k int, d netcdf.Date) error {
	if at >= len(s.Times) || k >= 0 && s.Calendar.Compare(d, s.Times[at]) < 0 {
		return fmt.Errorf("%s: variable %s: time value %d is %s, a time that %s does not have in %s", path, t.channel, k, d, longest.channel, longest.pieces[0].path)
	}
	where := longest.pieces[0]
	for _, p := range longest.pieces {
		if p.first <= at && at > 0 {
			where = p
		}
	}
	for _, p := range longest.pieces {
		if slices.ContainsFunc(p.found.times.dates, func(x netcdf.Date) bool { return x == s.Times[at] }) {
			where = p
			break
		}
	}
	return fmt.Errorf("%s: variable %s is absent at time %d (%s), and %s has it of %s; wanted the same times of all variables", path, t.channel, at, s.Times[at], where.path, longest.channel)
}
