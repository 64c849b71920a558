package vulkan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
	"github.com/kiban-models/kiban/core/plan"
	"github.com/kiban-models/kiban/core/tensor"
)

const (
	tuneMemory   = 512 << 20 // bytes that measuring takes at most
	patternSize  = 1 << 20   // bytes of numbers of each type, which operands repeat
	comparedSize = 8 << 20   // bytes of a result whose bits are compared, its first ones
	measuredTime = 1e6       // nanoseconds for which a way runs, again and again, to be timed
)

// scales are memory and a clock to measure ways of a choice by.
type scales struct {
	b       *Backend
	r       *Runner // of no program: its temporary memory is where operands lie
	queries uint64  // or 0, without timestamps
	pattern map[tensor.DType]int64
	begin   int64 // of operands
	places  []place
	end     int64
	out     []span
	// pipelines are kept until all is measured, and not in the backend's cache: most
	// are not the fastest.
	pipelines map[string]uint64
}

// place is where an operand of a program lies while it is measured.
type place struct {
	slot   plan.Slot
	bytes  int64
	offset int64
	zeros  bool
}

// trial is a way that is ready to run.
type trial struct {
	ds      []dispatch
	layouts []uint64
	pool    uint64
	sets    []uint64
}

var patterns = []tensor.DType{tensor.F32, tensor.BF16, tensor.F16, tensor.I8, tensor.I32}

// newScales takes the memory for the largest of the choices that may have so much,
// and fills it.
func (b *Backend) newScales(wanted []asked) (*scales, error) {
	m := &scales{b: b, pattern: map[tensor.DType]int64{}, pipelines: map[string]uint64{}, begin: int64(len(patterns)) * patternSize}
	most := min(tuneMemory, b.free()/2, b.f.MaxAllocation)
	size := int64(0)
	for _, c := range wanted {
		if need := m.need(c.choice); need <= most {
			size = max(size, need)
		}
	}
	if size == 0 {
		return nil, fmt.Errorf("there is too little memory: %s free", mebi(b.free()))
	}
	k, err := b.newBlock(size, false)
	if err != nil {
		return nil, err
	}
	m.r = &Runner{b: b, temporary: k}
	if b.f.TimestampBits > 0 {
		if m.queries, err = b.dev.NewQueries(2); err != nil {
			m.free()
			return nil, b.fail(err)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i, dt := range patterns {
		m.pattern[dt] = int64(i) * patternSize
		x := tensor.New(tensor.F32, patternSize/dt.Size())
		for j := range x.Float32() {
			x.Float32()[j] = 2*random.Float32() - 1
			if dt == tensor.I8 {
				x.Float32()[j] *= 127
			}
		}
		data := x.Convert(dt).Bytes()
		if dt == tensor.I32 { // a start or a number of keys: all are seen
			for j := range data {
				data[j] = 0x3f
			}
		}
		if err := b.upload(span{k, m.pattern[dt], patternSize}, data); err != nil {
			m.free()
			return nil, err
		}
	}
	return m, nil
}

func (m *scales) free() {
	m.b.wait(m.b.submitted) // for what was uploaded last; a lost device uses nothing
	if m.queries != 0 {
		m.b.dev.FreeQueries(m.queries)
	}
	for _, p := range m.pipelines {
		m.b.dev.FreePipeline(p)
	}
	m.b.freeBlock(m.r.temporary)
}

// do has the device take commands and waits for them.
func (m *scales) do(c *vkshim.Commands) error {
	h, err := m.b.half()
	if err == nil {
		err = m.b.once(h, c)
	}
	if err == nil {
		err = m.b.wait(h.used)
	}
	return err
}

// find returns the place of an operand, or nil.
func (m *scales) find(s plan.Slot) *place {
	for i := range m.places {
		if p := &m.places[i]; p.slot.Region == s.Region && p.slot.Name == s.Name && p.slot.Offset == s.Offset {
			return p
		}
	}
	return nil
}

// need gives the operands of a choice their places, and returns how much memory
// that and the temporary memory of any way are.
func (m *scales) need(c choice) int64 {
	m.places, m.end = nil, m.begin
	var most int64
	for _, w := range c.ways {
		for _, d := range w.lower() {
			most = max(most, d.temporary)
			for _, s := range d.bind {
				if s.Region == temporary {
					continue
				}
				if p := m.find(s); p == nil {
					m.places = append(m.places, place{slot: s, bytes: s.Bytes()})
				} else {
					p.bytes = max(p.bytes, s.Bytes())
				}
			}
		}
	}
	for i := range m.places {
		p := &m.places[i]
		p.offset = m.end
		p.zeros = slices.ContainsFunc(c.zeros, func(s plan.Slot) bool { return m.find(s) == p })
		m.end += up(p.bytes, max(256, m.b.f.align))
	}
	return m.end + up(most, m.b.f.align)
}

// lay gives the operands of a choice their places and fills them with numbers.
func (m *scales) lay(c choice) error {
	if need := m.need(c); need > m.r.temporary.size {
		return fmt.Errorf("measuring takes %s of memory, more than there was to spare", mebi(need))
	}
	m.out = nil
	for _, s := range c.out {
		if p := m.find(s); p != nil {
			m.out = append(m.out, span{m.r.temporary, p.offset, p.bytes})
		}
	}
	var cmd vkshim.Commands
	cmd.Barrier()
	for _, p := range m.places {
		m.fill(p, &cmd)
	}
	return m.do(&cmd)
}

func (m *scales) fill(p place, c *vkshim.Commands) {
	buffer := number(m.r.temporary.buffer)
	if p.zeros {
		c.Fill(buffer, uint64(p.offset), uint64(up(p.bytes, 4)), 0)
		return
	}
	from := uint64(m.pattern[p.slot.DType])
	for at := int64(0); at < p.bytes; at += patternSize {
		c.Copy(buffer, buffer, from, uint64(p.offset+at), uint64(min(patternSize, p.bytes-at)))
	}
}

// ready returns a trial of each way of a choice, and where there is none why.
func (m *scales) ready(c choice) (trials []*trial, whys []error) {
	trials, whys = make([]*trial, len(c.ways)), make([]error, len(c.ways))
	for i, w := range c.ways {
		trials[i] = &trial{}
		whys[i] = m.prepare(trials[i], w.lower())
	}
	bad := m.compile(trials)
	for i, t := range trials {
		for _, d := range t.ds {
			if whys[i] == nil {
				whys[i] = m.b.fail(bad[d.pipelineKey()])
			}
		}
		if whys[i] == nil {
			t.sets, whys[i] = m.r.bind(t.ds)
			t.pool, m.r.sets = m.r.sets, 0
		}
	}
	return trials, whys
}

// prepare has the dispatches of a way at the operands' places.
func (m *scales) prepare(t *trial, ds []dispatch) error {
	if err := m.b.f.allows(ds); err != nil {
		return err
	}
	for _, d := range ds {
		l, err := m.b.layoutOf(len(d.bind))
		if err != nil {
			return err
		}
		d.bind = slices.Clone(d.bind)
		for i, s := range d.bind {
			if s.Region == temporary {
				d.bind[i].Offset += m.end
			} else {
				d.bind[i].Region, d.bind[i].Offset = temporary, m.find(s).offset
			}
		}
		t.ds, t.layouts = append(t.ds, d), append(t.layouts, l.pipeline)
	}
	return nil
}

// compile makes the pipelines that trials lack, side by side, and returns why some
// cannot be.
func (m *scales) compile(trials []*trial) (bad map[string]error) {
	missing := map[string]dispatch{}
	for _, t := range trials {
		for _, d := range t.ds {
			if m.pipeline(d) == 0 {
				missing[d.pipelineKey()] = d
			}
		}
	}
	var lock sync.Mutex
	var all sync.WaitGroup
	bad = map[string]error{}
	for key, d := range missing {
		all.Go(func() {
			p, err := m.b.newPipeline(d, 0)
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				bad[key] = err
			} else {
				m.pipelines[key] = p
			}
		})
	}
	all.Wait()
	return bad
}

// pipeline returns the pipeline of a dispatch, if there is one.
func (m *scales) pipeline(d dispatch) uint64 {
	key := d.pipelineKey()
	if p, ok := m.b.pipelines[key]; ok {
		return p
	}
	return m.pipelines[key]
}

// first runs a way once, on results that hold what they held for the others.
func (m *scales) first(t *trial) (ns float64, err error) {
	var c vkshim.Commands
	c.Barrier()
	for _, p := range m.places {
		for _, o := range m.out {
			if p.offset == o.offset {
				m.fill(p, &c)
			}
		}
	}
	if err := m.do(&c); err != nil {
		return 0, err
	}
	return m.run(t, 1)
}

// run runs a way so many times and returns the nanoseconds of one.
func (m *scales) run(t *trial, times int) (float64, error) {
	var c vkshim.Commands
	c.Barrier()
	if m.queries != 0 {
		c.Forget(m.queries, 2)
		c.Stamp(m.queries, 0)
	}
	for range times {
		for i, d := range t.ds {
			if d.wait && i > 0 {
				c.Barrier()
			}
			c.Dispatch(m.pipeline(d), t.layouts[i], t.sets[i], d.groups, d.push)
		}
		c.Barrier()
	}
	if m.queries != 0 {
		c.Stamp(m.queries, 1)
	}
	begun := time.Now()
	if err := m.do(&c); err != nil {
		return 0, err
	}
	ns := float64(time.Since(begun).Nanoseconds())
	if m.queries != 0 {
		ticks := make([]uint64, 2)
		if err := m.b.dev.ReadQueries(m.queries, ticks); err != nil {
			return 0, m.b.fail(err)
		}
		mask := uint64(math.MaxUint64) >> (64 - m.b.f.TimestampBits)
		ns = float64((ticks[1]-ticks[0])&mask) * m.b.f.tick
	}
	return ns / float64(times), nil
}

// results returns the beginnings of the results.
func (m *scales) results() ([]byte, error) {
	var all []byte
	for _, o := range m.out {
		o.bytes = min(o.bytes, comparedSize)
		data := make([]byte, o.bytes)
		if err := m.b.download(o, data); err != nil {
			return nil, err
		}
		all = append(all, data...)
	}
	return all, nil
}
