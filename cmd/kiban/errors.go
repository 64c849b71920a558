package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"unicode"

	"github.com/urfave/cli/v2"
)

const (
	exitDone        = 0
	exitFailed      = 1
	exitMisuse      = 2
	exitInterrupted = 130
)

// errInterrupted is the cause of a context that a signal cancelled. A verb may
// also return it after saving.
var errInterrupted = errors.New("interrupted")

// usageError is misuse: a flag, a verb, a configuration key or a preset.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

// usagef makes a usageError; text ends with what to do.
func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// interrupted marks what a verb returned after a signal.
type interrupted struct{ error }

func (e interrupted) Unwrap() error { return e.error }

// exitCode is the code that the program ends with for an error of a verb.
func exitCode(err error) int {
	var u usageError
	var i interrupted
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &u):
		return exitMisuse
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.As(err, &i) && errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}

// report prints an error as one line and returns the exit code. The reader of
// our output leaving early (| head) is no failure to talk about.
func report(stderr io.Writer, err error) int {
	code := exitCode(err)
	if err == nil || code == exitInterrupted {
		return code
	}
	if errors.Is(err, syscall.EPIPE) {
		return exitFailed
	}
	fmt.Fprintf(stderr, "kiban: %s\n", shown(oneLine(err.Error())))
	return code
}

// oneLine joins the lines of a text; a line that is indented goes on with what
// the one before says.
func oneLine(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text)) {
		rest := strings.TrimSpace(line)
		switch {
		case b.Len() == 0 || rest == "":
		case strings.HasSuffix(b.String(), ":"):
			b.WriteByte(' ')
		case rest == strings.TrimRight(line, " \r\n"):
			b.WriteString("; ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(rest)
	}
	return b.String()
}

// mostShown are bytes of a message, which may hold what a file says.
const mostShown = 4 << 10

// shown is a message for people: its middle left out where it is longer than
// anybody reads, with nothing in it that steers a terminal.
func shown(text string) string {
	if len(text) > mostShown {
		text = strings.ToValidUTF8(text[:mostShown*3/4], "") + " … " + strings.ToValidUTF8(text[len(text)-mostShown/4:], "")
	}
	return printable(text)
}

// printable keeps what a file says from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// onUsageError turns what is left for cli to find, a value of the wrong kind,
// into our one line.
func onUsageError(c *cli.Context, err error, _ bool) error {
	return usagef("%s. See %s --help", strings.TrimSpace(err.Error()), c.Command.HelpName)
}

// suggest is the name nearest to a mistyped one, or "" when none is near: at
// most one edit a three letters.
func suggest(given string, names []string) string {
	best, at := "", len([]rune(given))/3+1
	for _, n := range names {
		if d := distance(given, n); d < at || d == at && best == "" {
			best, at = n, d
		}
	}
	return best
}

// didYouMean is "; did you mean X?" or nothing.
func didYouMean(given string, names []string, prefix string) string {
	if s := suggest(given, names); s != "" {
		return "; did you mean " + prefix + s + "?"
	}
	return ""
}

// distance counts insertions, deletions, substitutions and swaps of neighbours.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	d := make([][]int, len(s)+1)
	for i := range d {
		d[i] = make([]int, len(t)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(s)][len(t)]
}
