package main

import (
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// journey goes from a FASTA file to a report in a new directory, by the same
// commands each time.
func journey(t *testing.T, threads int) string {
	t.Helper()
	dir := t.TempDir()
	writeProteins(t, filepath.Join(dir, "in.fasta"), 120, 1)
	for _, args := range [][]string{
		{"prepare", "in.fasta", "-o", "data", "--vocab-size", "300"},
		tiny("data", "run", slices.Concat(learned, harder)...)[1:],
		{"generate", "-m", "run", "-n", "12", "--max-tokens", "32", "-o", "new.fasta", "--table", "new.tsv"},
		{"score", "-m", "run", "new.fasta", "in.fasta", "-o", "scores.tsv", "--per-residue", "residues.tsv.gz", "--figure", "scores"},
		{"report", "run", "--data", "data", "--generated", "new.fasta"},
	} {
		cmd := exec.CommandContext(t.Context(), "kiban", append([]string{"protein"}, args...)...)
		cmd.Args = append(cmd.Args, "--device", "cpu", "--threads", strconv.Itoa(threads), "-q")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	return dir
}

// learned are settings with which the model knows the layout of a protein, so
// that it can generate freely.
var learned = []string{"--max-steps", "400", "--lr", "0.02", "--save-every", "100"}

// timed tells the files that say when something was done, or how long it took.
func timed(name string) bool {
	switch filepath.Base(name) {
	case "run.json", "results.json", "metrics.jsonl", "trainer_state.json", "manifest.json", "report.html":
		return strings.HasPrefix(name, "run/")
	}
	// Events carry the time in their name, too.
	return strings.HasPrefix(name, "run/runs/")
}

// The same seed on the same device gives the same files, figures included,
// whatever the number of threads.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	first := journey(t, 1)
	a := tree(t, first)
	for _, name := range []string{"data/train/manifest.json", "data/tokenizer/tokenizer.json", "run/model.safetensors", "run/checkpoint-400/optimizer.safetensors",
		"run/figures/loss.svg", "run/figures/loss.png", "new.fasta", "new.tsv", "scores.tsv", "scores.svg", "scores.png", "residues.tsv.gz"} {
		if len(a[name]) == 0 {
			t.Errorf("%s was not made", name)
		}
	}
	for _, threads := range []int{1, 2} {
		t.Run(fmt.Sprintf("threads=%d", threads), func(t *testing.T) {
			again := journey(t, threads)
			b := tree(t, again)
			sameFiles(t, a, b, func(name string) bool {
				// These repeat the command, in which the number of threads stands.
				command := threads != 1 && slices.Contains([]string{"run/command.txt", "run/kiban.json"}, name)
				return !timed(name) && !command
			})
			if h, g := history(t, filepath.Join(first, "run")), history(t, filepath.Join(again, "run")); !reflect.DeepEqual(h, g) {
				t.Errorf("metrics.jsonl is\n%v, want\n%v", g, h)
			}
		})
	}
}

// Another seed is another result: what TestSameBytes compares depends on it.
func TestSeedMatters(t *testing.T) {
	t.Parallel()
	data, dir := prepared(t), t.TempDir()
	seen := map[string]string{}
	for _, seed := range []string{"1", "2"} {
		run := filepath.Join(dir, seed)
		must(t, tiny(data, run, "--max-steps", "3", "--seed", seed)...)
		weights := tree(t, run)["model.safetensors"]
		sequences := must(t, "protein", "generate", "-m", filepath.Join(dir, "1"), "-n", "2", "--max-tokens", "32", "--max-length", "25", "--device", "cpu", "--seed", seed, "-q")
		for what, got := range map[string]string{"weights": weights, "sequences": sequences} {
			if seen[what] == got {
				t.Errorf("seed %s makes the %s of another seed", seed, what)
			}
			seen[what] = got
		}
	}
}

// A generated sequence is the same whatever the batch that it was made in, and
// its perplexity too, for scoring has batches of its own. A score under another
// batch size differs by rounding.
func TestBatchSizeDoesNotMatter(t *testing.T) {
	t.Parallel()
	data, run := prepared(t), filepath.Join(t.TempDir(), "run")
	must(t, tiny(data, run, learned...)...)
	for _, device := range []string{"cpu", "reference"} {
		t.Run(device, func(t *testing.T) {
			var first string
			for _, size := range []string{"16", "1", "3", "20"} {
				got := must(t, "protein", "generate", "-m", run, "-n", "20", "--max-tokens", "32", "--batch-size", size, "--device", device, "-q")
				if first == "" {
					first = got
				}
				if got != first {
					t.Errorf("--batch-size %s gives\n%s\nwant\n%s", size, got, first)
				}
			}
			in := filepath.Join(t.TempDir(), "in.fasta")
			writeProteins(t, in, 20, 3)
			var scores [][]float64
			for _, size := range []string{"8", "1", "5"} {
				out := must(t, "protein", "score", "-m", run, in, "--batch-size", size, "--device", device, "-q")
				scores = append(scores, perplexities(t, out))
			}
			for _, other := range scores[1:] {
				for i, want := range scores[0] {
					if math.Abs(other[i]-want) > 1e-5*want {
						t.Errorf("sequence %d: perplexity %v, want %v", i, other[i], want)
					}
				}
			}
		})
	}
}

// perplexities are the column of a table of scores.
func perplexities(t *testing.T, table string) []float64 {
	t.Helper()
	var all []float64
	column := -1
	for line := range strings.Lines(table) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if column < 0 {
			if column = slices.Index(fields, "perplexity"); column < 0 {
				t.Fatalf("no perplexity in %q", line)
			}
			continue
		}
		v, err := strconv.ParseFloat(fields[column], 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		t.Fatal("no scores")
	}
	return all
}
