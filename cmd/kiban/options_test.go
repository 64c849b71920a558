package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/urfave/cli/v2"
)

// resolved runs a training verb up to its options.
func resolved(t *testing.T, line string) (trainOptions, error) {
	t.Helper()
	app := testApp()
	opt := pretrainDefaults()
	leaves(app)["kiban protein pretrain"].Action = func(c *cli.Context) error { return trainingOptions(c, &opt) }
	args, err := arrange(app, strings.Fields(line))
	if err != nil {
		t.Fatal(err)
	}
	return opt, app.Run(args)
}

func TestOptionsOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("lr: 2e-4\nbatch_size: 4\nmax_time: 30m\nwarmup-steps: 100\ngrad_clip: 2\nkeep: 9\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KIBAN_BATCH_SIZE", "5")
	t.Setenv("KIBAN_KEEP", "7")
	t.Setenv("KIBAN_GRAD_CLIP", "3")
	t.Setenv("KIBAN_NOT_OURS", "x")
	got, err := resolved(t, "kiban protein pretrain d --preset small --config "+file+" --set keep=8 --set epochs=2 --grad-clip 4 --recompute --save-interval 1h --seed 7")
	if err != nil {
		t.Fatal(err)
	}
	for name, ok := range map[string]bool{
		"default below all": got.Beta1 == 0.9 && got.LogEvery == 10,
		"preset":            got.Width == 768 && got.Layers == 12 && got.GradAccum == 4,
		"file over preset":  got.LR == 2e-4 && got.MaxTime == 30*time.Minute && got.Warmup == 100,
		"env over file":     got.BatchSize == 5,
		"set over env":      got.Keep == 8 && got.Epochs == 2,
		"flag over all":     got.GradClip == 4 && got.Recompute && got.SaveTime == time.Hour && got.Seed == "7",
	} {
		if !ok {
			t.Errorf("%s: %+v", name, got)
		}
	}

	// What is written can be fed back.
	b, err := yaml.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"KIBAN_BATCH_SIZE", "KIBAN_KEEP", "KIBAN_GRAD_CLIP"} {
		os.Unsetenv(k)
	}
	if err := os.WriteFile(file, b, 0o666); err != nil {
		t.Fatal(err)
	}
	if again, err := resolved(t, "kiban protein pretrain d --config "+file); err != nil || again != got {
		t.Errorf("fed back: %v\n%+v\nwant\n%+v", err, again, got)
	}
}

func TestOptionsMisuse(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, x := range []struct{ args, want string }{
		{"--config " + write("a.yaml", "bach_size: 3\n"), "unknown option bach_size; did you mean batch_size?"},
		{"--config " + write("b.yaml", "batch_size: many\n"), "option batch_size: many is no value for it"},
		{"--config " + write("c.yaml", "- a\n- b\n"), "no YAML of options"},
		{"--set kep=3", "--set: unknown option kep; did you mean keep?"},
		{"--set keep", "--set keep: wanted key=value"},
		{"--set keep=1.5", "option keep: 1.5 is no value for it"},
		{"--lr 0", "lr is 0, wanted more than 0"},
		{"--width 100 --heads 3", "a width that the heads divide"},
		{"--epochs 0", "wanted an end"},
	} {
		_, err := resolved(t, "kiban protein pretrain d "+x.args)
		var u usageError
		if !errors.As(err, &u) || !strings.Contains(err.Error(), x.want) || !strings.Contains(err.Error(), "kiban protein pretrain --help") {
			t.Errorf("%s: %v, want misuse with %q", x.args, err, x.want)
		}
	}
	if _, err := resolved(t, "kiban protein pretrain d --config "+filepath.Join(dir, "none")); exitCode(err) != exitFailed {
		t.Errorf("a missing file: %v, want a failure", err)
	}
}

// TestPresets resolves every preset as its verb does, and wants all of them in
// the list and no file that is in none.
func TestPresets(t *testing.T) {
	out := must(t, "presets", "list", "--tsv")
	n := 0
	for _, p := range allPresets {
		for _, name := range p.names {
			n++
			text := must(t, "presets", "show", p.dir+name)
			if o, err := p.resolved([]byte(text), "x"); err != nil || o.batchSize < 1 || o.gradAccum < 1 || !(o.lr > 0) {
				t.Errorf("%s: %+v, %v", p.dir+name, o, err)
			}
			if !strings.Contains(out, "\n"+p.dir+name+"\t"+p.verb+"\t") {
				t.Errorf("%s is not in the list\n%s", p.dir+name, out)
			}
		}
		args := "kiban " + p.verb + " --preset"
		if p.verb == taskPresets.verb {
			args = "kiban " + p.verb + " ner --preset"
		}
		if got := candidates(testApp(), "", strings.Fields(args)[1:]); !slices.Equal(got, p.names) {
			t.Errorf("%s offers %q, wanted %q", args, got, p.names)
		}
	}
	files := 0
	err := fs.WalkDir(presetFiles, "presets", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files++
		}
		return err
	})
	if err != nil || files != n {
		t.Errorf("%d files for %d presets, %v", files, n, err)
	}
	if _, stderr, code := kiban(t.Context(), "", "presets", "show", "materials/tinny"); code != exitMisuse || !strings.Contains(stderr, "did you mean materials/tiny?") {
		t.Errorf("code %d, %s", code, stderr)
	}
}
