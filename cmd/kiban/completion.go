package main

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// completeVerb is the hidden command that the shell scripts call: its first
// word is "=" and the word at the cursor, the others are the words before it.
// The "=" keeps an empty word from getting lost in a shell.
const completeVerb = "__complete"

//go:embed completion
var completionScripts embed.FS

func completionCommand() *cli.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion script of a shell",
		ArgsUsage: "bash|zsh|fish|powershell",
		Description: "Examples:\n  source <(kiban completion bash)\n" +
			"  kiban completion fish > ~/.config/fish/completions/kiban.fish",
		Action: func(c *cli.Context) error {
			shell := c.Args().First()
			if c.NArg() != 1 || !slices.Contains(shells, shell) {
				return usagef("completion: shell is %q, wanted one of %s. See kiban completion --help", shell, strings.Join(shells, ", "))
			}
			b, err := completionScripts.ReadFile("completion/" + shell + ".txt")
			if err != nil {
				return fmt.Errorf("completion: %w", err)
			}
			_, err = c.App.Writer.Write(b)
			return err
		},
	}
}

func completeCommand() *cli.Command {
	return &cli.Command{
		Name:            completeVerb,
		Hidden:          true,
		SkipFlagParsing: true,
		Usage:           "answer the completion scripts",
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			// With SkipFlagParsing cli keeps a "--" of the words as one of them.
			cur := strings.TrimPrefix(c.Args().First(), "=")
			for _, w := range candidates(c.App, cur, words[min(1, len(words)):]) {
				if _, err := fmt.Fprintln(c.App.Writer, w); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// candidates are the words that may stand at the cursor: verbs, flags, or the
// values of the flag before it. None means that files are meant.
func candidates(app *cli.App, cur string, before []string) []string {
	cmds := app.Commands
	var leaf *cli.Command
	prev := ""
	for _, w := range before {
		prev = w
		if i := slices.IndexFunc(cmds, func(c *cli.Command) bool { return c.HasName(w) }); i >= 0 {
			leaf, cmds = cmds[i], cmds[i].Subcommands
		}
	}
	flags := []cli.Flag{cli.HelpFlag}
	if leaf == nil {
		flags = append(flags, app.Flags...)
	} else {
		flags = append(flags, leaf.Flags...)
	}
	var out []string
	offer := func(s string) {
		if strings.HasPrefix(s, cur) {
			out = append(out, s)
		}
	}
	if strings.HasPrefix(prev, "-") && leaf != nil {
		if f, _, value, err := findFlag(flags, prev, ""); err == nil && takesValue(f) && value == nil && optionalValue(f) == "" {
			return flagValues(f, cur)
		}
	}
	if strings.HasPrefix(cur, "-") {
		for _, f := range flags {
			if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
				continue
			}
			offer("--" + f.Names()[0])
		}
		return out
	}
	for _, c := range cmds {
		if !c.Hidden {
			offer(c.Name)
		}
	}
	if leaf != nil && leaf.Name == "completion" {
		for _, s := range []string{"bash", "fish", "powershell", "zsh"} {
			offer(s)
		}
	}
	return out
}

func flagValues(f cli.Flag, cur string) []string {
	var values []string
	switch name := f.Names()[0]; {
	case name == "device":
		values = []string{"auto", "cpu", "vulkan", "vulkan:1"}
	case name == "model" || name == "tokenizer":
		found, _ := filepath.Glob(cur + "*") // an odd pattern has no matches to offer
		for _, p := range found {
			if st, err := os.Stat(p); err == nil && st.IsDir() {
				values = append(values, p+string(filepath.Separator))
			}
		}
	default:
		if c, ok := f.(choice); ok {
			values = c.values
		}
	}
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !strings.HasPrefix(v, cur) })
}

func manCommand() *cli.Command {
	return &cli.Command{
		Name:        "man",
		Usage:       "print the manual page",
		Description: "Examples:\n  kiban man > kiban.1\n  kiban man | man -l -",
		Action: func(c *cli.Context) error {
			if err := noInputs(c); err != nil {
				return err
			}
			page, err := c.App.ToManWithSection(1)
			if err != nil {
				return fmt.Errorf("man: %w", err)
			}
			_, err = fmt.Fprint(c.App.Writer, page)
			return err
		},
	}
}
