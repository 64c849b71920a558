package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kiban-models/kiban/core/checkpoint"
)

// abstracts writes abstracts of a small grammar into a folder.
func abstracts(t *testing.T, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "papers")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i := range n {
		r := rand.New(rand.NewPCG(uint64(i), 3))
		fmt.Fprintf(&b, `{"id": "p%d", "text": "`, i)
		for range 3 + r.IntN(8) {
			fmt.Fprintf(&b, "The %s of %s was studied at %d °C by diffraction. ",
				[]string{"structure", "conductivity", "growth", "phase"}[r.IntN(4)], []string{"LiCoO2", "TiO2", "ZrO2", "copper", "nickel"}[r.IntN(5)], 100*(1+r.IntN(12)))
		}
		b.WriteString("\"}\n")
	}
	for name, text := range map[string]string{"abstracts.jsonl": b.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// guessing are the arguments of a run of a second or two.
func guessing(in, out string, more ...string) []string {
	return append([]string{"materials", "pretrain", in, "-o", out, "--device", "cpu", "--threads", "1", "--progress", "none", "--layers", "1", "--heads", "2", "--width", "16",
		"--vocab-size", "300", "--seq-len", "48", "--batch-size", "4", "--grad-accum", "2", "--dropout", "0.1", "--max-steps", "40", "--validation", "0.2",
		"--eval-every", "15", "--save-every", "10", "--log-every", "4"}, more...)
}

// A run that is killed at any moment, of its preparation or its training, and
// resumed is the run that was left alone.
func TestMaterialsPretrainKilled(t *testing.T) {
	t.Parallel()
	in, dir := abstracts(t, 150), t.TempDir()
	whole, run := filepath.Join(dir, "whole"), filepath.Join(dir, "run")
	began := time.Now()
	must(t, guessing(in, whole)...)
	length := time.Since(began)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, a run takes %v", seed, length)
	r := rand.New(rand.NewPCG(seed, 2))
	resume := guessing(in, run, "--resume")
	kills := 5
	if slow() {
		kills = 60
	}
	finished := 0
	for done := 0; done < kills; {
		cmd := exec.Command("kiban", resume...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(r.Float64()*float64(length)*0.9), func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		switch state := cmd.ProcessState.Sys().(syscall.WaitStatus); {
		case state.Signaled() && state.Signal() == syscall.SIGKILL:
			done++
		case err != nil:
			t.Fatalf("after %d kills: %v: %s", done, err, stderr.String())
		default:
			finished++
			sameRun(t, whole, run, 40)
			if err := os.RemoveAll(run); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d kills, %d runs came to their end meanwhile", kills, finished)
	must(t, resume...)
	sameRun(t, whole, run, 40)
	sameFiles(t, tree(t, filepath.Join(whole, "data")), tree(t, filepath.Join(run, "data")), func(string) bool { return true })
}

// A model is trained from random weights, and further on other papers; what it
// leaves is said, and what it cannot do.
func TestMaterialsPretrain(t *testing.T) {
	t.Parallel()
	in, dir := abstracts(t, 150), t.TempDir()
	first := filepath.Join(dir, "first")
	broken := filepath.Join(in, "broken.xml")
	if err := os.WriteFile(broken, []byte("<article><body><p>no end"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := kiban(t.Context(), "", guessing(in, first, "--max-steps", "150", "--lr", "0.01", "--dropout", "0")...)
	if code != exitFailed || !strings.Contains(stderr, "kiban: 1 of 151 documents were skipped") || !strings.Contains(stderr, "passed over: ") || strings.Count(stderr, "broken.xml") != 1 || !strings.Contains(stderr, "1 unreadable") {
		t.Fatalf("code %d: %s", code, stderr)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	var r maskedResults
	if err := readJSONFile(filepath.Join(first, "results.json"), &r); err != nil {
		t.Fatal(err)
	}
	if r.Evaluation == nil || r.Perplexity > r.Unigram*0.7 || r.Masked < 100 {
		t.Errorf("results %+v, evaluation %+v", r, r.Evaluation)
	}
	report, err := os.ReadFile(filepath.Join(first, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Held-out pseudo-perplexity: unigram", "Learning rate by step", "tokens a second over the whole run"} {
		if !bytes.Contains(report, []byte(want)) {
			t.Errorf("the report lacks %q", want)
		}
	}

	// Further, from the model, on prepared data and on papers.
	for name, from := range map[string]string{"papers": in, "data": filepath.Join(first, "data")} {
		out := filepath.Join(dir, "on-"+name)
		must(t, "materials", "pretrain", from, "-m", first, "-o", out, "--device", "cpu", "--progress", "none", "--max-steps", "3", "--lr", "1e-9", "--batch-size", "4", "--grad-accum", "1", "--dropout", "0", "--validation", "0.2")
		var on maskedResults
		if err := readJSONFile(filepath.Join(out, "results.json"), &on); err != nil {
			t.Fatal(err)
		}
		if on.Loss > r.Loss+0.2 || on.Loss < r.Loss-0.2 {
			t.Errorf("%s: the model that is trained on has loss %g, it had %g", name, on.Loss, r.Loss)
		}
		a, err := checkpoint.OpenDir(out)
		if err != nil {
			t.Fatal(err)
		}
		a.Close()
	}

	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{guessing(in, first), 1, "--resume to go on with it"},
		{guessing(in, first, "--resume", "--seq-len", "32"), 1, "length was 48 and is 32"},
		{guessing(filepath.Join(dir, "nothing"), filepath.Join(dir, "x")), 1, "nothing"},
		{guessing("-", filepath.Join(dir, "x")), 2, "cannot be read twice"},
		{guessing(in, filepath.Join(dir, "x"), "-m", first), 2, "are those of the model"},
		{guessing(in, filepath.Join(dir, "x"), "--mask-share", "1.5"), 2, "mask_share is 1.5"},
		{guessing(in, filepath.Join(dir, "x"), "--schedule", "round"), 2, "slanted_triangular"},
		{guessing(filepath.Join(first, "data", "train"), filepath.Join(dir, "x")), 1, "none of 0 documents"},
		{guessing(in, filepath.Join(dir, "x"), "--tokenizer", in), 1, "tokenizer"},
		{guessing(filepath.Join(first, "data"), filepath.Join(dir, "x"), "--tokenizer", smallVocabulary(t)), 1, "its tokens are not those of"},
	} {
		_, stderr, code := kiban(t.Context(), "", c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("kiban %s: code %d, %q; wanted %d and %q", strings.Join(c.args, " "), code, stderr, c.code, c.want)
		}
		if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
			t.Errorf("kiban %s: left a directory", strings.Join(c.args, " "))
			os.RemoveAll(filepath.Join(dir, "x"))
		}
	}
	out := must(t, "materials", "pretrain", "--dry-run", "--preset", "bert-base", "--device", "cpu", "--json")
	if !strings.Contains(out, "109951090") {
		t.Errorf("a dry run of BERT-base says %s", out)
	}
}

// smallVocabulary is a directory with a tokenizer of few tokens.
func smallVocabulary(t *testing.T) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "vocab.txt"), []byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}
