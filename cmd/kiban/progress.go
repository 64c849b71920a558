package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

const (
	progressQuiet = 2 * time.Second  // short work says nothing
	progressEvery = 10 * time.Second // between lines off the terminal
	progressRate  = 30 * time.Second // the window of rate and ETA
)

// progress reports on stderr how far one phase of the work is. On a terminal it
// is one bar; elsewhere a key=value line at most every ten seconds and one at
// the end. Nothing appears in the first two seconds. Methods may be called from
// several goroutines.
type progress struct {
	mu     sync.Mutex
	now    func() time.Time
	w      io.Writer
	phase  string
	unit   string
	total  int64
	mode   progressMode
	start  time.Time
	last   time.Time // of the latest line
	points []progressPoint
	fields []any
	bar    *mpb.Progress
	line   *mpb.Bar
	ended  bool
}

type progressMode int

const (
	progressNone progressMode = iota
	progressLines
	progressJSON
	progressBar
)

type progressPoint struct {
	at   time.Time
	done int64
}

// newProgress starts a phase named by its verb in -ing ("reading", "training").
// total 0 means unknown.
func newProgress(c *cli.Context, phase string, total int64) *progress {
	mode := progressLines
	switch kind := c.String("progress"); {
	case kind == "none" || c.Bool("quiet"):
		mode = progressNone
	case c.String("log-format") == "json":
		mode = progressJSON
	case kind == "auto" && isTerminal(c.App.ErrWriter):
		mode = progressBar
	}
	return startProgress(c.App.ErrWriter, phase, total, mode, time.Now)
}

func startProgress(w io.Writer, phase string, total int64, mode progressMode, now func() time.Time) *progress {
	t := now()
	return &progress{now: now, w: w, phase: phase, unit: "step", total: total, mode: mode,
		start: t, points: []progressPoint{{t, 0}}}
}

// Unit names what is counted, in the singular; without it, step.
func (p *progress) Unit(name string) *progress {
	p.unit = name
	return p
}

// From says that done units were done before, which took no time.
func (p *progress) From(done int64) *progress {
	p.points = []progressPoint{{p.start, done}}
	return p
}

// Update says that done units are done; fields are names and values in turn,
// such as "loss", 2.41, "tok_s", 41200.0.
func (p *progress) Update(done int64, fields ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == progressNone || p.ended {
		return
	}
	t := p.now()
	p.fields = fields
	p.points = append(p.points, progressPoint{t, done})
	for len(p.points) > 2 && t.Sub(p.points[1].at) > progressRate {
		p.points = p.points[1:]
	}
	// Many updates a second would fill memory: halve them, ends kept.
	if n := len(p.points); n > 300 {
		for i := range n / 2 {
			p.points[i] = p.points[2*i]
		}
		p.points = append(p.points[:n/2], p.points[n-1])
	}
	if t.Sub(p.start) < progressQuiet {
		return
	}
	if p.mode == progressBar {
		p.showBar(done)
		return
	}
	if p.last.IsZero() || t.Sub(p.last) >= progressEvery {
		p.last = t
		p.print()
	}
}

// Done ends the phase. Off the terminal the last state is printed if anything
// was before, or if the phase took longer than two seconds.
func (p *progress) Done() {
	p.mu.Lock()
	ended, bar, line := p.ended, p.bar, p.line
	p.ended = true
	p.mu.Unlock()
	if ended {
		return
	}
	if bar != nil {
		// Without the lock, which the drawing needs once more. The bar stays as
		// it is, whole or not: an interrupted phase shows where.
		if !line.Completed() {
			line.Abort(false)
		}
		bar.Wait()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode != progressNone && p.mode != progressBar && p.now().Sub(p.start) >= progressQuiet && len(p.points) > 1 {
		p.print()
	}
}

func (p *progress) done() int64 { return p.points[len(p.points)-1].done }

// rate is units a second over the window.
func (p *progress) rate() float64 {
	a, z := p.points[0], p.points[len(p.points)-1]
	if s := z.at.Sub(a.at).Seconds(); s > 0 {
		return float64(z.done-a.done) / s
	}
	return 0
}

// eta is the time left, or 0 when unknown.
func (p *progress) eta() time.Duration {
	r := p.rate()
	if p.total <= 0 || r <= 0 || p.done() >= p.total {
		return 0
	}
	s := math.Round(float64(p.total-p.done()) / r)
	if s > 1e7 {
		return 0
	}
	return time.Duration(s) * time.Second
}

type progressField struct {
	name  string
	value any
}

// state is what a line says, in order.
func (p *progress) state() []progressField {
	out := []progressField{{"phase", p.phase}, {p.unit, p.done()}}
	if p.total > 0 {
		out = append(out, progressField{"total", p.total})
	}
	for i := 0; i+1 < len(p.fields); i += 2 {
		out = append(out, progressField{fmt.Sprint(p.fields[i]), p.fields[i+1]})
	}
	if len(p.fields) == 0 {
		out = append(out, progressField{"per_s", p.rate()})
	}
	if e := p.eta(); e > 0 {
		out = append(out, progressField{"eta", e.String()})
	}
	return out
}

func (p *progress) print() {
	var b strings.Builder
	for i, f := range p.state() {
		if p.mode == progressJSON {
			sep := `, `
			if i == 0 {
				sep = `{`
			}
			name, _ := json.Marshal(f.name) // a string always encodes
			fmt.Fprintf(&b, "%s%s: %s", sep, name, jsonValue(f.value))
			continue
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(f.name + "=" + plain(f.value))
	}
	if p.mode == progressJSON {
		b.WriteByte('}')
	}
	fmt.Fprintln(p.w, b.String())
}

// plain is a value for a key=value line: four digits are enough to watch.
func plain(v any) string {
	f, ok := v.(float64)
	if !ok {
		return fmt.Sprint(v)
	}
	if a := math.Abs(f); a >= 1000 && a < 1e15 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'g', 4, 64)
}

func (p *progress) showBar(done int64) {
	if p.bar == nil {
		p.bar = mpb.New(mpb.WithOutput(p.w), mpb.WithWidth(20), mpb.WithAutoRefresh())
		p.line = p.bar.AddBar(p.total,
			mpb.PrependDecorators(decor.Name(p.phase+" ")),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
				p.mu.Lock()
				defer p.mu.Unlock()
				return p.tail()
			})),
			mpb.BarFillerTrim())
	}
	// mpb draws from its own goroutine, which asks tail for the text: let go of
	// the lock while it may wait for us.
	line := p.line
	p.mu.Unlock()
	line.SetCurrent(done)
	p.mu.Lock()
}

// tail is the text right of the bar: step 1200/5000 24% · loss 2.413 · eta 12m4s.
func (p *progress) tail() string {
	s := fmt.Sprintf(" %s %s", p.unit, commas(strconv.FormatInt(p.done(), 10)))
	if p.total > 0 {
		s += fmt.Sprintf("/%s %d%%", commas(strconv.FormatInt(p.total, 10)), 100*p.done()/p.total)
	}
	for _, f := range p.state()[2:] {
		if f.name == "total" || f.name == "per_s" {
			continue
		}
		s += " · " + f.name + " " + plain(f.value)
	}
	return s
}
