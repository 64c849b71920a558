package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func testApp() *cli.App { return newApp(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}) }

// leaves are all verbs with their words on the command line.
func leaves(app *cli.App) map[string]*cli.Command {
	out := map[string]*cli.Command{}
	eachCommand(app.Commands, "kiban", func(c *cli.Command, path string) {
		if len(c.Subcommands) == 0 && c.Name != completeVerb {
			out[path] = c
		}
	})
	return out
}

// sampleValue is a value that a flag accepts.
func sampleValue(f cli.Flag) string {
	switch x := f.(type) {
	case choice:
		return x.values[len(x.values)-1]
	case *cli.IntFlag:
		return "3"
	case *cli.Float64Flag:
		return "0.5"
	case *cli.DurationFlag:
		return "30m"
	}
	switch f.Names()[0] {
	case "device":
		return "vulkan:1"
	case "seed":
		return "7"
	}
	return "some value"
}

// Every flag of every verb, before and after the inputs, by every name, with
// "=" and without, arrives with its value, and the inputs stay whole.
func TestEveryFlagOfEveryVerbAnywhere(t *testing.T) {
	for path := range leaves(testApp()) {
		for _, f := range leaves(testApp())[path].Flags {
			for _, name := range f.Names() {
				dash := "--"
				if len(name) == 1 {
					dash = "-"
				}
				forms := [][]string{{dash + name}}
				want := "true"
				if takesValue(f) {
					want = sampleValue(f)
					forms = [][]string{{dash + name + "=" + want}}
					if optionalValue(f) == "" {
						forms = append(forms, []string{dash + name, want})
					}
				}
				for _, form := range forms {
					for at := range 3 {
						inputs := []string{"in.fa", "-"}
						args := slices.Concat(strings.Fields(path), inputs[:at], form, inputs[at:])
						app := testApp()
						cmd := leaves(app)[path]
						var got string
						var rest []string
						cmd.Action = func(c *cli.Context) error {
							if s, ok := c.Value(f.Names()[0]).(cli.StringSlice); ok {
								got = strings.Join(s.Value(), " ")
							} else if d := c.Duration(f.Names()[0]); d > 0 {
								got = strings.TrimSuffix(d.String(), "0s")
							} else {
								got = plain(c.Value(f.Names()[0]))
							}
							rest = c.Args().Slice()
							return nil
						}
						arranged, err := arrange(app, args)
						if err != nil {
							t.Errorf("%v: %v", args, err)
							continue
						}
						if err := app.Run(arranged); err != nil {
							t.Errorf("%v: arranged as %q: %v", args, arranged, err)
							continue
						}
						if got != want || !slices.Equal(rest, inputs) {
							t.Errorf("%v: value %q and inputs %q, want %q and %q", args, got, rest, want, inputs)
						}
					}
				}
			}
		}
	}
}

func TestArrange(t *testing.T) {
	for line, want := range map[string]string{
		"kiban":                                                  "kiban",
		"kiban --help":                                           "kiban --help",
		"kiban -V":                                               "kiban -V",
		"kiban help protein prepare":                             "kiban protein prepare --help",
		"kiban protein":                                          "kiban protein",
		"kiban protein -h":                                       "kiban protein -h",
		"kiban protein prepare a.fa -o d b.fa":                   "kiban protein prepare --out=d -- a.fa b.fa",
		"kiban protein prepare a.fa -- -o d":                     "kiban protein prepare -- a.fa -o d",
		"kiban protein prepare - -j4":                            "kiban protein prepare --threads=4 -- -",
		"kiban protein prepare -j=4":                             "kiban protein prepare --threads=4",
		"kiban protein prepare -qv":                              "kiban protein prepare --quiet --verbose",
		"kiban protein prepare -vv x":                            "kiban protein prepare --verbose --verbose -- x",
		"kiban -j 3 protein prepare a":                           "kiban protein prepare --threads=3 -- a",
		"kiban protein --seed 1 prepare a --seed 2":              "kiban protein prepare --seed=1 --seed=2 -- a",
		"kiban protein pretrain d --resume -o r":                 "kiban protein pretrain --resume=newest --out=r -- d",
		"kiban protein pretrain --resume=r/x d":                  "kiban protein pretrain --resume=r/x -- d",
		"kiban protein pretrain --no-recompute d":                "kiban protein pretrain --recompute=false -- d",
		"kiban protein pretrain --max_steps 10k d":               "kiban protein pretrain --max-steps=10000 -- d",
		"kiban protein pretrain --max-steps 1.5M d":              "kiban protein pretrain --max-steps=1500000 -- d",
		"kiban protein pretrain --learning_rate 1e-4 d":          "kiban protein pretrain --lr=1e-4 -- d",
		"kiban protein pretrain --gradient-accumulation-steps=4": "kiban protein pretrain --grad-accum=4",
		"kiban protein generate --temperature -1":                "kiban protein generate --temperature=-1",
		"kiban protein prepare a.fa -h --json":                   "kiban protein prepare --help",
		"kiban protein generate --help -n 3":                     "kiban protein generate --help",
	} {
		got, err := arrange(testApp(), strings.Fields(line))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s\n got %s (%v)\nwant %s", line, strings.Join(got, " "), err, want)
		}
	}
}

func TestMisuse(t *testing.T) {
	for line, want := range map[string]string{
		"kiban protein prepare --sed 3":              "unknown flag --sed; did you mean --seed? See kiban protein prepare --help",
		"kiban protein prepare --sed=3":              "unknown flag --sed; did you mean --seed? See kiban protein prepare --help",
		"kiban protein prepare --zzzzzzzz":           "unknown flag --zzzzzzzz. See kiban protein prepare --help",
		"kiban protein pretrian":                     "unknown command pretrian; did you mean pretrain? See kiban protein --help",
		"kiban protien":                              "unknown command protien; did you mean protein? See kiban --help",
		"kiban protein prepare --seed":               "flag --seed needs a value. See kiban protein prepare --help",
		"kiban protein prepare --out --json":         "flag --out needs a value. See kiban protein prepare --help",
		"kiban protein generate -n ten":              `flag -n: "ten" is no whole number; give one such as 500, 10k or 1M. See kiban protein generate --help`,
		"kiban protein generate -n 0.5M --top-k 1.5": `flag --top-k: "1.5" is no whole number; give one such as 500, 10k or 1M. See kiban protein generate --help`,
		"kiban protein generate -n 1.0005k":          "flag -n: 1.0005k is no whole number of its unit. See kiban protein generate --help",
		"kiban --lr 3 protein pretrain d":            "unknown flag --lr. See kiban --help; a flag of a verb stands after the verb",
		"kiban -j 3":                                 "flag -j without a verb; name a verb. See kiban --help",
		"kiban protein prepare --device cuda:0 x":    `flag --device: "cuda:0" is not how kiban reaches a GPU; give --device vulkan:0. See kiban protein prepare --help`,
		"kiban protein prepare --device tpu x":       `flag --device: unknown device "tpu"; give auto, cpu, vulkan, vulkan:1 or reference. See kiban protein prepare --help`,
		"kiban protein prepare --duplicates frist x": `flag --duplicates: unknown value "frist"; did you mean first? give one of first, error, rename, keep. See kiban protein prepare --help`,
		"kiban protein prepare --seed -1 x":          `flag --seed: "-1" is no seed; give a whole number from 0, or random. See kiban protein prepare --help`,
		"kiban protein prepare --threads -1 x":       "flag --threads: -1 threads asked for; give 0 for all or a positive number. See kiban protein prepare --help",
		"kiban protein pretrain --lr fast x":         `invalid value "fast" for flag -lr: parse error. See kiban protein pretrain --help`,
		"kiban version extra":                        "unexpected argument extra; kiban version takes none. See kiban version --help",
		"kiban completion tcsh":                      `completion: shell is "tcsh", wanted one of bash, zsh, fish, powershell. See kiban completion --help`,
	} {
		var stdout, stderr bytes.Buffer
		code := run(strings.Fields(line), strings.NewReader(""), &stdout, &stderr)
		if got := stderr.String(); code != exitMisuse || got != "kiban: "+want+"\n" || stdout.Len() > 0 {
			t.Errorf("%s: code %d, stdout %q\n got %swant kiban: %s", line, code, stdout.String(), got, want)
		}
	}
}

// Each verb shows two examples, and each is a command line of that verb.
func TestExamplesOfHelp(t *testing.T) {
	for path, cmd := range leaves(testApp()) {
		n := 0
		for line := range strings.Lines(cmd.Description) {
			at := strings.Index(line, "kiban ")
			if at < 0 {
				continue
			}
			n++
			line = strings.TrimSpace(line[at:])
			line, _, _ = strings.Cut(line, " > ")
			line, _, _ = strings.Cut(line, " | ")
			line = strings.TrimSuffix(line, ")")
			got, err := arrange(testApp(), strings.Fields(line))
			if err != nil || !strings.HasPrefix(strings.Join(got, " "), path) {
				t.Errorf("%s: example %q: %v %v", path, line, got, err)
			}
		}
		if n != 2 {
			t.Errorf("%s has %d examples, want 2", path, n)
		}
	}
}

func TestFlagsHaveCategoriesAndLongNamesExist(t *testing.T) {
	seen := map[string]bool{}
	for path, cmd := range leaves(testApp()) {
		names := map[string]bool{}
		for _, f := range cmd.Flags {
			if c, ok := f.(cli.CategorizableFlag); !ok || c.GetCategory() == "" {
				t.Errorf("%s --%s has no category", path, f.Names()[0])
			}
			for _, n := range f.Names() {
				if names[n] {
					t.Errorf("%s has the flag %s twice", path, n)
				}
				if longNames[n] != "" {
					t.Errorf("%s: %s is a flag and another name of --%s", path, n, longNames[n])
				}
				names[n], seen[n] = true, true
			}
		}
	}
	for long, ours := range longNames {
		if !seen[ours] {
			t.Errorf("%s stands for --%s, which no verb has", long, ours)
		}
	}
}

func TestExitCode(t *testing.T) {
	for _, x := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {errors.New("x"), 1}, {usagef("x"), 2}, {errors.Join(errors.New("a"), usagef("x")), 2}, {errInterrupted, 130},
	} {
		if got := exitCode(x.err); got != x.want {
			t.Errorf("%v exits %d, want %d", x.err, got, x.want)
		}
	}
}

func TestVerboseCounts(t *testing.T) {
	app := testApp()
	got := -1
	leaves(app)["kiban protein prepare"].Action = func(c *cli.Context) error { got = c.Count("verbose"); return nil }
	args, err := arrange(app, strings.Fields("kiban protein prepare -vv x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Run(args); err != nil || got != 2 {
		t.Errorf("-vv counts %d (%v), want 2", got, err)
	}
}

func TestCandidates(t *testing.T) {
	dir := t.TempDir()
	for _, x := range []struct{ cur, before, want string }{
		{"", "", "protein materials climate model device presets version completion man"},
		{"pre", "protein", "prepare pretrain"},
		{"--se", "protein prepare", "--seq-type --seed"},
		{"vul", "protein prepare --device", "vulkan vulkan:1"},
		{"", "protein pretrain --preset", "tiny small protgpt2"},
		{"co", "protein pretrain data --schedule", "cosine constant"},
		{"", "protein prepare --out", ""},
		{"", "protein prepare", ""},
		{"f", "completion", "fish"},
		{dir[:len(dir)-1], "protein score -m", dir + "/"},
	} {
		if got := strings.Join(candidates(testApp(), x.cur, strings.Fields(x.before)), " "); got != x.want {
			t.Errorf("kiban %s %s| offers %q, want %q", x.before, x.cur, got, x.want)
		}
	}
}
