package cpu_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend/backendtest"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// Sizes at which products have several tiles and reductions several blocks.
func decoder(dt tensor.DType) backendtest.Decoder {
	return backendtest.Decoder{Batch: 5, Len: 77, Layers: 1, Heads: 3, Width: 20, V: 700, DT: dt, Dropout: 0.1}
}

// Three steps of training give the same bytes with any number of threads.
func TestThreadsDoNotMatter(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16} {
		for _, noLibrary := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v,noLibrary=%t", dt, noLibrary), func(t *testing.T) {
				var first map[string][]byte
				for threads := 1; threads <= 4; threads++ {
					b := open(t, cpu.Options{Threads: threads, NoLibrary: noLibrary})
					r := loadTraining(t, b, decoder(dt))
					for range 3 {
						if err := r.Run(context.Background()); err != nil {
							t.Fatal(err)
						}
					}
					got := map[string][]byte{}
					for _, name := range []string{"loss", "norm"} {
						v, err := r.Read(name)
						if err != nil {
							t.Fatal(err)
						}
						got[name] = v.Bytes()
					}
					for _, name := range []string{"wte", "h.0.attn.c_attn.weight", "ln_f.bias", "wte.v"} {
						v, err := b.Get(name)
						if err != nil {
							t.Fatal(err)
						}
						got[name] = v.Bytes()
					}
					if first == nil {
						first = got
					}
					for name := range got {
						if !bytes.Equal(got[name], first[name]) {
							t.Errorf("%s: %d threads give other bytes than 1", name, threads)
						}
					}
					b.Close()
				}
			})
		}
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	b := open(t, cpu.Options{Threads: 2})
	r := loadTraining(t, b, backendtest.SmallDecoder(tensor.F32))
	ctx := context.Background()
	if n := testing.AllocsPerRun(10, func() {
		if err := r.Run(ctx); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a run allocates %g times", n)
	}
}

// A row of a product has the same bits for any number of rows below 17, and
// the same for any number from 17 on, wherever the row stands.
func TestRowsDoNotDependOnTheirNumber(t *testing.T) {
	const n, k = 300, 1100
	for _, o := range []cpu.Options{{Threads: 2}, {Threads: 2, NoLibrary: true}} {
		b := open(t, o)
		for _, dt := range []tensor.DType{tensor.F32, tensor.BF16, tensor.F16} {
			for _, transB := range []bool{false, true} {
				product := func(m int) []byte {
					g := graph.New()
					shape := []int{k, n}
					if transB {
						shape = []int{n, k}
					}
					// All rows are equal, so that each stands in every place.
					y := graph.MatMul(g.Input("a", dt, m, k), g.Input("b", dt, shape...), graph.MatMulOpt{TransB: transB, Out: tensor.F32, As: true})
					p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"y": y})
					if err != nil {
						t.Fatal(err)
					}
					r, err := b.Load(p)
					if err != nil {
						t.Fatal(err)
					}
					defer r.Close()
					for name, s := range p.Inputs {
						v := tensor.New(s.DType, s.Shape...)
						for i := range v.Len() {
							if name == "a" {
								v.Set(i, float64(i%k*7919%1009)/1009-0.5)
							} else {
								v.Set(i, float64(i*104729%9973)/9973-0.5)
							}
						}
						if err := r.Write(name, v); err != nil {
							t.Fatal(err)
						}
					}
					if err := r.Run(context.Background()); err != nil {
						t.Fatal(err)
					}
					out, err := r.Read("y")
					if err != nil {
						t.Fatal(err)
					}
					return out.Bytes()
				}
				for _, sizes := range [][]int{{1, 2, 3, 7, 8, 15, 16}, {17, 18, 31, 32, 33, 64, 100, 257, 600}} {
					want := product(sizes[0])[:4*n]
					for _, m := range sizes {
						got := product(m)
						for row := range m {
							if !bytes.Equal(got[row*4*n:][:4*n], want) {
								t.Fatalf("%s, %v, transB=%t: row %d of %d differs from that of %d", b.Name(), dt, transB, row, m, sizes[0])
							}
						}
					}
				}
			}
		}
	}
}

func TestMemoryIsCheckedBeforeItIsTaken(t *testing.T) {
	b := open(t, cpu.Options{Threads: 1})
	g := graph.New()
	x := g.Input("x", tensor.F32, 1<<16, 1<<16)
	y := graph.Scale(x, 2)
	p, err := plan.Compile(g, b.Limits(), plan.Options{}, map[string]*graph.Node{"a": y, "b": graph.Scale(y, 3)})
	if err != nil {
		t.Fatal(err)
	}
	p.ScratchBytes += 1 << 50
	_, err = b.Load(p)
	if err == nil || !strings.Contains(err.Error(), "use --precision bf16, --recompute or a smaller batch") {
		t.Errorf("got %v", err)
	}
}

func TestProfileCountsKernels(t *testing.T) {
	b := open(t, cpu.Options{Threads: 1, Profile: true})
	r := loadTraining(t, b, backendtest.SmallDecoder(tensor.F32))
	for range 2 {
		if err := r.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	before := b.Spent()
	if got := before["grad_norm"].Calls; got != 2 {
		t.Errorf("grad_norm ran %d times, wanted 2", got)
	}
	r.Close()
	if after := b.Spent(); after["matmul"] != before["matmul"] || after["matmul"].Nanoseconds <= 0 {
		t.Errorf("closing changed %v to %v", before["matmul"], after["matmul"])
	}
	if !strings.Contains(b.Profile().String(), "matmul") {
		t.Error("the table lacks matmul")
	}
}
