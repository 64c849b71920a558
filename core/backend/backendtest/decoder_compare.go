package backendtest

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

// CompareDecoder runs a whole model on fresh backends that open makes: it must
// train as the reference does, the same with recomputation, decode with a cache
// as without, and keep sequences of a batch apart.
func CompareDecoder(t *testing.T, open func() (backend.Backend, error)) {
	for dt, tol := range tolerances {
		d := SmallDecoder(dt)
		t.Run(dt.String()+"/training", func(t *testing.T) { d.compareTraining(t, open, tol) })
		t.Run(dt.String()+"/cache", func(t *testing.T) { d.compareCache(t, open, tol) })
		t.Run(dt.String()+"/neighbours", func(t *testing.T) { d.compareNeighbours(t, open) })
	}
}

// CompareDecoding is the part of CompareDecoder that decodes.
func CompareDecoding(t *testing.T, open func() (backend.Backend, error)) {
	for dt, tol := range tolerances {
		t.Run(dt.String(), func(t *testing.T) { SmallDecoder(dt).compareCache(t, open, tol) })
	}
}

// tolerances are those of a whole model.
var tolerances = map[tensor.DType]float64{tensor.F32: 1e-4, tensor.BF16: 0.05, tensor.F16: 0.01}

func openReference() (backend.Backend, error) { return reference.New[float32](), nil }

// session is a backend with the decoder's weights.
type session struct {
	t *testing.T
	b backend.Backend
}

func (d Decoder) session(t *testing.T, open func() (backend.Backend, error), g *graph.Graph) session {
	t.Helper()
	b, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	for name, w := range d.Weights(g) {
		if err := b.Put(name, w); err != nil {
			t.Fatal(err)
		}
	}
	return session{t, b}
}

func (s session) load(g *graph.Graph, opt plan.Options, outputs map[string]*graph.Node) backend.Runner {
	s.t.Helper()
	p, err := plan.Compile(g, s.b.Limits(), opt, outputs)
	if err != nil {
		s.t.Fatal(err)
	}
	poison(p, s.b.Limits())
	r, err := s.b.Load(p)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// run writes the inputs, runs, and reads one output.
func (s session) run(r backend.Runner, inputs map[string]*tensor.Tensor, output string) *tensor.Tensor {
	s.t.Helper()
	for name, x := range inputs {
		if err := r.Write(name, x); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := r.Run(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	y, err := r.Read(output)
	if err != nil {
		s.t.Fatal(err)
	}
	return y
}

func (s session) get(name string) *tensor.Tensor {
	s.t.Helper()
	x, err := s.b.Get(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return x
}

// batch draws ids, labels (some ignored) and what else a step is given.
func (d Decoder) batch(step int) map[string]*tensor.Tensor {
	n := d.Batch * d.Len
	r := rand.New(rand.NewPCG(uint64(step), 3))
	ids, labels, places, weights := make([]int32, n), make([]int32, n), make([]int32, n), make([]float32, n)
	for i := range n {
		ids[i], labels[i], places[i] = int32(r.IntN(d.V)), int32(r.IntN(d.V)), int32(i%d.Len)
		weights[i] = 1 / float32(n)
		if i%7 == 3 {
			labels[i] = -1
		}
	}
	return map[string]*tensor.Tensor{
		"ids": tensor.Of(ids, n), "labels": tensor.Of(labels, n), "places": tensor.Of(places, n),
		"weights": tensor.Of(weights, n), "seed": tensor.Of([]int32{int32(step), 5}, 2),
		// a large epsilon, so that gradients that are nothing but rounding
		// do not become whole steps
		"hyper": tensor.Of([]float32{0.01, 0.9, 0.99, 1e-2, 0.1, 0.01, 0.1, 0}, graph.HyperLen),
	}
}

// trained is what some steps of training leave.
type trained struct {
	losses, norms []*tensor.Tensor
	named         map[string]*tensor.Tensor
}

func (d Decoder) train(t *testing.T, open func() (backend.Backend, error), opt plan.Options) trained {
	g, outputs := d.Training()
	s := d.session(t, open, g)
	r := s.load(g, opt, outputs)
	out := trained{named: map[string]*tensor.Tensor{}}
	for step := range 3 {
		out.losses = append(out.losses, s.run(r, d.batch(step), "loss"))
		norm, err := r.Read("norm")
		if err != nil {
			t.Fatal(err)
		}
		out.norms = append(out.norms, norm)
	}
	for _, st := range g.Stores() {
		out.named[st.Dst.Name()] = s.get(st.Dst.Name())
	}
	return out
}

// differ compares two trainings and reports the first differences by name.
func (a trained) differ(t *testing.T, want trained, tol float64) {
	t.Helper()
	for i := range want.losses {
		if err := differ(a.losses[i], want.losses[i], tol/10); err != nil {
			t.Errorf("loss of step %d: %v", i, err)
		}
		if err := differ(a.norms[i], want.norms[i], tol); err != nil {
			t.Errorf("norm of step %d: %v", i, err)
		}
	}
	for _, name := range sortedKeys(want.named) {
		allowed := tol
		if moment := name[len(name)-2:]; moment == ".m" || moment == ".v" {
			allowed = 4 * tol
		}
		if err := differ(a.named[name], want.named[name], allowed); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func (d Decoder) compareTraining(t *testing.T, open func() (backend.Backend, error), tol float64) {
	want := d.train(t, openReference, plan.Options{NoFusion: true})
	plain := d.train(t, open, plan.Options{})
	plain.differ(t, want, tol)
	d.train(t, open, plan.Options{Recompute: true}).same(t, plain, "recomputation")
	d.train(t, open, plan.Options{}).same(t, plain, "another run")
}

// same demands the same bytes.
func (a trained) same(t *testing.T, want trained, why string) {
	t.Helper()
	for i := range want.losses {
		if !bytes.Equal(a.losses[i].Bytes(), want.losses[i].Bytes()) {
			t.Errorf("%s changed the loss of step %d from %v to %v", why, i, want.losses[i].At(0), a.losses[i].At(0))
		}
	}
	for _, name := range sortedKeys(want.named) {
		if !bytes.Equal(a.named[name].Bytes(), want.named[name].Bytes()) {
			t.Errorf("%s changed %s", why, name)
		}
	}
}

// compareCache decodes a prompt of 5 at once and the rest one by one, and
// compares with the logits of whole sequences, which must be the reference's.
func (d Decoder) compareCache(t *testing.T, open func() (backend.Backend, error), tol float64) {
	const prompt = 5
	g, outputs := d.Forward()
	all := d.batch(0)
	whole := map[string]*tensor.Tensor{"ids": all["ids"], "places": all["places"]}
	ref := d.session(t, openReference, g)
	want := ref.run(ref.load(g, plan.Options{NoFusion: true}, outputs), whole, "logits")

	s := d.session(t, open, g)
	if err := differ(s.run(s.load(g, plan.Options{}, outputs), whole, "logits"), want, tol); err != nil {
		t.Errorf("whole sequences: %v", err)
	}
	for from, n := 0, prompt; from < d.Len; from, n = from+n, 1 {
		g, outputs := d.Step(n)
		r := s.load(g, plan.Options{}, outputs)
		rows := func(x *tensor.Tensor) *tensor.Tensor { return d.rows(x, from, n) }
		pos := tensor.New(tensor.I32, d.Batch)
		for i := range d.Batch {
			pos.Set(i, float64(from))
		}
		got := s.run(r, map[string]*tensor.Tensor{"ids": rows(all["ids"]), "places": rows(all["places"]), "pos": pos}, "logits")
		if err := differ(got, rows(want), tol); err != nil {
			t.Errorf("%d tokens from place %d: %v", n, from, err)
		}
		r.Close()
	}
}

// rows returns places from to from+n of each sequence of x [B*T, ...].
func (d Decoder) rows(x *tensor.Tensor, from, n int) *tensor.Tensor {
	c := x.Len() / (d.Batch * d.Len)
	shape := append([]int{d.Batch * n}, x.Shape()[1:]...)
	y := tensor.New(x.DType(), shape...)
	for b := range d.Batch {
		for i := range n * c {
			y.Set(b*n*c+i, x.At((b*d.Len+from)*c+i))
		}
	}
	return y
}

// compareNeighbours changes all sequences but one, whose logits must keep
// their bytes.
func (d Decoder) compareNeighbours(t *testing.T, open func() (backend.Backend, error)) {
	g, outputs := d.Forward()
	s := d.session(t, open, g)
	r := s.load(g, plan.Options{}, outputs)
	const mine = 1
	var kept [][]byte
	for step := range 2 {
		in := d.batch(step)
		first := d.batch(0)["ids"]
		for i := range d.Len {
			in["ids"].Set(mine*d.Len+i, first.At(mine*d.Len+i))
		}
		y := s.run(r, map[string]*tensor.Tensor{"ids": in["ids"], "places": in["places"]}, "logits")
		size := len(y.Bytes()) / d.Batch
		kept = append(kept, y.Bytes()[mine*size:][:size])
	}
	if !bytes.Equal(kept[0], kept[1]) {
		t.Errorf("the logits of sequence %d depend on the others", mine)
	}
}
