package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/urfave/cli/v2"
)

// runInfo is run.json: what a run directory says about its run.
type runInfo struct {
	Status   string         `json:"status"` // running, done, failed or interrupted
	Started  time.Time      `json:"started"`
	Ended    *time.Time     `json:"ended"`
	ExitCode *int           `json:"exit_code"`
	Error    string         `json:"error,omitempty"`
	Command  string         `json:"command"`
	Version  versionInfo    `json:"version"`
	Seed     uint64         `json:"seed"`
	Device   string         `json:"device"`
	Threads  int            `json:"threads"`
	Host     string         `json:"host,omitempty"`
	Best     string         `json:"best,omitempty"` // checkpoint directories within
	Last     string         `json:"last,omitempty"`
	Summary  map[string]any `json:"summary,omitempty"`
}

// runDir keeps the files about a run in its directory.
type runDir struct {
	dir  string
	info runInfo
	now  func() time.Time
}

// startRun writes run.json (status running), command.txt, versions.yml and
// config.yaml into dir, which exists. config is the resolved options struct and
// can be fed back by --config. device is what was chosen, not "auto".
func startRun(c *cli.Context, dir string, config any, seed uint64, device string) (*runDir, error) {
	host, _ := os.Hostname() // only informative: may be absent
	r := &runDir{dir: dir, now: time.Now}
	r.info = runInfo{
		Status: "running", Started: r.now().UTC().Truncate(time.Second), Command: commandLine(os.Args),
		Version: readVersion(), Seed: seed, Device: device, Threads: threads(c), Host: host,
	}
	conf, err := yaml.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "config.yaml"), err)
	}
	versions := fmt.Sprintf("\"kiban\":\n    kiban: %s\n    go: %s\n", r.info.Version.Version, r.info.Version.Go)
	for _, f := range []struct {
		name string
		data []byte
	}{
		{"command.txt", []byte(r.info.Command + "\n")},
		{"versions.yml", []byte(versions)},
		{"config.yaml", conf},
	} {
		if err := writeWhole(filepath.Join(dir, f.name), f.data); err != nil {
			return nil, err
		}
	}
	return r, r.write()
}

// Checkpoints names the latest and the best checkpoint, "" for none.
func (r *runDir) Checkpoints(last, best string) error {
	r.info.Last, r.info.Best = last, best
	return r.write()
}

// Finish records how the run ended and returns err, joined with its own error
// if the record cannot be written. summary may be nil.
func (r *runDir) Finish(c *cli.Context, err error, summary map[string]any) error {
	if err != nil && c.Context != nil && contextInterrupted(c) {
		err = interrupted{err}
	}
	code := exitCode(err)
	end := r.now().UTC().Truncate(time.Second)
	r.info.Ended, r.info.ExitCode, r.info.Summary = &end, &code, summary
	switch code {
	case exitDone:
		r.info.Status = "done"
	case exitInterrupted:
		r.info.Status = "interrupted"
	default:
		r.info.Status, r.info.Error = "failed", err.Error()
	}
	if werr := r.write(); werr != nil {
		if err == nil {
			return werr
		}
		return fmt.Errorf("%w (and the run's record could not be written: %v)", err, werr)
	}
	return err
}

func (r *runDir) write() error {
	b, err := json.MarshalIndent(r.info, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(r.dir, "run.json"), err)
	}
	return writeWhole(filepath.Join(r.dir, "run.json"), append(b, '\n'))
}

// commandLine is args as a shell would take them again.
func commandLine(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		if i == 0 {
			a = filepath.Base(a)
		}
		if a == "" || strings.ContainsAny(a, " \t\n\"'\\$`*?[]{}()<>|&;#~!") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out[i] = a
	}
	return strings.Join(out, " ")
}
