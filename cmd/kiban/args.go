package main

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange rewrites the command line into the one order that cli parses: the
// verb, then every flag as --name=value, then "--" and the inputs. cli itself
// stops at the first input and would take later flags for more inputs. Unknown
// flags and verbs are found here, with a suggestion.
//
// Rules: "--" ends the flags; a lone "-" is an input; -j4 is -j 4; -qv is -q -v;
// --no-x is --x=false; --max_steps is --max-steps; 10k and 1M are whole numbers.
// Flags that every verb has may also stand before the verb.
func arrange(app *cli.App, args []string) ([]string, error) {
	if len(args) == 0 {
		return []string{app.Name}, nil
	}
	if len(args) > 1 && args[1] == completeVerb {
		return args, nil // its words are another command line, not ours
	}
	out, rest := []string{app.Name}, args[1:]
	cmds, path := app.Commands, app.Name
	var leaf *cli.Command
	var before []string // shared flags in front of the verb
	for len(cmds) > 0 {
		if len(rest) == 0 {
			if len(before) > 0 {
				return nil, usagef("flag %s without a verb; name a verb. See %s --help", before[0], path)
			}
			return out, nil
		}
		word := rest[0]
		if strings.HasPrefix(word, "-") && word != "-" && word != "--" {
			if slices.Contains([]string{"-h", "--help", "-help"}, word) || leaf == nil && slices.Contains([]string{"-V", "--version", "-version"}, word) {
				return append(out, word), nil
			}
			n, err := flagWords(sharedFlags(), rest, path)
			if err != nil {
				return nil, err
			}
			before, rest = append(before, rest[:n]...), rest[n:]
			continue
		}
		i := slices.IndexFunc(cmds, func(c *cli.Command) bool { return c.HasName(word) })
		if i < 0 && word == "help" {
			return arrange(app, append(append(out, rest[1:]...), "--help"))
		}
		if i < 0 {
			var names []string
			for _, c := range cmds {
				if !c.Hidden {
					names = append(names, c.Name)
				}
			}
			return nil, usagef("unknown command %s%s See %s --help", word, orStop(didYouMean(word, names, "")), path)
		}
		leaf, cmds, rest = cmds[i], cmds[i].Subcommands, rest[1:]
		path += " " + leaf.Name
		out = append(out, leaf.Name)
	}
	flags, inputs, err := splitArgs(leaf, append(before, rest...), path)
	if err != nil {
		return nil, err
	}
	if slices.Contains(flags, "--help") {
		return append(out, "--help"), nil // cli takes an input beside it for a topic
	}
	out = append(out, flags...)
	if len(inputs) > 0 {
		out = append(append(out, "--"), inputs...)
	}
	return out, nil
}

func orStop(s string) string {
	if s == "" {
		return "."
	}
	return s
}

// flagWords is how many words the flag at the start of args takes, itself
// included.
func flagWords(flags []cli.Flag, args []string, path string) (int, error) {
	f, _, attached, err := findFlag(flags, args[0], path)
	if err != nil {
		return 0, usagef("%s; a flag of a verb stands after the verb", strings.TrimSuffix(err.Error(), "."))
	}
	if !takesValue(f) || attached != nil || len(args) == 1 {
		return 1, nil
	}
	return 2, nil
}

// splitArgs separates the words after a verb into flags and inputs.
func splitArgs(cmd *cli.Command, args []string, path string) (flags, inputs []string, err error) {
	known := append(slices.Clone(cmd.Flags), cli.HelpFlag)
	for i := 0; i < len(args); i++ {
		word := args[i]
		if word == "--" {
			return flags, append(inputs, args[i+1:]...), nil
		}
		if word == "-" || !strings.HasPrefix(word, "-") {
			inputs = append(inputs, word)
			continue
		}
		if bools := shortBools(known, word); bools != nil {
			flags = append(flags, bools...)
			continue
		}
		f, negated, value, err := findFlag(known, word, path)
		if err != nil {
			return nil, nil, err
		}
		name := "--" + f.Names()[0]
		switch {
		case negated:
			flags = append(flags, name+"=false")
			continue
		case !takesValue(f):
			if value != nil {
				name += "=" + *value
			}
			flags = append(flags, name)
			continue
		case value != nil:
		case optionalValue(f) != "":
			v := optionalValue(f)
			value = &v
		case i+1 >= len(args) || isFlag(known, args[i+1], path):
			return nil, nil, usagef("flag %s needs a value. See %s --help", word, path)
		default:
			i++
			value = &args[i]
		}
		v, err := wholeNumber(f, word, *value, path)
		if err != nil {
			return nil, nil, err
		}
		flags = append(flags, name+"="+v)
	}
	return flags, inputs, nil
}

// isFlag tells a flag from a value that begins with a dash, such as -1.5.
func isFlag(known []cli.Flag, word, path string) bool {
	if !strings.HasPrefix(word, "-") || word == "-" {
		return false
	}
	_, _, _, err := findFlag(known, word, path)
	return err == nil
}

var shortDigits = regexp.MustCompile(`^-([A-Za-z])([0-9][^=]*)$`)

// findFlag looks a word up among flags. value is what follows "=" or, for -j4,
// the digits; negated is true for --no-x.
func findFlag(known []cli.Flag, word, path string) (f cli.Flag, negated bool, value *string, err error) {
	name, v, has := strings.Cut(strings.TrimLeft(word, "-"), "=")
	if has {
		value = &v
	}
	if f = byName(known, name); f != nil {
		return f, false, value, nil
	}
	if rest, ok := strings.CutPrefix(name, "no-"); ok && !has {
		if f = byName(known, rest); f != nil && !takesValue(f) {
			return f, true, nil, nil
		}
	}
	if m := shortDigits.FindStringSubmatch(word); m != nil {
		if f = byName(known, m[1]); f != nil && takesValue(f) {
			return f, false, &m[2], nil
		}
	}
	var names []string
	for _, k := range known {
		for _, n := range k.Names() {
			if len(n) > 1 {
				names = append(names, n)
			}
		}
	}
	shown, _, _ := strings.Cut(word, "=")
	return nil, false, nil, usagef("unknown flag %s%s See %s --help", shown, orStop(didYouMean(name, names, "--")), path)
}

// byName also takes _ for - and the long names that other trainers use.
func byName(known []cli.Flag, name string) cli.Flag {
	name = strings.ReplaceAll(name, "_", "-")
	find := func(n string) cli.Flag {
		for _, f := range known {
			if slices.Contains(f.Names(), n) {
				return f
			}
		}
		return nil
	}
	if f := find(name); f != nil {
		return f
	}
	if ours := longNames[name]; ours != "" {
		return find(ours)
	}
	return nil
}

// shortBools splits -qv into its switches, or returns nil if it is not that.
func shortBools(known []cli.Flag, word string) []string {
	if strings.HasPrefix(word, "--") || len(word) < 3 || byName(known, word[1:]) != nil {
		return nil
	}
	var out []string
	for _, r := range word[1:] {
		f := byName(known, string(r))
		if f == nil || takesValue(f) {
			return nil
		}
		out = append(out, "--"+f.Names()[0])
	}
	return out
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// optionalValue is the value of a flag given without one, or "" where a value
// is needed.
func optionalValue(f cli.Flag) string {
	if o, ok := f.(optional); ok {
		return o.alone
	}
	return ""
}

var counted = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)([kMG])$`)

// wholeNumber expands 10k, 1.5M and 2G where the flag is a whole number.
func wholeNumber(f cli.Flag, word, v, path string) (string, error) {
	switch f.(type) {
	case *cli.IntFlag, *cli.Int64Flag, *cli.UintFlag, *cli.Uint64Flag:
	default:
		return v, nil
	}
	m := counted.FindStringSubmatch(v)
	if m == nil {
		if _, err := strconv.ParseInt(v, 10, 64); err != nil {
			return "", usagef("flag %s: %q is no whole number; give one such as 500, 10k or 1M. See %s --help", word, v, path)
		}
		return v, nil
	}
	x, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return "", usagef("flag %s: %q is no whole number. See %s --help", word, v, path)
	}
	x *= map[string]float64{"k": 1e3, "M": 1e6, "G": 1e9}[m[2]]
	if x != math.Trunc(x) || x > 1<<53 {
		return "", usagef("flag %s: %s is no whole number of its unit. See %s --help", word, v, path)
	}
	return strconv.FormatInt(int64(x), 10), nil
}
