package main

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// Flag categories, in which help groups them.
const (
	catInput    = "Input"
	catOutput   = "Output"
	catModel    = "Model"
	catTraining = "Training"
	catSampling = "Sampling"
	catRuntime  = "Runtime"
)

// choice is a flag with a fixed set of values, checked before the verb starts
// and offered by completion.
type choice struct {
	*cli.StringFlag
	values []string
}

func newChoice(f *cli.StringFlag, values ...string) choice {
	f.Usage += " (" + strings.Join(values, ", ") + ")"
	f.Action = func(c *cli.Context, v string) error {
		if slices.Contains(values, v) {
			return nil
		}
		return usagef("flag --%s: unknown value %q%s give one of %s. See %s --help",
			f.Name, v, orSemicolon(didYouMean(v, values, "")), strings.Join(values, ", "), c.Command.HelpName)
	}
	return choice{f, values}
}

func orSemicolon(s string) string {
	if s == "" {
		return ";"
	}
	return s
}

// optional is a flag that may stand without a value, as --resume for
// --resume=newest. Its value needs "=".
type optional struct {
	*cli.StringFlag
	alone string
}

// sharedFlags are on every verb, none on the program itself: a flag defined on
// both hides the program's value.
func sharedFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Category: catOutput, Usage: "write to `PATH`; - is stdout"},
		&cli.BoolFlag{Name: "overwrite", Aliases: []string{"O"}, Category: catOutput, Usage: "replace output that exists", DisableDefaultText: true},
		&cli.BoolFlag{Name: "json", Category: catOutput, Usage: "print results as JSON", DisableDefaultText: true},
		&cli.BoolFlag{Name: "tsv", Category: catOutput, Usage: "print tables tab-separated on a terminal too", DisableDefaultText: true},
		&cli.StringFlag{Name: "model", Aliases: []string{"m"}, Category: catModel, Usage: "model directory `DIR`"},
		&cli.IntFlag{Name: "threads", Aliases: []string{"j"}, Category: catRuntime, Usage: "use `N` threads; 0 is all", EnvVars: []string{"KIBAN_THREADS"}, Action: checkThreads},
		&cli.StringFlag{Name: "device", Category: catRuntime, Value: "auto", Usage: "compute on `NAME`: auto, cpu, vulkan, vulkan:1 or reference", EnvVars: []string{"KIBAN_DEVICE"}, Action: checkDevice},
		newChoice(&cli.StringFlag{Name: "precision", Category: catRuntime, Value: "auto", Usage: "number format of weights and activations"}, "auto", "f32", "bf16", "f16"),
		&cli.BoolFlag{Name: "profile", Category: catRuntime, Usage: "print the time that each kernel took, at the end", DisableDefaultText: true},
		&cli.StringFlag{Name: "seed", Category: catRuntime, Value: "42", Usage: "random seed `N`, or random to draw one", Action: checkSeed},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Category: catRuntime, Usage: "print errors only", DisableDefaultText: true},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Category: catRuntime, Usage: "print more; twice for still more", DisableDefaultText: true},
		newChoice(&cli.StringFlag{Name: "color", Category: catRuntime, Value: "auto", Usage: "colour messages"}, "auto", "always", "never"),
		newChoice(&cli.StringFlag{Name: "progress", Category: catRuntime, Value: "auto", Usage: "progress on stderr", EnvVars: []string{"KIBAN_PROGRESS"}}, "auto", "plain", "none"),
		newChoice(&cli.StringFlag{Name: "log-format", Category: catRuntime, Value: "text", Usage: "form of messages"}, "text", "json"),
	}
}

var (
	deviceName = regexp.MustCompile(`^(auto|cpu|reference|vulkan(:[0-9]+)?)$`)
	otherGPU   = regexp.MustCompile(`^(?:cuda|gpu|mps|rocm|hip)(:[0-9]+)?$`)
)

func checkDevice(c *cli.Context, v string) error {
	if deviceName.MatchString(v) {
		return nil
	}
	if m := otherGPU.FindStringSubmatch(v); m != nil {
		return usagef("flag --device: %q is not how kiban reaches a GPU; give --device vulkan%s. See %s --help", v, m[1], c.Command.HelpName)
	}
	return usagef("flag --device: unknown device %q; give auto, cpu, vulkan, vulkan:1 or reference. See %s --help", v, c.Command.HelpName)
}

func checkThreads(c *cli.Context, n int) error {
	if n < 0 {
		return usagef("flag --threads: %d threads asked for; give 0 for all or a positive number. See %s --help", n, c.Command.HelpName)
	}
	return nil
}

// threads is the number that a verb may use. Go's GOMAXPROCS already heeds the
// limits of the container.
func threads(c *cli.Context) int {
	if n := c.Int("threads"); n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

func checkSeed(c *cli.Context, v string) error {
	_, err := parseSeed(v)
	if err != nil {
		return usagef("flag --seed: %q is no seed; give a whole number from 0, or random. See %s --help", v, c.Command.HelpName)
	}
	return nil
}

func parseSeed(v string) (uint64, error) {
	if v == "random" {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			return 0, fmt.Errorf("seed: %w", err)
		}
		// Small enough to be the same number in every JSON reader.
		return binary.LittleEndian.Uint64(b[:]) >> 11, nil
	}
	return strconv.ParseUint(v, 10, 64)
}

// seed is the seed of this run; a drawn one is said on stderr. Call it once and
// record the result.
func seed(c *cli.Context) (uint64, error) {
	s, err := parseSeed(c.String("seed"))
	if err == nil && c.String("seed") == "random" {
		message(c, "seed %d", s)
	}
	return s, err
}

// list splits the values of a repeatable flag at commas.
func list(c *cli.Context, name string) []string {
	var out []string
	for _, v := range c.StringSlice(name) {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}
