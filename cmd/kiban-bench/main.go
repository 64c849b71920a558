// Kiban-bench measures Kiban beside what its users run today, on the same work
// on the same machine in the same hour, and says how far both are from the
// machine's limits.
//
// Each row of the table is a process of its own for Kiban and for each peer, in
// turns, so that a machine that drifts drifts for all of them. Peers are small
// Python programs that are carried along; --python names an interpreter that has
// torch, transformers and what else a row needs. Data that a row reads, at most
// 0.7 GB, are made in the system's temporary folder and removed after the row.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/climate/netcdf"
)

func main() {
	netcdf.Isolate() // first: this may be a process that only reads a file
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	app := &cli.App{
		Name: "kiban-bench", Usage: "measure Kiban beside its peers", ArgsUsage: "[ROW…]", HideVersion: true,
		Description: "Rows are those that --list shows, with a GPU those that begin with GPU and else the others; or those whose names contain an argument.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "list", Usage: "list the rows and their peers"},
			&cli.StringFlag{Name: "python", Usage: "`FILE` of the interpreter that runs the peers; without it there are none", EnvVars: []string{"KIBAN_BENCH_PYTHON"}},
			&cli.StringFlag{Name: "device", Value: "cpu", Usage: "`cpu`, or vulkan:N; the peers run on the CPU, or on the first GPU"},
			&cli.IntFlag{Name: "rounds", Value: 3, Usage: "measure everything `N` times, in turns"},
			&cli.DurationFlag{Name: "time", Value: defaultTime, Usage: "how long each measurement lasts"},
			&cli.DurationFlag{Name: "within", Usage: "stop peers and begin no row after `TIME`; 0 measures all"},
			&cli.StringFlag{Name: "json", Usage: "write all that was measured to `FILE`"},
			&cli.StringFlag{Name: "markdown", Usage: "write the table to `FILE`"},
			&cli.BoolFlag{Name: "tiny", Usage: "small models and data, to try the program itself"},
			&cli.StringFlag{Name: "data", Usage: "`FOLDER` of the row's data", Hidden: true},
		},
		Action: func(c *cli.Context) error {
			if c.Bool("list") {
				return list(c.App.Writer)
			}
			return measureAll(c)
		},
		Commands: []*cli.Command{{
			Name: "row", Usage: "measure one row of Kiban alone, and print it as JSON", ArgsUsage: "NAME", Hidden: true,
			Action: func(c *cli.Context) error {
				m, err := measureHere(c.Context, c.Args().First(), settings{device: c.String("device"), seconds: c.Duration("time").Seconds(), tiny: c.Bool("tiny"), data: c.String("data")})
				if err != nil {
					return err
				}
				return json.NewEncoder(c.App.Writer).Encode(m)
			},
		}, {
			Name: "prepare", Usage: "make the data of a row in a folder, and keep them", ArgsUsage: "NAME FOLDER",
			Action: func(c *cli.Context) error {
				return prepareIn(c.Args().First(), c.Args().Get(1), settings{tiny: c.Bool("tiny")})
			},
		}, growthCommand, pointCommand, limitsCommand, steadyCommand, {
			Name: "uniref50", Usage: "write FASTA that looks like UniRef50", Flags: uniref50Flags,
			Action: writeUniRef50,
		}},
	}
	if err := app.RunContext(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "kiban-bench:", err)
		os.Exit(1)
	}
}
