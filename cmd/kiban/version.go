package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/netcdf"
)

const version = "0.1.0"

// versionInfo says which build this is.
type versionInfo struct {
	Version  string `json:"version" yaml:"version"`
	Commit   string `json:"commit,omitempty" yaml:"commit,omitempty"`
	Modified bool   `json:"modified" yaml:"modified"`
	Go       string `json:"go" yaml:"go"`
	OS       string `json:"os" yaml:"os"`
	Arch     string `json:"arch" yaml:"arch"`
	NetCDF   string `json:"netcdf,omitempty" yaml:"netcdf,omitempty"` // of the C library, if it is built in
}

func readVersion() versionInfo {
	v := versionInfo{Version: version, Go: strings.TrimPrefix(runtime.Version(), "go"), OS: runtime.GOOS, Arch: runtime.GOARCH, NetCDF: netcdf.LibraryVersion()}
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	return v
}

// line has the number as its second word, which pipelines cut out.
func (v versionInfo) line() string {
	commit := "no commit"
	if v.Commit != "" {
		commit = v.Commit[:min(12, len(v.Commit))]
		if v.Modified {
			commit += "+changes"
		}
	}
	return fmt.Sprintf("kiban %s (%s, go%s, %s/%s)", v.Version, commit, v.Go, v.OS, v.Arch)
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the version and how this program was built",
		Description: "Examples:\n  kiban version\n  kiban version --json",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Category: catOutput, Usage: "print as JSON", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			if err := noInputs(c); err != nil {
				return err
			}
			v := readVersion()
			if !c.Bool("json") {
				_, err := fmt.Fprintln(c.App.Writer, v.line())
				return err
			}
			b, err := json.MarshalIndent(v, "", "  ")
			if err != nil {
				return fmt.Errorf("version: %w", err)
			}
			_, err = fmt.Fprintf(c.App.Writer, "%s\n", b)
			return err
		},
	}
}

func noInputs(c *cli.Context) error {
	if c.Args().Present() {
		return usagef("unexpected argument %s; %s takes none. See %s --help", c.Args().First(), c.Command.HelpName, c.Command.HelpName)
	}
	return nil
}
