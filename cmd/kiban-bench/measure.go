package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// result is all that was measured, as --json writes it.
type result struct {
	Date    time.Time      `json:"date"`
	Machine string         `json:"machine"`
	Device  string         `json:"device"`
	Cores   int            `json:"cores"`
	Limits  []limits       `json:"limits"` // Kiban's before and after; for a GPU, those of peers too
	Rows    []*measuredRow `json:"rows"`
}

// measuredRow is a row with the rounds of all that took part.
type measuredRow struct {
	Name  string     `json:"name"`
	Unit  string     `json:"unit"`
	Limit limit      `json:"limit"`
	Ours  []measured `json:"kiban"`
	Peers []rounds   `json:"peers"`
	Took  float64    `json:"took_seconds"`

	work row
}

// rounds are those of a peer, or why there are none.
type rounds struct {
	Name   string     `json:"name"`
	Rounds []measured `json:"rounds"`
	Error  string     `json:"error,omitempty"`
}

// rate is the median of rounds.
func rateOf(all []measured) float64 {
	var x []float64
	for _, m := range all {
		x = append(x, m.Rate)
	}
	if len(x) == 0 {
		return 0
	}
	return median(x)
}

// measureAll measures the chosen rows in turns and writes what came of it. A
// peer that fails is a remark in its row, one that did other work an error in
// the end; Kiban must not fail.
func measureAll(c *cli.Context) error {
	ctx, began := c.Context, time.Now()
	s := settings{device: c.String("device"), seconds: c.Duration("time").Seconds(), tiny: c.Bool("tiny")}
	all, err := chosen(c.Args().Slice(), s.device != "cpu")
	if err != nil {
		return err
	}
	peers, err := unpackPeers()
	defer os.RemoveAll(peers)
	if err != nil {
		return err
	}
	peersEnd := ctx // when no peer may run any more
	if within := c.Duration("within"); within > 0 {
		var cancel context.CancelFunc
		peersEnd, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	r := &result{Date: time.Now().UTC().Truncate(time.Second), Machine: machine(), Device: s.device, Cores: cores()}
	if err := r.addLimits(ctx, s); err != nil {
		return err
	}
	if s.device != "cpu" && c.String("python") != "" {
		l, err := peerLimits(ctx, c.String("python"), peers, s)
		if err != nil {
			return fmt.Errorf("limits of torch: %w", err)
		}
		r.Limits = append(r.Limits, l)
	}
	var unlike []error
	for i, row := range all {
		if peersEnd.Err() != nil {
			unlike = append(unlike, fmt.Errorf("%d rows are not measured, from %q on: %v are over", len(all)-i, row.name, c.Duration("within")))
			break
		}
		x := &measuredRow{Name: row.name, Unit: row.unit, Limit: row.limit, work: row}
		r.Rows = append(r.Rows, x)
		from := time.Now()
		if err := x.measure(c, peersEnd, peers, s); err != nil {
			return fmt.Errorf("%s: %w", row.name, err)
		}
		x.Took = time.Since(from).Seconds()
		fmt.Fprintf(c.App.ErrWriter, "%s took %.1f s\n", x.Name, x.Took)
		unlike = append(unlike, x.unlike()...)
		if err := r.write(c); err != nil { // after each row: a long run may be cut short
			return err
		}
	}
	if err := r.addLimits(ctx, s); err != nil {
		return err
	}
	if err := r.write(c); err != nil {
		return err
	}
	if _, err = fmt.Fprint(c.App.Writer, r.markdown()); err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "all took %.0f s\n", time.Since(began).Seconds())
	return errors.Join(unlike...)
}

// measure measures all rounds of a row. Its data are there for that long.
func (x *measuredRow) measure(c *cli.Context, peersEnd context.Context, peers string, s settings) (err error) {
	ctx := c.Context
	for _, p := range x.work.peers {
		x.Peers = append(x.Peers, rounds{Name: p.name})
	}
	if x.work.prepare != nil {
		fmt.Fprintf(c.App.ErrWriter, "%s, its data\n", x.Name)
		if s.data, err = os.MkdirTemp("", "kiban-bench-data-"); err != nil {
			return err
		}
		defer os.RemoveAll(s.data)
		if err := x.work.prepare(s.data, s); err != nil {
			return err
		}
	}
	for n := range c.Int("rounds") {
		fmt.Fprintf(c.App.ErrWriter, "%s, round %d of %d\n", x.Name, n+1, c.Int("rounds"))
		m, err := ours(ctx, x.Name, s)
		if err != nil {
			return err
		}
		x.Ours = append(x.Ours, m)
		if c.String("python") == "" {
			continue
		}
		for i, p := range x.work.peers {
			to := &x.Peers[i]
			if to.Error != "" {
				continue
			}
			m, err := p.run(peersEnd, c.String("python"), peers, s)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if peersEnd.Err() != nil {
				err = fmt.Errorf("not done after %v", c.Duration("within"))
			}
			if err != nil {
				to.Error = err.Error()
				fmt.Fprintf(c.App.ErrWriter, "%s: %s: %v\n", x.Name, p.name, err)
				continue
			}
			to.Rounds = append(to.Rounds, m)
		}
	}
	return nil
}

// unlike are the peers whose outcome is not Kiban's: their rates are of other
// work, and go.
func (x *measuredRow) unlike() (errs []error) {
	want := x.Ours[0].Check
	for i := range x.Peers {
		p := &x.Peers[i]
		for _, m := range slices.Concat(x.Ours, p.Rounds) {
			if m.Check != want {
				p.Error, p.Rounds = fmt.Sprintf("check %d, Kiban's %d", m.Check, want), nil
				errs = append(errs, fmt.Errorf("%s: %s: the check of the outcome is %d and Kiban's %d; the work is not the same", x.Name, p.Name, m.Check, want))
				break
			}
		}
	}
	return errs
}

// addLimits measures what the machine has now.
func (r *result) addLimits(ctx context.Context, s settings) error {
	l, err := measureLimits(ctx, s)
	r.Limits = append(r.Limits, l)
	return err
}

// ours measures a row in a process of its own.
func ours(ctx context.Context, name string, s settings) (measured, error) {
	self, err := os.Executable()
	if err != nil {
		return measured{}, err
	}
	args := []string{"--device", s.device, "--time", (time.Duration(s.seconds * float64(time.Second))).String()}
	if s.tiny {
		args = append(args, "--tiny")
	}
	if s.data != "" {
		args = append(args, "--data", s.data)
	}
	return printed[measured](exec.CommandContext(ctx, self, append(args, "row", name)...))
}

func (r *result) write(c *cli.Context) error {
	var errs []error
	if path := c.String("json"); path != "" {
		b, err := json.MarshalIndent(r, "", "  ")
		if err == nil {
			err = os.WriteFile(path, append(b, '\n'), 0o666)
		}
		errs = append(errs, err)
	}
	if path := c.String("markdown"); path != "" {
		errs = append(errs, os.WriteFile(path, []byte(r.markdown()), 0o666))
	}
	return errors.Join(errs...)
}

// machine names the processor.
func machine() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return "unknown processor"
}
