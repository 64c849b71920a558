package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
)

// newApp puts the command groups together.
//
// To add a verb: define its flags in <group>_flags.go (each with a category and
// a default that help shows), register it with verb() in <group>.go with two
// examples in its Description, and write its body, one function
// run<Verb>(c *cli.Context) error, in <group>_<verb>.go. The body takes its
// inputs from inputs(c), writes data through createOutput or printTable, and
// reports with newProgress; it returns usagef for misuse and any other error for
// failure. It starts no goroutine that outlives it and heeds c.Context.
func newApp(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:      "kiban",
		Usage:     "train, run and evaluate models of sequences, materials text and climate",
		UsageText: "kiban <group> <verb> [flags] [inputs…]",
		Description: "Flags may stand anywhere after the verb. Data go to stdout, messages to stderr.\n" +
			"Exit codes: 0 done, 1 failed, 2 misuse, 130 interrupted after saving.",
		Version: version,
		Commands: []*cli.Command{
			proteinGroup(),
			materialsGroup(),
			climateGroup(),
			modelGroup(),
			deviceGroup(),
			presetsGroup(),
			versionCommand(),
			completionCommand(),
			manCommand(),
			completeCommand(),
		},
		Flags: []cli.Flag{
			// cli gives -v to the version; here it is --verbose.
			&cli.BoolFlag{Name: "version", Aliases: []string{"V"}, Usage: "print the version", DisableDefaultText: true},
		},
		HideVersion:     true,
		HideHelpCommand: true,
		// A value may hold commas (--set k=[1,2]); lists are split where they are read.
		DisableSliceFlagSeparator: true,
		Reader:                    stdin,
		Writer:                    stdout,
		ErrWriter:                 stderr,
		Action: func(c *cli.Context) error {
			if c.Bool("version") {
				_, err := fmt.Fprintln(c.App.Writer, readVersion().line())
				return err
			}
			return cli.ShowAppHelp(c)
		},
		// run prints errors and chooses the code: cli must not exit by itself.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   onUsageError,
	}
	eachCommand(app.Commands, "kiban", func(cmd *cli.Command, path string) {
		cmd.OnUsageError = onUsageError
		cmd.HideHelpCommand = true
		if strings.Count(path, " ") > 1 { // cli itself names the outer ones
			cmd.HelpName = path
		}
	})
	return app
}

// eachCommand visits commands and their subcommands with their full names.
func eachCommand(cmds []*cli.Command, parent string, visit func(cmd *cli.Command, path string)) {
	for _, cmd := range cmds {
		path := parent + " " + cmd.Name
		visit(cmd, path)
		eachCommand(cmd.Subcommands, path, visit)
	}
}

// run is the whole program: it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := newApp(stdin, stdout, stderr)
	app.Metadata = map[string]any{"args": args}
	arranged, err := arrange(app, args)
	if err != nil {
		return report(stderr, err)
	}
	ctx, stop := withSignals(context.Background(), stderr)
	defer stop()
	err = app.RunContext(ctx, arranged)
	if err != nil && context.Cause(ctx) == errInterrupted {
		err = interrupted{err}
	}
	return report(stderr, err)
}

// withSignals cancels the context with errInterrupted at the first SIGINT,
// SIGTERM or SIGUSR1 (schedulers announce the end of a job by it), so that a
// verb finishes its step and saves. A second SIGINT leaves at once.
func withSignals(parent context.Context, stderr io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	ch := make(chan os.Signal, 4)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM, syscall.SIGUSR1)
	done := make(chan struct{})
	go func() {
		first := true
		for {
			select {
			case <-done:
				return
			case s := <-ch:
				if first {
					first = false
					fmt.Fprintln(stderr, "kiban: interrupted; finishing the step (press Ctrl-C again to leave at once)")
					cancel(errInterrupted)
				} else if s == os.Interrupt {
					os.Exit(exitInterrupted)
				}
			}
		}
	}()
	return ctx, func() {
		signal.Stop(ch)
		close(done)
		cancel(nil)
	}
}

// contextInterrupted tells whether a signal cancelled the context of a verb.
func contextInterrupted(c *cli.Context) bool {
	return context.Cause(c.Context) == errInterrupted
}
