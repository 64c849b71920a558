package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const defaultTime = 10 * time.Second

// settings of one measurement.
type settings struct {
	device  string
	seconds float64
	tiny    bool
	data    string // folder of what the row's prepare made
	threads int    // of the CPU; 0 is all
	profile bool   // take the time of the CPU's kernels
}

// row is work that Kiban and its peers do alike.
type row struct {
	name  string
	unit  string // of what is counted
	limit limit  // what bounds it
	gpu   bool   // of a size that a GPU is busy with
	// prepare makes the row's data in an empty folder, the same bytes each time;
	// nil where there are none. Peers find the folder in KIBAN_BENCH_DATA.
	prepare func(dir string, s settings) error
	ours    func(context.Context, settings) (measured, error)
	peers   []peer
}

// limit is what the machine has that a row needs most.
type limit string

const (
	arithmetic32 limit = "f32 arithmetic"
	arithmetic16 limit = "bf16 arithmetic"
	bandwidth    limit = "memory bandwidth"
	unlimited    limit = "" // not known, or not a number
)

// measured is what one measurement gave; peers print the same.
type measured struct {
	Rate     float64  `json:"rate"`             // units a second, from the median time of a step
	Step     float64  `json:"seconds_a_step"`   // the median
	Steps    int      `json:"steps"`            // that were timed
	Need     float64  `json:"need,omitempty"`   // FLOP, or bytes, that a unit needs at least
	Check    int64    `json:"check,omitempty"`  // of what came out: peers must have the same
	Allocs   *float64 `json:"allocs,omitempty"` // Go's, a step
	Versions string   `json:"versions,omitempty"`
	Note     string   `json:"note,omitempty"` // on how a peer did it
	// Attention's share of the kernels' time, with settings.profile.
	Attention float64 `json:"attention,omitempty"`
}

// peer is a program of peers/, with its arguments; %d and %s in arguments are
// not replaced.
type peer struct {
	name   string
	script string
	args   []string
	tiny   []string // arguments instead, with --tiny
}

// rows are all of the table, in its order.
func rows() []row {
	var all []row
	for _, some := range [][]row{decoderRows(), encoderRows(), climateRows(), netcdfRows(), tokenRows(), fastaRows(), word2vecRows(), nearestRows(), startRows(), gpuRows()} {
		all = append(all, some...)
	}
	return all
}

func findRow(name string) (row, error) {
	for _, r := range rows() {
		if r.name == name {
			return r, nil
		}
	}
	return row{}, fmt.Errorf("no row is called %q; see kiban-bench --list", name)
}

// chosen are the rows whose names contain one of the words; without words all
// those of the CPU, or of a GPU.
func chosen(words []string, gpu bool) (out []row, err error) {
	for _, r := range rows() {
		for _, w := range words {
			if strings.Contains(r.name, w) {
				out = append(out, r)
				break
			}
		}
		if len(words) == 0 && r.gpu == gpu {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no row's name contains %s; see kiban-bench --list", strings.Join(words, " or "))
	}
	return out, nil
}

func list(w io.Writer) error {
	for _, r := range rows() {
		var peers []string
		for _, p := range r.peers {
			peers = append(peers, p.name)
		}
		if _, err := fmt.Fprintf(w, "%-32s %-12s %s\n", r.name, r.unit+"/s", strings.Join(peers, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// measureHere measures a row of Kiban in this process.
func measureHere(ctx context.Context, name string, s settings) (measured, error) {
	if name == limitsRow {
		return measured{}, fmt.Errorf("%s is no row", name)
	}
	r, err := findRow(name)
	if err != nil {
		return measured{}, err
	}
	return r.ours(ctx, s)
}

// prepareIn makes the data of a row in a folder, for other programs.
func prepareIn(name, dir string, s settings) error {
	r, err := findRow(name)
	if err != nil {
		return err
	}
	if r.prepare == nil {
		return fmt.Errorf("%s needs no data", name)
	}
	if dir == "" {
		return fmt.Errorf("which folder? kiban-bench prepare %q FOLDER", name)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return r.prepare(dir, s)
}
