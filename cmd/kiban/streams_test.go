package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/klauspost/compress/zstd"
	"github.com/urfave/cli/v2"
)

// within runs f as the body of the prepare verb.
func within(t *testing.T, line string, f cli.ActionFunc) error {
	t.Helper()
	app := testApp()
	leaves(app)["kiban protein prepare"].Action = f
	args, err := arrange(app, strings.Fields("kiban protein prepare "+line))
	if err != nil {
		t.Fatal(err)
	}
	return app.Run(args)
}

func TestOutputAppearsWhole(t *testing.T) {
	dir := t.TempDir()
	unzip := map[string]func(io.Reader) (io.Reader, error){
		"a.txt":     func(r io.Reader) (io.Reader, error) { return r, nil },
		"a.txt.gz":  func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"a.txt.zst": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	}
	for name, open := range unzip {
		path := filepath.Join(dir, "new", name)
		body := func(c *cli.Context) error {
			o, err := createOutput(c)
			if err != nil {
				return err
			}
			defer o.Abort()
			if _, err := io.WriteString(o, "data"); err != nil {
				return err
			}
			if _, err := os.Stat(path); err == nil && !c.Bool("overwrite") {
				t.Errorf("%s is there before it is whole", name)
			}
			return o.Commit()
		}
		if err := within(t, "-o "+path, body); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := open(f)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); err != nil || string(b) != "data" {
			t.Errorf("%s holds %q (%v)", name, b, err)
		}
		f.Close()
		if err := within(t, "-o "+path, body); err == nil || !strings.Contains(err.Error(), "give -O") || exitCode(err) != exitFailed {
			t.Errorf("%s written twice: %v", name, err)
		}
		if err := within(t, "-O -o "+path, body); err != nil {
			t.Errorf("%s with -O: %v", name, err)
		}
	}
	failed := within(t, "-o "+filepath.Join(dir, "new", "b"), func(c *cli.Context) error {
		o, err := createOutput(c)
		if err != nil {
			return err
		}
		defer o.Abort()
		return errors.New("no")
	})
	if failed == nil {
		t.Error("the failure is lost")
	}
	left, err := os.ReadDir(filepath.Join(dir, "new"))
	if err != nil || len(left) != 3 {
		t.Errorf("the folder holds %v (%v), want the three files only", left, err)
	}
}

func TestOutputDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	open := func(resume bool) cli.ActionFunc {
		return func(c *cli.Context) error { _, err := outputDir(c, resume); return err }
	}
	if err := within(t, "x", open(false)); exitCode(err) != exitMisuse {
		t.Errorf("without -o: %v", err)
	}
	if err := within(t, "-o "+dir, open(false)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory was made, before it is known whether anything comes")
	}
	if err := errors.Join(os.Mkdir(dir, 0o777), os.WriteFile(filepath.Join(dir, "f"), nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	if err := within(t, "-o "+dir, open(false)); exitCode(err) != exitFailed {
		t.Errorf("a full directory: %v", err)
	}
	if err := within(t, "-o "+dir, open(true)); err != nil {
		t.Errorf("resuming: %v", err)
	}
}

func TestInputsFromAPipe(t *testing.T) {
	err := within(t, "", func(c *cli.Context) error {
		in, err := inputs(c)
		if len(in) != 1 || in[0] != "-" {
			t.Errorf("inputs are %q", in)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSeed(t *testing.T) {
	err := within(t, "--seed random", func(c *cli.Context) error {
		a, err := seed(c)
		if err != nil || a >= 1<<53 {
			t.Errorf("seed %d (%v)", a, err)
		}
		if b, _ := seed(c); a == b {
			t.Errorf("drawn twice the same: %d", a)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRunDirectory(t *testing.T) {
	dir := t.TempDir()
	type record struct {
		Status   string
		ExitCode *int `json:"exit_code"`
		Seed     uint64
		Command  string
		Ended    *string
		Error    string
		Last     string
	}
	read := func() (r record) {
		b, err := os.ReadFile(filepath.Join(dir, "run.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, x := range []struct {
		err    error
		status string
		code   int
	}{{nil, "done", 0}, {errors.New("broken"), "failed", 1}, {usagef("no"), "failed", 2}, {errInterrupted, "interrupted", 130}} {
		got := within(t, "x", func(c *cli.Context) error {
			r, err := startRun(c, dir, pretrainDefaults(), 7, "cpu")
			if err != nil {
				t.Fatal(err)
			}
			if now := read(); now.Status != "running" || now.Ended != nil || now.ExitCode != nil || now.Seed != 7 {
				t.Errorf("at the start: %+v", now)
			}
			if err := r.Checkpoints("checkpoint-2", ""); err != nil {
				t.Error(err)
			}
			return r.Finish(c, x.err, map[string]any{"loss": 2.4})
		})
		if !errors.Is(got, x.err) {
			t.Errorf("Finish gives %v, want %v", got, x.err)
		}
		if now := read(); now.Status != x.status || now.ExitCode == nil || *now.ExitCode != x.code || now.Ended == nil || now.Last != "checkpoint-2" {
			t.Errorf("after %v: %+v", x.err, now)
		}
	}
	var v map[string]map[string]string
	b, err := os.ReadFile(filepath.Join(dir, "versions.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &v); err != nil || v["kiban"]["kiban"] != version {
		t.Errorf("versions.yml is %q (%v)", b, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*.tmp")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestInterruptionOfAVerb(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errInterrupted)
	if code := exitCode(interrupted{ctx.Err()}); code != exitInterrupted {
		t.Errorf("a cancelled verb exits %d", code)
	}
	// A failure of its own, seen after the signal, stays a failure.
	if code := exitCode(interrupted{errors.New("disk full")}); code != exitFailed {
		t.Errorf("a failing verb exits %d", code)
	}
}

func TestCommandLine(t *testing.T) {
	got := commandLine([]string{"/usr/bin/kiban", "protein", "a b", "it's", "--x=1", ""})
	if want := `kiban protein 'a b' 'it'\''s' --x=1 ''`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOutputToDevice(t *testing.T) {
	before, err := os.Stat(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	in := filepath.Join(t.TempDir(), "in.fasta")
	writeProteins(t, in, 30, 8)
	run1 := filepath.Join(t.TempDir(), "run")
	must(t, tiny(prepared(t), run1, "--max-steps", "1")...)
	if code := run([]string{"kiban", "protein", "score", "-m", run1, in, "-o", os.DevNull, "-O"}, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("code %d: %s", code, errs.String())
	}
	after, err := os.Stat(os.DevNull)
	if err != nil || !os.SameFile(before, after) {
		t.Fatalf("%s was replaced: %v", os.DevNull, err)
	}
}

func TestTerminalBehindOutput(t *testing.T) {
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	defer tty.Close()
	if !isTerminal(&output{Writer: tty, name: "-"}) {
		t.Error("a terminal behind an output is not seen: tables would be tab-separated on it")
	}
	if isTerminal(&output{Writer: new(bytes.Buffer), name: "-"}) {
		t.Error("a buffer passes for a terminal")
	}
}
