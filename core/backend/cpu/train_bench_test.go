package cpu_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/backendtest"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// loadTraining loads one training step of a decoder with random weights.
func loadTraining(t testing.TB, b backend.Backend, d backendtest.Decoder) backend.Runner {
	t.Helper()
	g, outputs := d.Training()
	return load(t, b, g, outputs, d.V, 0)
}

// load compiles a graph, gives its parameters small random values and its
// inputs values that are valid for a vocabulary; decoding stands at pos.
func load(t testing.TB, b backend.Backend, g *graph.Graph, outputs map[string]*graph.Node, vocab, pos int) backend.Runner {
	t.Helper()
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, outputs)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range p.Params {
		v := tensor.New(tensor.F32, n.Shape...)
		for i := range v.Float32() {
			v.Float32()[i] = float32(r.NormFloat64() * 0.02)
			if len(n.Shape) == 1 && n.Name[len(n.Name)-6:] == "weight" {
				v.Float32()[i]++
			}
		}
		if err := b.Put(n.Name, v.Convert(n.DType)); err != nil {
			t.Fatal(err)
		}
	}
	run, err := b.Load(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Inputs)) {
		s := p.Inputs[name]
		v := tensor.New(s.DType, s.Shape...)
		for i := range v.Len() {
			switch name {
			case "hyper":
				v.Set(i, []float64{1e-3, 0.9, 0.95, 1e-8, 0.1, 0.05, 0.1, 0}[i])
			case "weights":
				v.Set(i, 1/float64(v.Len()))
			case "places":
				v.Set(i, float64(i%64))
			case "pos":
				v.Set(i, float64(pos))
			default:
				v.Set(i, float64(r.IntN(vocab)))
			}
		}
		if err := run.Write(name, v); err != nil {
			t.Fatal(err)
		}
	}
	return run
}

// flops is what the matrix products of a step take: three times the forward
// ones, and attention's seven products of half a square.
func flops(d backendtest.Decoder) float64 {
	c, n := float64(d.Heads*d.Width), float64(d.Batch*d.Len)
	return 6*n*(12*c*c*float64(d.Layers)+c*float64(d.V)) + 14*n*float64(d.Len)/2*c*float64(d.Layers)
}

// processorTime is what the process has used of all cores: on a busy machine
// it says more than the clock.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkTraining is a step of two GPT-2-like models; -v prints the profile.
func BenchmarkTraining(b *testing.B) {
	for _, d := range []backendtest.Decoder{
		{Batch: 16, Len: 256, Layers: 6, Heads: 4, Width: 64, V: 8192},
		{Batch: 4, Len: 512, Layers: 6, Heads: 12, Width: 64, V: 8192},
	} {
		for _, o := range []cpu.Options{{}, {Threads: 1}, {NoLibrary: true}} {
			for _, dt := range []tensor.DType{tensor.F32, tensor.BF16} {
				d.DT = dt
				be := open(b, cpu.Options{Threads: o.Threads, NoLibrary: o.NoLibrary, Profile: testing.Verbose()})
				b.Run(fmt.Sprintf("C=%d,%v,%s,threads=%d", d.Heads*d.Width, dt, be.Name(), be.Info().Threads), func(b *testing.B) {
					r := loadTraining(b, be, d)
					defer r.Close()
					if err := r.Run(context.Background()); err != nil { // touches all memory
						b.Fatal(err)
					}
					before := processorTime(b)
					for b.Loop() {
						if err := r.Run(context.Background()); err != nil {
							b.Fatal(err)
						}
					}
					spent := (processorTime(b) - before).Seconds() / float64(b.N)
					loss, err := r.Read("loss")
					if err != nil || math.IsNaN(loss.At(0)) {
						b.Fatal("loss is ", loss, err)
					}
					per := b.Elapsed().Seconds() / float64(b.N)
					b.ReportMetric(flops(d)/per/1e9, "GFLOP/s")
					b.ReportMetric(flops(d)/spent/1e9, "GFLOP/core-s")
					b.ReportMetric(float64(d.Batch*d.Len)/per, "tokens/s")
				})
				if testing.Verbose() {
					b.Log("\n" + be.Profile().String())
				}
				be.Close()
			}
		}
	}
}

// BenchmarkDecoding is one token of GPT-2 small in f32, which reads all its
// weights: 0.5 GB, and 1000 cached tokens.
func BenchmarkDecoding(b *testing.B) {
	d := backendtest.Decoder{Batch: 1, Len: 1024, Layers: 12, Heads: 12, Width: 64, V: 50257, DT: tensor.F32}
	be := open(b, cpu.Options{Profile: testing.Verbose()})
	g, outputs := d.Step(1)
	r := load(b, be, g, outputs, d.V, 1000)
	if err := r.Run(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Run(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	var bytes int64
	c := int64(d.Heads * d.Width)
	bytes = 4 * (12*c*c*int64(d.Layers) + c*int64(d.V) + 2*1000*c*int64(d.Layers))
	b.ReportMetric(float64(bytes)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
	if testing.Verbose() {
		b.Log("\n" + be.Profile().String())
	}
}
