package main

import (
	"context"
	"fmt"
	"os"

	"github.com/kiban-models/kiban/core/train"
	"github.com/kiban-models/kiban/materials/encoder"
	"github.com/kiban-models/kiban/materials/task"
)

// bert is the shape of a BERT.
type bert struct{ layers, width, heads, vocab int }

var (
	bertBase = bert{12, 768, 12, 31090}
	tinyBert = bert{2, 64, 2, 400}
)

func (e bert) of(s settings) bert {
	if s.tiny {
		return tinyBert
	}
	return e
}

const (
	wordLabels = 15
	stepRows   = 16
	stepLength = 128
)

// args are those of peers/bert.py.
func (e bert) args(task string, rows, length int, half bool, how string) []string {
	return []string{task, fmt.Sprint(e.layers), fmt.Sprint(e.width), fmt.Sprint(e.heads), fmt.Sprint(e.vocab), fmt.Sprint(rows), fmt.Sprint(length), precision(half), how}
}

// flop is what the labels of a token take.
func (e bert) flop(length int) float64 {
	w := float64(e.width)
	return float64(e.layers) * (24*w*w + 4*float64(length)*w)
}

func encoderRows() []row {
	var all []row
	for _, half := range []bool{false, true} {
		for _, n := range []struct{ rows, length int }{{32, 128}, {8, 512}} {
			r := row{
				name: fmt.Sprintf("BERT-base labels %d tokens %s", n.length, precision(half)), unit: "tokens", limit: arithmetic(half),
				ours: func(ctx context.Context, s settings) (measured, error) {
					return bertBase.of(s).labels(ctx, s, n.rows, n.length, half)
				},
			}
			for _, how := range []string{"eager", "compile", "onnxruntime"} {
				if how == "onnxruntime" && half {
					continue // its kernels of the CPU are of f32
				}
				r.peers = append(r.peers, peer{bertPeer(how), "bert.py", bertBase.args("labels", n.rows, n.length, half, how), tinyBert.args("labels", 2, n.length, half, how)})
			}
			all = append(all, r)
		}
		r := row{
			name: "BERT-base fine-tuning " + precision(half), unit: "tokens", limit: arithmetic(half),
			ours: func(ctx context.Context, s settings) (measured, error) {
				return bertBase.of(s).step(ctx, s, stepRows, stepLength, half)
			},
		}
		for _, how := range []string{"eager", "compile"} {
			r.peers = append(r.peers, peer{bertPeer(how), "bert.py", bertBase.args("step", stepRows, stepLength, half, how), tinyBert.args("step", stepRows, stepLength, half, how)})
		}
		all = append(all, r)
	}
	return all
}

func bertPeer(how string) string {
	switch how {
	case "eager":
		return "torch eager"
	case "compile":
		return "torch.compile"
	}
	return how
}

func (e bert) config(length int) encoder.Config {
	return encoder.NewConfig(e.vocab, max(512, length), e.layers, e.width, e.heads)
}

// texts are rows of random tokens, each second labelled.
func (e bert) texts(n, length int) []task.Row {
	ids := decoder{vocab: e.vocab}.tokens(n * length)
	rows := make([]task.Row, n)
	for i := range rows {
		rows[i].IDs = ids[i*length:][:length]
		for j := 1; j < length-1; j += 2 {
			rows[i].Places, rows[i].Labels = append(rows[i].Places, int32(j)), append(rows[i].Labels, int32(j%wordLabels))
		}
	}
	return rows
}

func head() task.Head { return task.Head{Kind: task.Words, Labels: make([]string, wordLabels)} }

// labels labels rows of one length.
func (e bert) labels(ctx context.Context, s settings, rows, length int, half bool) (m measured, err error) {
	b, err := s.open()
	if err != nil {
		return m, err
	}
	defer b.Close()
	c, h, p := e.config(length), head(), policy(half, false)
	if err := put(b, c.Declared(p, h.Declare)); err != nil {
		return m, err
	}
	session := task.NewSession(b, h, c, p)
	defer session.Close()
	texts := e.texts(rows, length)
	m, err = clock(ctx, s, float64(rows*length), func(int) error {
		return session.Run(ctx, texts, func(int, [][]float32) error { return nil })
	})
	m.Need = e.flop(length)
	return m, err
}

// step is a fine-tuning step: dropout, clipping, AdamW over all weights.
func (e bert) step(ctx context.Context, s settings, rows, length int, half bool) (m measured, err error) {
	b, err := s.open()
	if err != nil {
		return m, err
	}
	defer b.Close()
	dir, err := os.MkdirTemp("", "kiban-bench-")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(dir)
	c, h, p := e.config(length), head(), policy(half, true)
	if err := put(b, c.Declared(p, h.Declare)); err != nil {
		return m, err
	}
	t, err := task.New(b.Limits(), task.Options{
		Dir: dir, Config: c, Head: h, Policy: p, Train: e.texts(10*rows, length), BatchSize: rows, Freeze: -1,
		Optimizer: train.Optimizer{LR: 1e-9, GradClip: 1, Steps: 1 << 20}, Files: func(string) error { return nil }, LogEvery: 1 << 30,
	})
	if err != nil {
		return m, err
	}
	x, err := t.Stepper(b)
	if err != nil {
		return m, err
	}
	defer x.Close()
	m, err = clock(ctx, s, float64(rows*length), func(i int) error {
		_, err := x.Step(ctx, i)
		return err
	})
	m.Need = 3 * e.flop(length)
	return m, err
}
