package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/figure"
	"github.com/kiban-models/kiban/core/train"
)

var steadyCommand = &cli.Command{
	Name: "steady", Usage: "train with kiban for a while and tell whether its memory stays flat",
	Description: "A 25M model on made sequences, with a checkpoint each minute and an evaluation each 25 steps. It ends with an\n" +
		"error if the resident memory grew by more than 1% after the first fifth of the time.",
	Flags: []cli.Flag{
		&cli.DurationFlag{Name: "for", Value: time.Hour, Usage: "train for so long"},
		&cli.DurationFlag{Name: "every", Value: 10 * time.Second, Usage: "look at the process so often"},
		&cli.BoolFlag{Name: "bf16", Usage: "compute in bf16, not f32"},
		&cli.BoolFlag{Name: "tiny", Usage: "a small model, to try the program itself"},
		&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Value: ".", Usage: "write steady_f32.json and .svg, or steady_bf16, to `FOLDER`"},
	},
	Action: func(c *cli.Context) error {
		s := &steady{For: c.Duration("for").Seconds(), Precision: precision(c.Bool("bf16")), Machine: machine(), Date: time.Now().UTC().Truncate(time.Second)}
		if err := s.run(c.Context, c.Duration("every"), c.Bool("tiny"), c.String("device"), c.App.ErrWriter); err != nil {
			return err
		}
		if err := s.write(c.String("out")); err != nil {
			return err
		}
		if _, err := fmt.Fprint(c.App.Writer, s.summary()); err != nil {
			return err
		}
		return s.flat()
	},
}

// steady is what a training run's process was seen to hold.
type steady struct {
	Date      time.Time   `json:"date"`
	Machine   string      `json:"machine"`
	Precision string      `json:"precision"`
	For       float64     `json:"for"` // seconds, all times below too
	Steps     int         `json:"steps"`
	Saves     int         `json:"checkpoints"`
	Held      []held      `json:"held"`
	Collected []collected `json:"collections"`
}

// held is what /proc says of a process, in KiB.
type held struct {
	Seconds   float64 `json:"seconds"`
	Resident  float64 `json:"resident"`
	Anonymous float64 `json:"anonymous"` // without files and shared memory
	Peak      float64 `json:"peak"`
}

// collected is what Go says of one of its collections, in whole MiB.
type collected struct {
	Seconds float64 `json:"seconds"`
	Before  float64 `json:"before"` // in the heap when it began
	Live    float64 `json:"live"`   // and what of it was in use
}

// run trains in a folder of its own.
func (s *steady) run(ctx context.Context, every time.Duration, tiny bool, device string, log io.Writer) error {
	path, err := kiban()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kiban-bench-steady-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	data, out, fasta := filepath.Join(dir, "data"), filepath.Join(dir, "run"), filepath.Join(dir, "made.fasta")
	records, shape := 30_000, []string{"--layers", "8", "--width", "512", "--heads", "8", "--batch-size", "8", "--seq-len", "512"}
	vocabulary := "8192"
	if tiny {
		records, shape, vocabulary = 300, []string{"--layers", "1", "--width", "32", "--heads", "2", "--batch-size", "2", "--seq-len", "64"}, "300"
	}
	err = checkpoint.WriteFile(fasta, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		newGenerator(1).write(b, records, shareExact, shareNear)
		return b.Flush()
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(log, "preparing", records, "sequences")
	if b, err := exec.CommandContext(ctx, path, "protein", "prepare", fasta, "-o", data, "--vocab-size", vocabulary, "-q").CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", path, err, b)
	}
	length := time.Duration(s.For * float64(time.Second))
	args := append([]string{"protein", "pretrain", data, "-o", out, "--precision", s.Precision, "--device", device, "--progress", "none",
		"--max-time", length.String(), "--save-interval", min(time.Minute, length/3).String(), "--save-every", "1000000000",
		"--eval-every", "25", "--eval-tokens", "16384", "--epochs", "1000", "--schedule", "constant"}, shape...)
	c := exec.CommandContext(ctx, path, args...)
	c.Env = append(os.Environ(), "GODEBUG=gctrace=1")
	stderr, err := c.StderrPipe()
	if err != nil {
		return err
	}
	fmt.Fprintln(log, "training for", length)
	began := time.Now()
	if err := c.Start(); err != nil {
		return err
	}
	stop := make(chan error)
	go s.watch(c.Process.Pid, out, began, every, stop)
	said := s.listen(stderr)
	err = c.Wait()
	stop <- nil
	if watched := <-stop; err == nil {
		err = watched
	} else {
		err = fmt.Errorf("%s: %w: %s", path, err, said)
	}
	if err != nil {
		return err
	}
	history, err := train.ReadHistory(filepath.Join(out, "metrics.jsonl"))
	if err != nil {
		return err
	}
	for _, r := range history {
		s.Steps = max(s.Steps, r.Step)
	}
	s.Collected = slices.DeleteFunc(s.Collected, func(c collected) bool { return c.Seconds > s.For }) // of the last evaluation, and the report
	return nil
}

// watch looks at a process, and at the checkpoints that come in its directory,
// until it is told to stop, and says what went wrong. What comes after the
// training is not looked at.
func (s *steady) watch(pid int, dir string, began time.Time, every time.Duration, stop chan error) {
	var wrong error
	saves := map[string]bool{}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			at := time.Since(began).Seconds()
			if at > s.For || wrong != nil {
				continue
			}
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if err != nil {
				wrong = err
				continue
			}
			h, err := parseStatus(b)
			if err != nil {
				wrong = fmt.Errorf("/proc/%d/status: %w", pid, err)
				continue
			}
			h.Seconds = at
			s.Held = append(s.Held, h)
			there, _ := filepath.Glob(filepath.Join(dir, "checkpoint-*")) // the pattern is well formed
			for _, path := range there {
				saves[path] = true
			}
			s.Saves = len(saves)
		case <-stop:
			stop <- wrong
			return
		}
	}
}

// parseStatus reads what /proc/PID/status says of memory (proc(5)).
func parseStatus(b []byte) (h held, err error) {
	fields := map[string]*float64{"VmRSS": &h.Resident, "RssAnon": &h.Anonymous, "VmHWM": &h.Peak}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		to := fields[name]
		if to == nil {
			continue
		}
		if *to, err = strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64); err != nil {
			return h, err
		}
		delete(fields, name)
	}
	if len(fields) > 0 {
		return h, fmt.Errorf("VmRSS, RssAnon and VmHWM are not all there")
	}
	return h, nil
}

// traced is a line of GODEBUG=gctrace=1 (package runtime): when, and the heap
// before and after, and what of it lives.
var traced = regexp.MustCompile(`^gc \d+ @([0-9.]+)s .* (\d+)->\d+->(\d+) MB, `)

// listen reads stderr to its end: Go's lines of collections, and what else was
// said.
func (s *steady) listen(r io.Reader) string {
	var said strings.Builder
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		m := traced.FindSubmatch(lines.Bytes())
		if m == nil {
			said.Write(lines.Bytes())
			said.WriteByte('\n')
			continue
		}
		var x [3]float64
		for i := range x {
			x[i], _ = strconv.ParseFloat(string(m[i+1]), 64) // digits and points
		}
		s.Collected = append(s.Collected, collected{x[0], x[1], x[2]})
	}
	io.Copy(&said, r) // a line too long for the scanner
	return said.String()
}

// settled are the samples after the first fifth of the time.
func (s *steady) settled() []held {
	for i, h := range s.Held {
		if h.Seconds >= s.For/5 {
			return s.Held[i:]
		}
	}
	return nil
}

// slope is that of a line of least squares.
func slope(x, y []float64) float64 {
	var mx, my, xy, xx float64
	for i := range x {
		mx, my = mx+x[i]/float64(len(x)), my+y[i]/float64(len(x))
	}
	for i := range x {
		xy, xx = xy+(x[i]-mx)*(y[i]-my), xx+(x[i]-mx)*(x[i]-mx)
	}
	return xy / xx
}

// growth is how fast the resident memory grew after the first fifth, in KiB an
// hour, and by how much of its mean in that time.
func (s *steady) growth() (hourly, share float64) {
	var x, y []float64
	mean := 0.0
	all := s.settled()
	for _, h := range all {
		x, y = append(x, h.Seconds/3600), append(y, h.Resident)
		mean += h.Resident / float64(len(all))
	}
	if len(x) < 3 {
		return math.NaN(), math.NaN()
	}
	hourly = slope(x, y)
	return hourly, hourly * (x[len(x)-1] - x[0]) / mean
}

// allocated is what Go allocated in MiB a step, over the collections: what was in
// the heap more than the one before had left.
func (s *steady) allocated() float64 {
	sum, n := 0.0, len(s.Collected)
	for i := 1; i < n; i++ {
		sum += max(0, s.Collected[i].Before-s.Collected[i-1].Live)
	}
	if n < 2 || s.Steps == 0 {
		return math.NaN()
	}
	return sum / (s.Collected[n-1].Seconds - s.Collected[0].Seconds) * s.For / float64(s.Steps)
}

// flat is the error of memory that is not, or of too few samples.
func (s *steady) flat() error {
	hourly, share := s.growth()
	if !(math.Abs(share) <= 0.01) {
		return fmt.Errorf("the resident memory grew by %.2f%% after the first fifth, %.0f KiB an hour; wanted at most 1%%", 100*share, hourly)
	}
	return nil
}

func (s *steady) summary() string {
	var b strings.Builder
	lo, hi := math.Inf(1), 0.0
	all := s.settled()
	for _, h := range all {
		lo, hi = min(lo, h.Resident), max(hi, h.Resident)
	}
	hourly, share := s.growth()
	fmt.Fprintf(&b, "%s, %s, %v: %d steps, %d checkpoints seen.\n", s.Machine, s.Precision, time.Duration(s.For*float64(time.Second)), s.Steps, s.Saves)
	if len(all) == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, "Resident after the first fifth: %.1f to %.1f MiB in %d samples, %+.0f KiB an hour by the line of least squares (%+.3f%% in that time); peak %.1f MiB.\n",
		lo/1024, hi/1024, len(all), hourly, 100*share, all[len(all)-1].Peak/1024)
	if n := len(s.Collected); n > 0 {
		fmt.Fprintf(&b, "Go's heap: %.0f MiB in use after the last of %d collections; about %.2f MiB allocated a step, checkpoints and evaluations included.\n", s.Collected[n-1].Live, n, s.allocated())
	}
	return b.String()
}

// write writes steady_PRECISION.json and .svg.
func (s *steady) write(dir string) error {
	path := filepath.Join(dir, "steady_"+s.Precision)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	err = checkpoint.WriteFile(path+".json", func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(append(b, '\n')))
		return err
	})
	if err != nil {
		return err
	}
	resident, anonymous, heap := figure.Series{Name: "resident"}, figure.Series{Name: "without files"}, figure.Series{Name: "Go's heap"}
	for _, h := range s.Held {
		resident.X, resident.Y = append(resident.X, h.Seconds/60), append(resident.Y, h.Resident/1024)
		anonymous.X, anonymous.Y = append(anonymous.X, h.Seconds/60), append(anonymous.Y, h.Anonymous/1024)
	}
	for _, c := range s.Collected {
		heap.X, heap.Y = append(heap.X, c.Seconds/60), append(heap.Y, c.Live)
	}
	pic, err := figure.Curve([]figure.Series{resident, anonymous, heap}, figure.Options{
		Title: "Memory of a training run", Subtitle: fmt.Sprintf("25M weights, %s, %d steps, a checkpoint each minute", s.Precision, s.Steps),
		XLabel: "Time (minutes)", YLabel: "Memory (MiB)", YFromZero: true, EndLabels: true,
	})
	if err != nil {
		return err
	}
	return writeSVG(pic, path+".svg")
}
