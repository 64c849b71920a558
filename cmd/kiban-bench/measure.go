package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
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
	Limits  []limits       `json:"limits"` // before and after
	Rows    []*measuredRow `json:"rows"`
}

// measuredRow is a row with the rounds of all that took part.
type measuredRow struct {
	Name  string     `json:"name"`
	Unit  string     `json:"unit"`
	Limit limit      `json:"limit"`
	Ours  []measured `json:"kiban"`
	Peers []rounds   `json:"peers"`
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
// peer that fails is a remark in its row; Kiban must not.
func measureAll(c *cli.Context) error {
	ctx := c.Context
	s := settings{device: c.String("device"), seconds: c.Duration("time").Seconds(), tiny: c.Bool("tiny")}
	all, err := chosen(c.Args().Slice())
	if err != nil {
		return err
	}
	dir, err := unpackPeers()
	defer os.RemoveAll(dir)
	if err != nil {
		return err
	}
	r := &result{Date: time.Now().UTC().Truncate(time.Second), Machine: machine(), Device: s.device, Cores: cores()}
	if err := r.addLimits(ctx, s); err != nil {
		return err
	}
	for _, row := range all {
		x := &measuredRow{Name: row.name, Unit: row.unit, Limit: row.limit}
		for _, p := range row.peers {
			x.Peers = append(x.Peers, rounds{Name: p.name})
		}
		r.Rows = append(r.Rows, x)
		for n := range c.Int("rounds") {
			fmt.Fprintf(c.App.ErrWriter, "%s, round %d of %d\n", row.name, n+1, c.Int("rounds"))
			m, err := ours(ctx, row.name, s)
			if err != nil {
				return fmt.Errorf("%s: %w", row.name, err)
			}
			x.Ours = append(x.Ours, m)
			if c.String("python") == "" {
				continue
			}
			for i, p := range row.peers {
				to := &x.Peers[i]
				if to.Error != "" {
					continue
				}
				m, err := p.run(ctx, c.String("python"), dir, s)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					to.Error = err.Error()
					fmt.Fprintf(c.App.ErrWriter, "%s: %s: %v\n", row.name, p.name, err)
					continue
				}
				to.Rounds = append(to.Rounds, m)
			}
		}
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
	_, err = fmt.Fprint(c.App.Writer, r.markdown())
	return err
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
	return printed(exec.CommandContext(ctx, self, append(args, "row", name)...))
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
