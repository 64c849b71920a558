package field

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// reader reads the fields of a series from its files.
type reader struct {
	pool       *pool
	series     *Series
	tracks     []*track
	whole      *Grid
	cut        Cut
	times      []netcdf.Date // of the files, all of them
	bounds     [][2]netcdf.Date
	allowEmpty bool

	mu       sync.Mutex
	constant map[int][]float32 // of channels without time
}

// within reads less of the same files.
func (r *reader) within(rows, columns [2]int) (*Grid, readTimes) {
	c := r.cut.within(rows, columns)
	part := &reader{pool: r.pool, series: r.series, tracks: r.tracks, whole: r.whole, cut: c, times: r.times, bounds: r.bounds, allowEmpty: r.allowEmpty}
	return c.Grid, part.read
}

// mostValues are read at once, so that what packed values take beside the result
// is bounded.
const mostValues = 1 << 22

// read fills dst with n times: times x channels x lat x lon.
func (r *reader) read(ctx context.Context, at, n int, dst []float32) error {
	size := r.cut.Grid.Size()
	stride := size * len(r.tracks)
	for c, t := range r.tracks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t.pieces[0].found.times == nil {
			values, err := r.fixed(c, t)
			if err != nil {
				return err
			}
			for i := range n {
				copy(dst[i*stride+c*size:], values)
			}
			continue
		}
		for _, p := range t.pieces {
			from, to := max(at, p.first), min(at+n, p.first+len(p.found.times.dates))
			if from >= to {
				continue
			}
			for from < to {
				k := min(to-from, max(1, mostValues/size))
				if err := r.block(p, from, k, dst[(from-at)*stride+c*size:], stride); err != nil {
					return err
				}
				from += k
			}
		}
	}
	return nil
}

func (r *reader) fixed(c int, t *track) ([]float32, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v := r.constant[c]; v != nil {
		return v, nil
	}
	v := make([]float32, r.cut.Grid.Size())
	if err := r.block(t.pieces[0], 0, 1, v, len(v)); err != nil {
		return nil, err
	}
	if r.constant == nil {
		r.constant = map[int][]float32{}
	}
	r.constant[c] = v
	return v, nil
}

// block reads n times of a channel from one file; each is stride behind the
// one before. It checks and converts them.
func (r *reader) block(p piece, at, n int, dst []float32, stride int) error {
	l, size := &p.found.layout, r.cut.Grid.Size()
	if l.everywhere() {
		return r.everywhere(p, at, n, dst, stride)
	}
	column := 0
	for _, run := range r.cut.Columns {
		start, count := append([]int(nil), l.fixed...), make([]int, len(l.fixed))
		for i := range count {
			count[i] = 1
		}
		start[l.lat], count[l.lat] = r.cut.Row, r.cut.Rows
		start[l.lon], count[l.lon] = run[0], run[1]
		if l.time >= 0 {
			start[l.time], count[l.time] = at-p.first, n
		}
		if l.level >= 0 {
			start[l.level] = p.found.at
		}
		k := n * r.cut.Rows * run[1]
		straight := l.mean < 0 && len(r.cut.Columns) == 1 && l.lat < l.lon && (n == 1 || stride == size && l.time < l.lat)
		buffer := dst
		if !straight {
			buffer = make([]float32, k)
		}
		if err := r.numbers(p, start, count, buffer[:k]); err != nil {
			return err
		}
		if !straight {
			scatter(buffer, l, n, r.cut.Rows, run[1], func(t, row int) []float32 {
				return dst[t*stride+row*len(r.cut.Grid.Lon)+column:]
			})
		}
		column += run[1]
	}
	for i := range n {
		if err := r.finish(p, at+i, dst[i*stride:i*stride+size]); err != nil {
			return err
		}
	}
	return nil
}

// numbers reads values in the order of the file, their mean over the dimension
// that is averaged.
func (r *reader) numbers(p piece, start, count []int, dst []float32) error {
	l := &p.found.layout
	one := func(into []float32) error {
		return r.pool.with(p.path, func(f *netcdf.File) error { return f.ReadInto(l.path, start, count, into) })
	}
	if l.mean < 0 {
		return one(dst)
	}
	sum, n, x := make([]float64, len(dst)), make([]int32, len(dst)), make([]float32, len(dst))
	for start[l.mean] = range l.v.Shape[l.mean] {
		if err := one(x); err != nil {
			return err
		}
		for i, v := range x {
			if v == v {
				sum[i] += float64(v)
				n[i]++
			}
		}
	}
	for i := range dst {
		dst[i] = float32(sum[i] / float64(n[i])) // NaN of none
	}
	return nil
}

// everywhere reads n times of a variable without a place into all cells.
func (r *reader) everywhere(p piece, at, n int, dst []float32, stride int) error {
	values, size := make([]float32, n), r.cut.Grid.Size()
	if err := r.numbers(p, []int{at - p.first}, []int{n}, values); err != nil {
		return err
	}
	for i, v := range values {
		out := dst[i*stride:][:size]
		for k := range out {
			out[k] = v
		}
		if err := r.finish(p, at+i, out); err != nil {
			return err
		}
	}
	return nil
}

// scatter puts values that were read in the order of the file's dimensions
// where they belong.
func scatter(values []float32, l *layout, times, rows, columns int, to func(t, row int) []float32) {
	// Strides in the file's order of the three dimensions that have a length.
	step := func(dim int) int {
		s := 1
		for _, d := range []struct{ at, n int }{{l.time, times}, {l.lat, rows}, {l.lon, columns}} {
			if d.at > dim && d.at >= 0 {
				s *= d.n
			}
		}
		return s
	}
	ts, rs, cs := 0, step(l.lat), step(l.lon)
	if l.time >= 0 {
		ts = step(l.time)
	}
	for t := range times {
		for i := range rows {
			out, from := to(t, i)[:columns], values[t*ts+i*rs:]
			if cs == 1 {
				copy(out, from)
				continue
			}
			for k := range out {
				out[k] = from[k*cs]
			}
		}
	}
}

// finish converts a field and refuses what nobody can compute with.
func (r *reader) finish(p piece, at int, values []float32) error {
	c, some := p.found.change, false
	if c.seconds {
		c.scale *= r.seconds(at)
	}
	convert := !c.none()
	for i, x := range values {
		if x != x {
			continue
		}
		some = true
		if convert {
			x = float32(float64(x)*c.scale + c.offset)
			values[i] = x
		}
		if x > math.MaxFloat32 || x < -math.MaxFloat32 {
			return fmt.Errorf("%s: variable %s: is %v at time %d%s, latitude %d, longitude %d of what was read; wanted finite numbers or a missing value",
				p.path, p.found.layout.path, x, at-p.first, r.when(p, at), i/len(r.cut.Grid.Lon), i%len(r.cut.Grid.Lon))
		}
	}
	if !some && !r.allowEmpty {
		level, remedy := "", "leave that time out"
		if l := p.found.channel.Level; l > 0 {
			level, remedy = fmt.Sprintf(" at %g hPa", l/100), "leave that level out, which may be below the ground, or that time"
		}
		return fmt.Errorf("%s: variable %s%s: has no value at time %d%s: all %d are missing; %s; kiban climate prepare --empty drop leaves out all such times",
			p.path, p.found.layout.path, level, at-p.first, r.when(p, at), len(values), remedy)
	}
	return nil
}

func (r *reader) when(p piece, at int) string {
	if p.found.times == nil {
		return ""
	}
	return " (" + r.times[at].String() + ")"
}

// seconds is the length of a time cell.
func (r *reader) seconds(at int) float64 {
	c := r.series.Calendar
	if r.bounds != nil {
		return float64(c.Millis(r.bounds[at][1])-c.Millis(r.bounds[at][0])) / 1000
	}
	if m := r.series.Step.Months; m > 0 {
		d, days := r.times[at], 0
		for i := range m {
			days += c.DaysIn(d.Year+(d.Month-1+i)/12, (d.Month-1+i)%12+1)
		}
		return float64(days) * 86400
	}
	return float64(r.series.Step.Millis) / 1000
}
