package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var updatePages = flag.Bool("update", false, "rewrite the outputs that the pages in docs/verbs show")

// pages are the pages of docs/verbs in the order in which a user would go
// through them: later ones use what earlier ones made.
var pages = []string{
	"protein_prepare", "protein_pretrain", "protein_finetune", "protein_generate", "protein_score", "protein_analyze",
	"protein_report", "model_inspect", "model_convert", "model_merge", "device_list",
	"materials_example", "materials_finetune", "materials_evaluate", "materials_classify", "materials_extract", "materials_embed",
	"materials_pretrain",
	"materials_formula", "materials_word2vec", "materials_neighbors", "materials_analogies",
	"climate_inspect", "climate_names", "climate_regions", "climate_prepare", "climate_pretrain", "climate_finetune",
	"climate_forecast", "climate_evaluate", "climate_plot", "climate_example",
}

// TestPages runs every command that the pages show, in the directory that
// `make demo` leaves (its name in KIBAN_PAGES), and wants what the page shows:
// the same lines up to numbers, residues and blanks, which differ between
// machines. With -update the pages show what was printed here.
func TestPages(t *testing.T) {
	demo := os.Getenv("KIBAN_PAGES")
	if demo == "" {
		t.Skip("KIBAN_PAGES does not name the directory that make demo left; make pages runs this")
	}
	demo, err := filepath.Abs(demo)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"data", "generated.fasta"} {
		if err := os.Symlink(filepath.Join(demo, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	// Into this one a page writes.
	if err := os.CopyFS(filepath.Join(dir, "run"), os.DirFS(filepath.Join(demo, "run"))); err != nil {
		t.Fatal(err)
	}
	fasta := "/usr/share/doc/mmseqs2/example-data/DB.fasta.gz"
	if _, err := os.Stat(fasta); err != nil {
		fasta = filepath.Join(demo, "example-data", "DB.fasta.gz")
	}
	if err := os.Symlink(fasta, filepath.Join(dir, "DB.fasta.gz")); err != nil {
		t.Fatal(err)
	}
	winds := "/usr/share/ferret-vis/data/monthly_navy_winds.cdf" // of Debian's ferret-datasets
	if err := os.Symlink(winds, filepath.Join(dir, filepath.Base(winds))); err != nil {
		t.Fatal(err)
	}
	for _, name := range pages {
		t.Run(name, func(t *testing.T) { page(t, dir, filepath.Join("../../docs/verbs", name+".md")) })
	}
	// A page that nobody runs may say anything.
	all, err := filepath.Glob("../../docs/verbs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(pages) {
		t.Errorf("docs/verbs has %d pages, %d are run", len(all), len(pages))
	}
}

// console is a block of commands, each with "$ " before it, and their output.
var console = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

func page(t *testing.T, dir, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	shown := console.ReplaceAllStringFunc(string(text), func(block string) string {
		body := console.FindStringSubmatch(block)[1]
		var b strings.Builder
		b.WriteString("```console\n")
		for _, part := range regexp.MustCompile(`(?m)^\$ `).Split(body, -1)[1:] {
			command, want, _ := strings.Cut(part, "\n")
			got := terminal(t, dir, command)
			if w, g := masked(want), masked(got); w != g && !*updatePages {
				t.Errorf("%s: $ %s\nprints\n%s\nthe page shows\n%s", path, command, got, want)
			}
			fmt.Fprintf(&b, "$ %s\n%s", command, got)
		}
		return b.String() + "```"
	})
	if *updatePages && shown != string(text) {
		if err := os.WriteFile(path, []byte(shown), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// terminal runs a command line as on a terminal of 120 columns, without
// colours and progress bars.
func terminal(t *testing.T, dir, command string) string {
	if _, err := exec.LookPath("script"); err != nil {
		t.Skip("script (of bsdutils) is not installed; it makes the terminal")
	}
	cmd := exec.CommandContext(t.Context(), "script", "-qec", "stty cols 120 2>/dev/null; "+command, "/dev/null")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "KIBAN_PROGRESS=none", "SHELL=/bin/bash")
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(command, "||") {
		t.Fatalf("$ %s: %v\n%s", command, err, out)
	}
	return strings.ReplaceAll(string(out), "\r\n", "\n")
}

var masks = []struct {
	of *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`(?m)(^[A-Z]{1,60}\n)+`), "RESIDUES\n"},
	{regexp.MustCompile(`(?m)\t[A-Z]\t`), "\tRESIDUE\t"},
	{regexp.MustCompile(`end=(cut|complete)`), "end"},
	{regexp.MustCompile(`(AVX|NEON|x86)\S* threads[0-9]+( bf16)?`), "FEATURES"},
	{regexp.MustCompile(`\b(bf16|f32)\b`), "TYPE"},
	{regexp.MustCompile(`-?[0-9][0-9,.]*(e[-+]?[0-9]+)?(ms|µs|m[0-9.]+s|s|k|M| [KMG]iB)?`), "#"},
	{regexp.MustCompile(`[ \t─-]+`), " "},
}

func masked(s string) string {
	for _, m := range masks {
		s = m.of.ReplaceAllString(s, m.to)
	}
	return s
}
