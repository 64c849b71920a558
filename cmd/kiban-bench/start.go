package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/token"
)

// startRows time whole processes: what a user waits for before anything is
// computed, and until a model of 124 M weights in its directory has scored a
// sequence, or made the first two tokens of one: a line break and residues. The
// program kiban is looked for beside this one, and in PATH.
func startRows() []row {
	peers := func(name, task string) []peer {
		return []peer{{name, "start.py", []string{task}, []string{task}}}
	}
	return []row{
		{
			name: "start: kiban --help", unit: "starts", peers: peers("import torch, transformers", "import"),
			ours: func(ctx context.Context, s settings) (measured, error) { return processes(ctx, s, nil, "--help") },
		},
		{
			name: "start: 124M scores a sequence", unit: "starts", prepare: startModel, peers: peers("torch, transformers", "score"),
			ours: func(ctx context.Context, s settings) (measured, error) {
				return processes(ctx, s, logLikelihood, "protein", "score", "-m", modelDir(s.data), oneFile(s.data), "--device", s.device)
			},
		},
		{
			name: "start: 124M makes tokens", unit: "starts", prepare: startModel, peers: peers("torch, transformers", "token"),
			ours: func(ctx context.Context, s settings) (measured, error) {
				return processes(ctx, s, nil, "protein", "generate", "-m", modelDir(s.data), "-n", "1", "--max-tokens", "3", "--device", s.device)
			},
		},
	}
}

func modelDir(dir string) string { return filepath.Join(dir, "model") }
func oneFile(dir string) string  { return filepath.Join(dir, "one.fasta") }

// startModel writes a model with random weights and a vocabulary of four
// residues a token, which is no smaller than a real one, and a sequence.
func startModel(dir string, s settings) error {
	d := gpt2.of(s)
	var words token.WordCounter
	const letters = 20
	for i := range d.vocab * 5 / 4 {
		x := i * 48271 % (letters * letters * letters * letters) // 48271 is prime: no word comes twice
		word := make([]byte, 4)
		for j := range word {
			word[j] = residues[x%letters]
			x /= letters
		}
		words.AddWord(word, 1)
	}
	b, err := token.TrainBPE(&words, token.TrainOptions{VocabSize: d.vocab, Special: []string{token.EndOfText}})
	if err != nil {
		return err
	}
	if b.VocabSize() != d.vocab {
		return fmt.Errorf("the vocabulary has %d tokens of %d", b.VocabSize(), d.vocab)
	}
	c := d.config()
	err = checkpoint.WriteDir(modelDir(dir), func(temp string) error {
		if err := protein.Save(temp, c, nn.Fresh{Seed: 1, Params: c.Declared(nn.Policy{})}); err != nil {
			return err
		}
		return b.Save(temp)
	})
	if err != nil {
		return err
	}
	return checkpoint.WriteFile(oneFile(dir), func(w io.Writer) error {
		g := newGenerator(1)
		g.fresh(meanLength)
		out := sequence.NewWriter(w, sequence.DefaultWidth)
		return errors.Join(out.Write(sequence.Record{ID: "one", Residues: g.sequence}), out.Flush())
	})
}

// processes runs kiban again and again; check, if there is one, reads its stdout.
func processes(ctx context.Context, s settings, check func(stdout []byte) (int64, error), args ...string) (m measured, err error) {
	path, err := kiban()
	if err != nil {
		return m, err
	}
	var stdout []byte
	m, err = clock(ctx, s, 1, func(int) error {
		var stderr bytes.Buffer
		c := exec.CommandContext(ctx, path, args...)
		c.Stderr = &stderr
		if stdout, err = c.Output(); err != nil {
			return fmt.Errorf("%s: %w: %s", path, err, &stderr)
		}
		return nil
	})
	m.Allocs = nil // those of starting a process
	if err == nil && check != nil {
		m.Check, err = check(stdout)
	}
	return m, err
}

// logLikelihood is that of the only sequence scored, in whole nats.
func logLikelihood(stdout []byte) (int64, error) {
	head, values, _ := strings.Cut(string(stdout), "\n")
	at := slices.Index(strings.Split(head, "\t"), "log_likelihood")
	fields := strings.Split(strings.TrimSpace(values), "\t")
	if at < 0 || at >= len(fields) {
		return 0, fmt.Errorf("kiban protein score printed no log_likelihood: %q", stdout)
	}
	x, err := strconv.ParseFloat(fields[at], 64)
	return int64(math.Round(x)), err
}

func kiban() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if path := filepath.Join(filepath.Dir(self), "kiban"); exists(path) {
		return path, nil
	}
	path, err := exec.LookPath("kiban")
	if err != nil {
		return "", fmt.Errorf("kiban is neither beside %s nor in PATH; build it there", self)
	}
	return path, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
