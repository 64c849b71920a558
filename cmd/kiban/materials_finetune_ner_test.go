package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/materials/example"
	"github.com/kiban-models/kiban/materials/task"
)

// annotated writes the example's sentences.
func annotated(t *testing.T) (train, dev string) {
	t.Helper()
	dir := t.TempDir()
	all, err := example.Abstracts()
	if err != nil {
		t.Fatal(err)
	}
	for _, split := range []string{"train", "dev"} {
		b, err := example.CoNLL(all, split)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, split+".conll"), b, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "train.conll"), filepath.Join(dir, "dev.conll")
}

// learning is the command of a small model.
func learning(train, dev, run string, more ...string) []string {
	return append([]string{"materials", "finetune", "ner", train, "--validation", dev, "-o", run, "--layers", "1", "--width", "64", "--heads", "4",
		"--vocab-size", "1000", "--lr", "3e-3", "--head-lr", "3e-3", "--precision", "f32", "--device", "cpu"}, more...)
}

// TestFinetuneNER learns the example, goes on with what was learnt, and finds
// entities with it.
func TestFinetuneNER(t *testing.T) {
	train, dev := annotated(t)
	for _, head := range []string{"linear", "crf"} {
		run := filepath.Join(t.TempDir(), head)
		must(t, learning(train, dev, run, "--head", head, "--epochs", "6")...)
		var results struct {
			Scores  map[string]float64
			HeldOut nerResults `json:"held_out"`
		}
		if err := json.Unmarshal([]byte(contents(t, filepath.Join(run, "results.json"))), &results); err != nil {
			t.Fatal(err)
		}
		h := results.HeldOut
		t.Logf("%s: F1 %.3f, dictionary %.3f, confidence off by %.3f", head, h.Micro.F1, h.Dictionary.F1, h.Calibration.Error)
		if !(h.Micro.F1 > 0.5) || h.Micro.F1 != results.Scores["f1"] || h.Micro.Support < 100 || len(h.Labels) != 7 || !(h.Dictionary.F1 > 0.5) {
			t.Errorf("%s: %+v", head, results)
		}
		if s := status(t, run); s != "done" {
			t.Errorf("status %q", s)
		}
		if text := contents(t, filepath.Join(run, "conlleval.txt")); !strings.HasPrefix(text, "processed ") {
			t.Errorf("conlleval.txt: %q", text)
		}
		words, gold := strings.Count(contents(t, filepath.Join(run, "predictions.conll")), "\t"), strings.Count(contents(t, dev), "\n")
		if words/2 > gold || words == 0 {
			t.Errorf("%d words in predictions.conll", words/2)
		}
		for _, name := range []string{"report.html", "figures/loss.svg", "figures/f1.svg", "figures/f1_by_type.png", "figures/confusion.csv", "figures/calibration.svg"} {
			if st, err := os.Stat(filepath.Join(run, name)); err != nil || st.Size() == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
		out, stderr, code := kiban(context.Background(), "LiFePO4 cathodes were prepared by solid-state synthesis.", "materials", "extract", "-m", run, "-q")
		if code != 0 || len(readExtracted(t, out)) != 1 {
			t.Errorf("%s%s", out, stderr)
		}
		further := filepath.Join(t.TempDir(), "further")
		must(t, "materials", "finetune", "ner", train, "--validation", "0.1", "-m", run, "--head", head, "-o", further, "--epochs", "1", "--precision", "f32", "--device", "cpu")
	}
}

// TestFinetuneNERResumed ends as a run that was not broken off.
func TestFinetuneNERResumed(t *testing.T) {
	train, dev := annotated(t)
	whole, broken := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	must(t, learning(train, dev, whole, "--epochs", "3", "--head", "crf")...)
	must(t, learning(train, dev, broken, "--epochs", "3", "--head", "crf", "--max-time", "1ns")...)
	must(t, learning(train, dev, broken, "--epochs", "3", "--head", "crf", "--resume", "--max-time", "1ns")...)
	must(t, learning(train, dev, broken, "--epochs", "3", "--head", "crf", "--resume")...)
	for _, name := range []string{"model.safetensors", "predictions.conll", "results.json"} {
		if contents(t, filepath.Join(whole, name)) != contents(t, filepath.Join(broken, name)) {
			t.Errorf("%s differs", name)
		}
	}
}

// TestFinetuneNERRefuses has data that is wrong, or not the model's.
func TestFinetuneNERRefuses(t *testing.T) {
	train, dev := annotated(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	model := randomNER(t, task.Words)
	for _, x := range []struct {
		code int
		want []string
		args []string
	}{
		{exitFailed, []string{"empty.conll:2:", "--empty-tag"}, []string{write("empty.conll", "TiO2 B-MAT\nfilm \n")}},
		{exitFailed, []string{"broken.conll:2:", "--repair"}, []string{write("broken.conll", "a O\nfilm I-MAT\n")}},
		{exitFailed, []string{"columns.conll:3:"}, []string{write("columns.conll", "a O\nb O\nc\n")}},
		{exitFailed, []string{"unknown.conll:1:", "B-ODD"}, []string{train, "--validation", write("unknown.conll", "a B-ODD\n")}},
		{exitFailed, []string{"B-APL, B-MAT, B-PRO", "B-CMT", "--new-head"}, []string{train, "-m", model}},
		{exitMisuse, []string{"head"}, []string{train, "--head", "bilstm"}},
		{exitMisuse, []string{"layers"}, []string{train, "-m", model, "--layers", "3"}},
		{exitMisuse, []string{"file of annotated sentences"}, nil},
		{exitFailed, []string{"nowhere.conll"}, []string{"nowhere.conll"}},
	} {
		out, stderr, code := kiban(context.Background(), "", append([]string{"materials", "finetune", "ner", "--device", "cpu", "-q", "-o", filepath.Join(dir, "run")}, x.args...)...)
		if code != x.code || out != "" || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: code %d, %q", x.args, code, stderr)
		}
		for _, w := range x.want {
			if !strings.Contains(stderr, w) {
				t.Errorf("%v: %q, wanted %q in it", x.args, stderr, w)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
			t.Errorf("%v: a run was begun", x.args)
		}
	}
	out, stderr, code := kiban(context.Background(), "", learning(train, dev, "", "--dry-run", "--json")...)
	if code != 0 || !strings.Contains(out, "memory_bytes") {
		t.Errorf("--dry-run: %d, %s%s", code, out, stderr)
	}
}

// TestMarked has the same sentences of a brat folder, of JSON lines and of
// CoNLL files.
func TestMarked(t *testing.T) {
	dir := t.TempDir()
	brat, list := filepath.Join(dir, "brat"), filepath.Join(dir, "all.jsonl")
	must(t, "materials", "extract", papers(t), "-m", randomNER(t, task.Words), "--format", "brat", "-o", brat)
	must(t, "materials", "extract", papers(t), "-m", randomNER(t, task.Words), "--format", "prodigy", "-o", list)
	var said []string
	for _, in := range []string{brat, list} {
		run := filepath.Join(t.TempDir(), "run")
		_, stderr, code := kiban(context.Background(), "", "materials", "finetune", "ner", in, "-o", run, "--layers", "1", "--width", "32", "--heads", "2", "--epochs", "1", "--device", "cpu", "--progress", "none")
		if code != 0 {
			t.Fatalf("%s: %s", in, stderr)
		}
		for line := range strings.Lines(stderr) {
			if strings.HasPrefix(line, "kiban: data") {
				said = append(said, line)
			}
		}
	}
	if len(said) != 2 || said[0] != said[1] || !strings.Contains(said[0], " labels") {
		t.Errorf("%q", said)
	}
	empty := t.TempDir()
	if _, stderr, code := kiban(context.Background(), "", "materials", "finetune", "ner", empty, "-o", filepath.Join(dir, "x")); code != exitFailed || !strings.Contains(stderr, "no entities are marked") {
		t.Errorf("code %d, %q", code, stderr)
	}
}
