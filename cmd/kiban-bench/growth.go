package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/checkpoint"
)

// growth is how Kiban's time a token grows, as growth.json keeps it.
type growth struct {
	Date    time.Time        `json:"date"` // of the last measurement
	Machine string           `json:"machine"`
	Device  string           `json:"device"`
	Limits  map[int][]limits `json:"limits"` // by threads, of each run
	Points  []growthPoint    `json:"points"`
}

const growthFile = "growth.json"

var growthCommand = &cli.Command{
	Name: "growth", Usage: "measure how Kiban's time a token grows, and draw it", ArgsUsage: "[WHAT…]",
	Description: "With the length of sequences, the place in a sequence, the batch, the size of a model, and threads.\n" +
		"WHAT are words in the names of points, such as \"length train\"; all points without. Other points stay as\n" +
		growthFile + " in the folder has them, so that a run can be made in pieces. Flags come before WHAT.",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Value: ".", Usage: "write " + growthFile + " and the figures to `FOLDER`"},
		&cli.DurationFlag{Name: "time", Value: 2 * time.Second, Usage: "how long each measurement lasts at least"},
		&cli.BoolFlag{Name: "tiny", Usage: "small models, to try the program itself"},
		&cli.BoolFlag{Name: "draw", Usage: "measure nothing, draw what " + growthFile + " has"},
		&cli.BoolFlag{Name: "list", Usage: "list the points"},
	},
	Action: func(c *cli.Context) error {
		s := settings{device: c.String("device"), seconds: c.Duration("time").Seconds(), tiny: c.Bool("tiny")}
		points, err := chosenPoints(s, c.Args().Slice())
		if err != nil {
			return err
		}
		if c.Bool("list") {
			for _, p := range points {
				fmt.Fprintln(c.App.Writer, p.name())
			}
			return nil
		}
		return grow(c.Context, c.String("out"), s, points, c.Bool("draw"), c.App.Writer, c.App.ErrWriter)
	},
}

// pointCommand measures one point, limitsCommand the machine: processes of
// their own, as rows are.
var pointCommand = &cli.Command{
	Name: "point", Usage: "measure one point of growth, given and printed as JSON", Hidden: true,
	Action: func(c *cli.Context) error {
		var p growthPoint
		if err := json.Unmarshal([]byte(c.Args().First()), &p); err != nil {
			return err
		}
		m, err := p.measure(c.Context, settings{device: c.String("device"), seconds: c.Duration("time").Seconds()})
		if err != nil {
			return err
		}
		return json.NewEncoder(c.App.Writer).Encode(m)
	},
}

var limitsCommand = &cli.Command{
	Name: limitsRow, Usage: "measure the machine, and print what it has as JSON",
	Flags: []cli.Flag{&cli.IntFlag{Name: "threads", Aliases: []string{"j"}, Usage: "use `N` threads; 0 is all"}},
	Action: func(c *cli.Context) error {
		l, err := measureLimits(c.Context, settings{device: c.String("device"), seconds: c.Duration("time").Seconds(), tiny: c.Bool("tiny"), threads: c.Int("threads")})
		if err != nil {
			return err
		}
		return json.NewEncoder(c.App.Writer).Encode(l)
	},
}

// grow measures points, writes and draws them with what the folder has already,
// and prints tables of all.
func grow(ctx context.Context, dir string, s settings, points []growthPoint, drawOnly bool, out, log io.Writer) error {
	g, err := readGrowth(dir, s)
	if err != nil {
		return err
	}
	if !drawOnly {
		if err := g.measure(ctx, dir, s, points, log); err != nil {
			return err
		}
	}
	if len(g.Points) == 0 {
		return fmt.Errorf("%s: has no points; measure some", filepath.Join(dir, growthFile))
	}
	if err := g.draw(dir); err != nil {
		return err
	}
	_, err = io.WriteString(out, g.markdown())
	return err
}

// readGrowth is what a folder has, or growth without points. What another
// machine measured is not gone on with.
func readGrowth(dir string, s settings) (*growth, error) {
	g, path := &growth{Machine: machine(), Device: s.device, Limits: map[int][]limits{}}, filepath.Join(dir, growthFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return g, nil
	}
	if err != nil {
		return nil, err
	}
	here := *g
	if err := json.Unmarshal(b, g); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if g.Machine != here.Machine || g.Device != here.Device {
		return nil, fmt.Errorf("%s: is of %s, device %s, and this is %s, %s; choose another folder", path, g.Machine, g.Device, here.Machine, here.Device)
	}
	return g, nil
}

func (g *growth) measure(ctx context.Context, dir string, s settings, points []growthPoint, log io.Writer) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	var threads []int
	for _, p := range points {
		threads = append(threads, p.Threads)
	}
	slices.Sort(threads)
	for _, n := range slices.Compact(threads) {
		fmt.Fprintf(log, "limits, %d threads\n", n)
		var l limits
		if _, err := inProcess(ctx, s, &l, limitsRow, "--threads", fmt.Sprint(n)); err != nil {
			return err
		}
		g.Limits[n] = append(g.Limits[n], l)
	}
	for i, p := range points {
		fmt.Fprintf(log, "%d of %d: %s\n", i+1, len(points), p.name())
		p, err := p.undisturbed(ctx, s, log)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name(), err)
		}
		g.put(p)
		if err := g.write(dir); err != nil { // after each: a long run may be cut short
			return err
		}
	}
	return nil
}

// The share of the processors that others may have worked on while a point was
// measured, before it is measured again, and how often at most it is.
const (
	tolerated = 0.03
	tries     = 3
)

// undisturbed measures a point, again if others have worked meanwhile, and takes
// the least disturbed of its measurements.
func (p growthPoint) undisturbed(ctx context.Context, s settings, log io.Writer) (growthPoint, error) {
	question, err := json.Marshal(p)
	if err != nil {
		return p, err
	}
	best := p
	for n := range tries {
		p.Measured = measured{}
		if p.Others, err = inProcess(ctx, s, &p.Measured, "point", string(question)); err != nil {
			return p, err
		}
		if n == 0 || p.Others < best.Others {
			best = p
		}
		if best.Others <= tolerated {
			break
		}
		fmt.Fprintf(log, "others had %.0f%% of the processors\n", 100*p.Others)
	}
	return best, nil
}

// limit is what the machine has for so many threads, the median of all runs.
func (g *growth) limit(threads int) limits {
	out := limits{}
	for _, k := range []limit{arithmetic32, arithmetic16, bandwidth} {
		var all []float64
		for _, l := range g.Limits[threads] {
			all = append(all, l[k])
		}
		out[k] = median(all)
	}
	return out
}

// put takes a point in the place of the one of its name, or the last.
func (g *growth) put(p growthPoint) {
	g.Date = time.Now().UTC().Truncate(time.Second)
	if i := slices.IndexFunc(g.Points, func(q growthPoint) bool { return q.name() == p.name() }); i >= 0 {
		g.Points[i] = p
		return
	}
	g.Points = append(g.Points, p)
}

func (g *growth) write(dir string) error {
	return checkpoint.WriteFile(filepath.Join(dir, growthFile), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "\t")
		return e.Encode(g)
	})
}

// inProcess runs a command of this program and reads what it prints. It returns
// the share of the processors that others had meanwhile.
func inProcess(ctx context.Context, s settings, to any, args ...string) (others float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	flags := []string{"--device", s.device, "--time", time.Duration(s.seconds * float64(time.Second)).String()}
	if s.tiny {
		flags = append(flags, "--tiny")
	}
	var stderr strings.Builder
	c := exec.CommandContext(ctx, self, append(flags, args...)...)
	c.Stderr = &stderr
	began, worked := time.Now(), processors()
	b, err := c.Output()
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	mine := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	others = (processors() - worked - mine.Seconds()) / time.Since(began).Seconds() / float64(cores())
	return max(0, others), json.Unmarshal(b, to)
}

// processors is the time in seconds that they have worked so far, for other
// virtual machines too: of the fields of /proc/stat (proc(5)), in hundredths,
// all but the waiting. It is 0 where there is no such file.
func processors() (sum float64) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	for i, f := range strings.Fields(line) {
		if x, err := strconv.ParseFloat(f, 64); err == nil && i != 4 && i != 5 && i < 9 {
			sum += x / 100
		}
	}
	return sum
}

// markdown are tables of all points: what they took, the share of the machine's
// limit that was reached, and attention's share, as measured and as counted.
func (g *growth) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, device %s, %s.\n", g.Machine, g.Device, g.Date.Format("2006-01-02 15:04"))
	for _, part := range growthParts {
		curves := g.curves(part)
		if len(curves) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n| %s | tokens/s | ms a token | share of the limit | attention | as counted |\n|---|---|---|---|---|---|\n", part)
		for _, c := range curves {
			for _, p := range c.points {
				disturbed := ""
				if p.Others > tolerated {
					disturbed = fmt.Sprintf(" (others had %.0f%% of the processors)", 100*p.Others)
				}
				fmt.Fprintf(&b, "| %s%s | %s | %s | %.0f%% | %.1f%% | %.1f%% |\n", p.short(), disturbed, number(p.Measured.Rate), number(p.milliseconds()),
					100*p.least(g.limit(p.Threads))*p.Measured.Rate, 100*p.Measured.Attention, 100*p.attention())
			}
		}
	}
	return b.String()
}

// growthCurve are the points of one task and precision, by what grows.
type growthCurve struct {
	name   string
	points []growthPoint
}

func (g *growth) curves(part string) (all []growthCurve) {
	for _, p := range g.Points {
		if p.Part != part {
			continue
		}
		name := p.kind()
		i := slices.IndexFunc(all, func(c growthCurve) bool { return c.name == name })
		if i < 0 {
			i = len(all)
			all = append(all, growthCurve{name: name})
		}
		all[i].points = append(all[i].points, p)
	}
	for _, c := range all {
		slices.SortFunc(c.points, func(a, b growthPoint) int { return cmp.Compare(a.x(), b.x()) })
	}
	slices.SortFunc(all, func(a, b growthCurve) int { return cmp.Compare(a.points[0].order(), b.points[0].order()) })
	return all
}
