package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/decode"
)

// What grows, one figure or two each.
const (
	byLength   = "length"   // of rows, with as many tokens at once
	byPlace    = "place"    // of the token that is decoded, in one cache
	byBatch    = "batch"    // sequences at once
	bySize     = "size"     // of the model
	byThreads  = "threads"  // of the CPU
	growTokens = 4096       // at once, of byLength
	longest    = growTokens // row, and cache
)

var growthParts = []string{byLength, byPlace, byBatch, bySize, byThreads}

// growthPoint is one measurement.
type growthPoint struct {
	Part     string   `json:"part"`
	Task     string   `json:"task"` // train, score or decode
	Model    string   `json:"model"`
	BF16     bool     `json:"bf16"`
	Batch    int      `json:"batch"`
	Length   int      `json:"length"`          // of a row; of the cache, to decode
	Place    int      `json:"place,omitempty"` // in the middle of the tokens that are decoded
	Threads  int      `json:"threads"`
	Others   float64  `json:"others,omitempty"` // the share of the processors that others had meanwhile
	Measured measured `json:"measured"`
}

// growthDecoders are the shapes that points name.
var growthDecoders = []decoder{tinyDecoder, gpt25M, gpt2, gpt2Medium, protGPT2}

func (p growthPoint) decoder() decoder {
	i := slices.IndexFunc(growthDecoders, func(d decoder) bool { return d.name == p.Model })
	if i < 0 {
		return decoder{}
	}
	d := growthDecoders[i]
	d.size, d.length = p.Batch, p.Length
	return d
}

// kind is what points of one curve share.
func (p growthPoint) kind() string {
	if p.Part == bySize {
		return p.Task + " " + precision(p.BF16)
	}
	return p.Task + " " + p.Model + " " + precision(p.BF16)
}

func (p growthPoint) short() string {
	name := fmt.Sprintf("%s %s %s, %d x %d", p.Task, p.Model, precision(p.BF16), p.Batch, p.Length)
	if p.Task == "decode" {
		name = fmt.Sprintf("%s %s %s, %d at %d", p.Task, p.Model, precision(p.BF16), p.Batch, p.Place)
	}
	return fmt.Sprintf("%s, -j %d", name, p.Threads)
}

// name is all that tells the point from others.
func (p growthPoint) name() string { return p.Part + " " + p.short() }

// order is that of curves in figures and tables.
func (p growthPoint) order() int {
	n := 2 * slices.Index([]string{"train", "score", "decode"}, p.Task)
	if p.BF16 {
		n++
	}
	return n
}

// x is what grows.
func (p growthPoint) x() float64 {
	switch p.Part {
	case byPlace:
		return float64(p.Place)
	case byBatch:
		return float64(p.Batch)
	case bySize:
		c := p.decoder().config()
		return float64(c.Parameters()) / 1e6
	case byThreads:
		return float64(p.Threads)
	}
	return float64(p.Length)
}

func (p growthPoint) milliseconds() float64 { return 1e3 / p.Measured.Rate }

// growthPoints are all points, in their order.
func growthPoints(s settings) (all []growthPoint) {
	add := func(part, task string, d decoder, batch, length, place, threads int) {
		for _, half := range []bool{false, true} {
			all = append(all, growthPoint{Part: part, Task: task, Model: d.of(s).name, BF16: half, Batch: batch, Length: length, Place: place, Threads: threads})
		}
	}
	all1, tokens, cache := cores(), growTokens, longest
	lengths := []int{64, 128, 256, 512, 1024, 2048, longest}
	places := []int{64, 512, 1024, 1536, 2048, 3072, longest - decodeTimed/2}
	batches := []int{1, 2, 4, 8, 16, 32, 64}
	sizes := []decoder{gpt25M, gpt2, gpt2Medium, protGPT2}
	few, row, near := 128, trainLength, 2*decodeTimed
	if s.tiny {
		tokens, cache, lengths, places, batches, sizes = 64, 64, []int{16, 32}, []int{24, 48}, []int{1, 2}, sizes[:1]
		few, row, near = 16, 16, decodeTimed
	}
	for _, n := range lengths {
		add(byLength, "train", gpt25M, tokens/n, n, 0, all1)
		add(byLength, "score", gpt25M, tokens/n, n, 0, all1)
	}
	for _, n := range places {
		add(byPlace, "decode", gpt2, 1, cache, n, all1)
	}
	for i, n := range batches {
		if i%2 == 0 {
			add(byBatch, "train", gpt25M, n, few, 0, all1)
		}
		add(byBatch, "decode", gpt2, n, near+decodeTimed, near, all1)
	}
	for _, d := range sizes {
		add(bySize, "score", d, 1, row, 0, all1)
		add(bySize, "decode", d, 1, near+decodeTimed, near, all1)
	}
	for n := 1; n <= max(2, all1); n *= 2 {
		add(byThreads, "train", gpt25M, 2, row, 0, n)
		add(byThreads, "score", gpt25M, 2, row, 0, n)
		add(byThreads, "decode", gpt2, 1, near+decodeTimed, near, n)
	}
	return all
}

// chosenPoints are those whose names contain one of the words, all without.
func chosenPoints(s settings, words []string) (out []growthPoint, err error) {
	for _, p := range growthPoints(s) {
		if len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return strings.Contains(p.name(), w) }) {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no point's name contains %s; see kiban-bench growth --list", strings.Join(words, " or "))
	}
	return out, nil
}

// measure measures the point in this process.
func (p growthPoint) measure(ctx context.Context, s settings) (measured, error) {
	s.threads, s.profile = p.Threads, true
	d := p.decoder()
	switch {
	case d.name == "":
		return measured{}, fmt.Errorf("no model is called %q", p.Model)
	case p.Task == "train":
		return d.train(ctx, s, p.BF16)
	case p.Task == "score":
		return d.score(ctx, s, p.BF16)
	case p.Task == "decode":
		return d.decodeAt(ctx, s, p.Batch, p.Place, p.BF16)
	}
	return measured{}, fmt.Errorf("no task is called %q", p.Task)
}

// least is the time in seconds that a token takes at the machine's limits: that
// of its arithmetic, and to decode that of its reading if it is longer.
func (p growthPoint) least(l limits) float64 {
	d := p.decoder()
	flop, rate := d.scoreFLOP(), l[arithmetic(p.BF16)]
	switch p.Task {
	case "train":
		flop = d.stepFLOP()
	case "decode":
		flop = 2*d.products() + 4*float64(p.Place)*float64(d.width*d.layers)
		return max(flop/rate, d.decodeBytes(p.Batch, float64(p.Place), p.BF16)/float64(p.Batch)/l[bandwidth])
	}
	return flop / rate
}

// attention is its share as counted: of arithmetic, or to decode of what is
// read.
func (p growthPoint) attention() float64 {
	d := p.decoder()
	switch p.Task {
	case "train":
		return d.stepAttention() / d.stepFLOP()
	case "decode":
		all := d.decodeBytes(p.Batch, float64(p.Place), p.BF16)
		return float64(p.Batch) * d.cacheBytes(float64(p.Place), p.BF16) / all
	}
	return d.scoreAttention() / d.scoreFLOP()
}

// decodeTimed are the tokens of a sequence that decodeAt takes the time of; a
// decoder looks after each eighth whether they have come.
const decodeTimed = 32

// decodeAt makes tokens about a place, by greedy choice; the prompt before them
// is not part of the time.
func (d decoder) decodeAt(ctx context.Context, s settings, batch, place int, half bool) (m measured, err error) {
	b, err := s.open()
	if err != nil {
		return m, err
	}
	defer b.Close()
	prompt := place - decodeTimed/2
	x, requests, err := d.generator(b, half, batch, prompt, d.length)
	if err != nil {
		return m, err
	}
	defer x.Close()
	for i := range requests {
		requests[i].Max = prompt + decodeTimed
	}
	var times []float64
	var part, all int64 // of the kernels' time
	for began := time.Now(); len(times) == 0 || time.Since(began).Seconds() < s.seconds; {
		var from time.Time
		asked := &askedContext{Context: ctx, first: func() {
			p, a := kernels(b)
			part, all = part-p, all-a
			from = time.Now()
		}}
		out, err := x.Generate(asked, requests, decode.Sampling{Greedy: true})
		if err != nil {
			return m, err
		}
		if n := len(out[0]); n != prompt+decodeTimed {
			return m, fmt.Errorf("%d tokens of %d came", n, prompt+decodeTimed)
		}
		times = append(times, asked.last.Sub(from).Seconds()/decodeTimed)
		p, a := kernels(b)
		part, all = part+p, all+a
	}
	m.Step, m.Steps = median(times), len(times)*decodeTimed
	m.Rate = float64(batch) / m.Step
	m.Need = d.decodeBytes(batch, float64(place), half) / float64(batch)
	m.Attention = ratio(part, all)
	return m, nil
}

// askedContext notes when it is asked whether it has ended: a decoder asks
// before each token and not before the prompt has been read.
type askedContext struct {
	context.Context
	first func() // called when it is asked first
	last  time.Time
}

func (a *askedContext) Err() error {
	if a.first != nil {
		a.first()
		a.first = nil
	}
	a.last = time.Now()
	return a.Context.Err()
}

// kernels are the nanoseconds that attention and all kernels of a device took so
// far, 0 where that is not known.
func kernels(b backend.Backend) (part, all int64) {
	if c, ok := b.(*cpu.Backend); ok {
		for name, spent := range c.Spent() {
			all += spent.Nanoseconds
			if strings.HasPrefix(name, "attention") {
				part += spent.Nanoseconds
			}
		}
	}
	return part, all
}

// attention is its share of the time that a device's kernels took so far.
func attention(b backend.Backend) float64 { return ratio(kernels(b)) }

func ratio(part, all int64) float64 {
	if all == 0 {
		return 0
	}
	return float64(part) / float64(all)
}
