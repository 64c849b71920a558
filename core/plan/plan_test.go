package plan_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/core/backend/backendtest"
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

var update = flag.Bool("update", false, "write the golden plans anew")

// The plans of a training step and of a decode step, as they should be: read the
// change before accepting it with -update.
func TestGolden(t *testing.T) {
	d := backendtest.SmallDecoder(tensor.BF16)
	for name, c := range map[string]struct {
		build func() (*graph.Graph, map[string]*graph.Node)
		lim   plan.Limits
		opt   plan.Options
	}{
		"training":           {build: d.Training},
		"training_recompute": {build: d.Training, opt: plan.Options{Recompute: true}},
		"training_nofusion":  {build: d.Training, opt: plan.Options{NoFusion: true}},
		"decoding_joined":    {build: func() (*graph.Graph, map[string]*graph.Node) { return d.Step(1) }, lim: joining},
	} {
		g, outputs := c.build()
		p, err := plan.Compile(g, c.lim, c.opt, outputs)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(p.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if p.String() != string(want) {
			got, old := strings.Split(p.String(), "\n"), strings.Split(string(want), "\n")
			i := 0
			for i < min(len(got), len(old))-1 && got[i] == old[i] {
				i++
			}
			t.Errorf("%s:%d: the plan differs; go test -update accepts it\n got  %s\n want %s", file, i+1, got[i], old[i])
		}
	}
}

// every compiles the small decoder in many ways.
func every(t *testing.T, f func(t *testing.T, g *graph.Graph, lim plan.Limits, opt plan.Options, outputs map[string]*graph.Node)) {
	for _, dt := range []tensor.DType{tensor.F32, tensor.BF16} {
		for _, lim := range []plan.Limits{{}, {Align: 256}, {MaxBuffer: 64 << 10}, joining} {
			for _, opt := range []plan.Options{{}, {Recompute: true}, {NoFusion: true}, {NoFusion: true, Recompute: true}} {
				d := backendtest.SmallDecoder(dt)
				for name, build := range map[string]func() (*graph.Graph, map[string]*graph.Node){
					"training": d.Training, "forward": d.Forward, "step": func() (*graph.Graph, map[string]*graph.Node) { return d.Step(2) },
				} {
					g, outputs := build()
					t.Run(fmt.Sprintf("%s,%v,%+v,%+v", name, dt, lim, opt), func(t *testing.T) { f(t, g, lim, opt, outputs) })
				}
			}
		}
	}
}

// TestPlaces follows every value through memory: whoever reads a slot must find
// there, undamaged, the value that the graph means.
func TestPlaces(t *testing.T) {
	every(t, func(t *testing.T, g *graph.Graph, lim plan.Limits, opt plan.Options, outputs map[string]*graph.Node) {
		p, flow, err := plan.CompileFlow(g, lim, opt, outputs)
		if err != nil {
			t.Fatal(err)
		}
		if err := follow(p, flow); err != nil {
			t.Errorf("%v\n%v", err, p)
		}
	})
}

// The checker must see a value that is overwritten too early.
func TestFollowSeesDamage(t *testing.T) {
	g, outputs := backendtest.SmallDecoder(tensor.F32).Training()
	p, flow, err := plan.CompileFlow(g, plan.Limits{}, plan.Options{}, outputs)
	if err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for i := range p.Steps {
		for k := range p.Steps[i].Out {
			s := &p.Steps[i].Out[k]
			if s.Region == plan.Scratch {
				old := s.Offset
				s.Offset = (s.Offset + p.ScratchBytes/2) / 64 * 64 % p.ScratchBytes
				if follow(p, flow) != nil {
					damaged++
				}
				s.Offset = old
			}
		}
	}
	if damaged < len(p.Steps)/2 {
		t.Errorf("only %d misplaced values were noticed", damaged)
	}
}

// word is the unit in which follow watches memory.
const word = 2

func follow(p *plan.Program, flow *plan.Flow) error {
	io, scratch := make([]int, p.IOBytes/word+1), make([]int, p.ScratchBytes/word+1)
	named := map[string]int{}
	for i := range io {
		io[i] = -1
	}
	for i := range scratch {
		scratch[i] = -1
	}
	cells := func(s plan.Slot) ([]int, error) {
		all := io
		if s.Region == plan.Scratch {
			all = scratch
		}
		from, to := s.Offset/word, (s.Offset+s.Bytes())/word
		if from < 0 || to >= int64(len(all)) {
			return nil, fmt.Errorf("%+v lies outside its region", s)
		}
		return all[from:to], nil
	}
	isNamed := func(s plan.Slot) bool { return s.Region == plan.Params || s.Region == plan.States }
	write := func(s plan.Slot, v int) error {
		if isNamed(s) {
			named[s.Name] = v
			return nil
		}
		c, err := cells(s)
		for i := range c {
			c[i] = v
		}
		return err
	}
	read := func(s plan.Slot, v int) error {
		if isNamed(s) {
			if named[s.Name] != v {
				return fmt.Errorf("%s holds value %d, wanted %d", s.Name, named[s.Name], v)
			}
			return nil
		}
		c, err := cells(s)
		for i, got := range c {
			if got != v {
				return fmt.Errorf("%v+%d holds value %d, wanted %d", s.Region, s.Offset+int64(i)*word, got, v)
			}
		}
		return err
	}
	for name, v := range flow.Leaves {
		named[name] = v
		if s, ok := p.Inputs[name]; ok {
			if err := write(s, v); err != nil {
				return err
			}
		}
	}
	for i, s := range p.Steps {
		for k, x := range s.In {
			if err := read(x, flow.In[i][k]); err != nil {
				return fmt.Errorf("step %d, %s, operand %d: %w", i, s.Kernel, k, err)
			}
		}
		if err := apart(s); err != nil {
			return fmt.Errorf("step %d, %s: %w", i, s.Kernel, err)
		}
		for k, x := range s.Out {
			if err := write(x, flow.Out[i][k]); err != nil {
				return fmt.Errorf("step %d, %s, output %d: %w", i, s.Kernel, k, err)
			}
		}
	}
	for name, v := range flow.Outputs {
		if err := read(p.Outputs[name], v); err != nil {
			return fmt.Errorf("output %s: %w", name, err)
		}
	}
	return nil
}

// apart checks that a step's outputs share memory with one another never, and
// with operands only as the kernel allows.
func apart(s plan.Step) error {
	for k, x := range s.Out {
		for _, y := range s.Out[:k] {
			if meet(x, y) {
				return fmt.Errorf("two outputs share memory: %+v and %+v", x, y)
			}
		}
		for j, y := range s.In {
			inPlace := slices.Contains(graph.InPlace(s.Kernel), [2]int{k, j})
			over := graph.Elementwise(s.Kernel) && x.Offset == y.Offset && x.Bytes() == y.Bytes()
			if meet(x, y) && !inPlace && !over {
				return fmt.Errorf("output %d shares memory with operand %d: %+v and %+v", k, j, x, y)
			}
		}
	}
	return nil
}

func meet(a, b plan.Slot) bool {
	if a.Region != b.Region {
		return false
	}
	if a.Region == plan.Params || a.Region == plan.States {
		return a.Name == b.Name
	}
	return max(a.Offset, b.Offset) < min(a.Offset+a.Bytes(), b.Offset+b.Bytes())
}

// TestBarriers checks that a barrier stands between any two steps of which one
// writes what the other touches.
func TestBarriers(t *testing.T) {
	every(t, func(t *testing.T, g *graph.Graph, lim plan.Limits, opt plan.Options, outputs map[string]*graph.Node) {
		p, err := plan.Compile(g, lim, opt, outputs)
		if err != nil {
			t.Fatal(err)
		}
		touches := func(a, b []plan.Slot) bool {
			return slices.ContainsFunc(a, func(x plan.Slot) bool {
				return slices.ContainsFunc(b, func(y plan.Slot) bool { return meet(x, y) })
			})
		}
		needless := 0
		for j, b := range p.Steps {
			needed := false
			for i := j - 1; i >= 0; i-- {
				a := p.Steps[i]
				needed = needed || touches(a.Out, b.In) || touches(a.Out, b.Out) || touches(a.In, b.Out)
				if a.Barrier {
					break
				}
			}
			if needed && !b.Barrier {
				t.Errorf("step %d, %s, does not wait", j, b.Kernel)
			}
			if !needed && b.Barrier {
				needless++
			}
		}
		if needless > 0 {
			t.Errorf("%d steps wait for nothing", needless)
		}
	})
}

// TestBarriersAreOfValues checks that no step waits only since it was given
// memory that a step of the same group uses: what waits reads a value of the
// group, or replaces a parameter or state that it uses.
func TestBarriersAreOfValues(t *testing.T) {
	every(t, func(t *testing.T, g *graph.Graph, lim plan.Limits, opt plan.Options, outputs map[string]*graph.Node) {
		p, flow, err := plan.CompileFlow(g, lim, opt, outputs)
		if err != nil {
			t.Fatal(err)
		}
		begin := 0
		for j, b := range p.Steps {
			if !b.Barrier {
				continue
			}
			real := false
			for i := begin; i < j; i++ {
				a := p.Steps[i]
				real = real || slices.ContainsFunc(flow.Out[i], func(v int) bool { return slices.Contains(flow.In[j], v) })
				for _, x := range b.Out {
					real = real || x.Name != "" && slices.ContainsFunc(slices.Concat(a.In, a.Out), func(y plan.Slot) bool { return meet(x, y) })
				}
			}
			if !real {
				t.Errorf("step %d, %s, waits for memory only", j, b.Kernel)
			}
			begin = j
		}
	})
}

// TestGradientsOfLinear counts the gradients of matrix products by weight that
// follow those by input: both read what comes from behind and need no barrier
// between them.
func TestGradientsOfLinear(t *testing.T) {
	g, outputs := backendtest.SmallDecoder(tensor.BF16).Training()
	p, err := plan.Compile(g, plan.Limits{}, plan.Options{}, outputs)
	if err != nil {
		t.Fatal(err)
	}
	pairs := 0
	for i, s := range p.Steps[1:] {
		at, ok := s.Attr.(graph.MatMulAttr)
		before, was := p.Steps[i].Attr.(graph.MatMulAttr)
		if !ok || !was || !at.TransA || !before.TransB {
			continue
		}
		if pairs++; s.Barrier {
			t.Errorf("step %d: the gradient of the weight waits for that of the input", i+1)
		}
	}
	if pairs != 8 { // two layers of four
		t.Errorf("%d pairs of gradients, wanted 8", pairs)
	}
}

func TestMaxBuffer(t *testing.T) {
	every(t, func(t *testing.T, g *graph.Graph, lim plan.Limits, opt plan.Options, outputs map[string]*graph.Node) {
		p, err := plan.Compile(g, lim, opt, outputs)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Steps {
			for _, x := range append(slices.Clone(s.In), s.Out...) {
				if x.Region != plan.Scratch {
					continue
				}
				if lim.Align > 0 && x.Offset%lim.Align != 0 {
					t.Errorf("%s: offset %d is not aligned to %d", s.Kernel, x.Offset, lim.Align)
				}
				if most := lim.MaxBuffer; most > 0 && x.Bytes() <= most && x.Offset/most != (x.Offset+x.Bytes()-1)/most {
					t.Errorf("%s: %d bytes at %d lie across a multiple of %d", s.Kernel, x.Bytes(), x.Offset, most)
				}
			}
		}
	})
}

func TestRecomputeSavesScratch(t *testing.T) {
	d := backendtest.SmallDecoder(tensor.BF16)
	d.Layers, d.Len = 8, 64
	scratch := map[bool]int64{}
	for _, again := range []bool{false, true} {
		g, outputs := d.Training()
		p, err := plan.Compile(g, plan.Limits{}, plan.Options{Recompute: again}, outputs)
		if err != nil {
			t.Fatal(err)
		}
		scratch[again] = p.Memory().Scratch
	}
	if scratch[true] > scratch[false]/2 {
		t.Errorf("recomputation takes %d bytes of scratch memory, and none %d", scratch[true], scratch[false])
	}
}

// TestBarriersOfBlock counts the barriers that a transformer block adds to a
// training step. They are as many as the kernels of its longest chain, of which
// each reads what the one before it makes: eleven forward (norm, product,
// attention, product, dropout, sum, norm, two products, dropout, sum) and ten
// backward; seven of the forward ones are made again by recompute.
func TestBarriersOfBlock(t *testing.T) {
	count := func(layers int, opt plan.Options) (barriers, steps int, scratch int64) {
		d := backendtest.SmallDecoder(tensor.BF16)
		d.Layers = layers
		g, outputs := d.Training()
		p, err := plan.Compile(g, plan.Limits{}, opt, outputs)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Steps {
			if s.Barrier {
				barriers++
			}
		}
		return barriers, len(p.Steps), p.ScratchBytes
	}
	for _, opt := range []plan.Options{{}, {Recompute: true}} {
		b2, s2, m2 := count(2, opt)
		b3, s3, m3 := count(3, opt)
		t.Logf("%+v: a block has %d steps and %d barriers, and %d bytes of scratch", opt, s3-s2, b3-b2, m3-m2)
		if want := map[bool]int{false: 21, true: 28}[opt.Recompute]; b3-b2 != want {
			t.Errorf("%+v: a block adds %d barriers, wanted %d", opt, b3-b2, want)
		}
	}
}
