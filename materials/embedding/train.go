package embedding

import (
	"context"
	"fmt"
	"iter"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// Options are how vectors are trained. The zero value is the skip-gram of the
// original program, with gensim's numbers.
type Options struct {
	CBOW     bool    // predict a word from the mean of its context; else the word from each
	Dim      int     // numbers a vector; 0 is 100
	Window   int     // words to each side, drawn from 1 to it for each word; 0 is 5
	Negative int     // noise words a pair; 0 is 5
	MinCount int     // words that occur less are left out; 0 is 5
	Epochs   int     // 0 is 5
	Sample   float64 // frequent words are left out at random from this frequency on; 0 is 1e-3, below 0 never
	Rate     float64 // the learning rate at the start; 0 is 0.025 (0.05 with CBOW)
	MinRate  float64 // and at the end, falling linearly; 0 is 1e-4
	Seed     uint64
	Threads  int  // 0 is all
	Fast     bool // let threads write the same rows at once (Hogwild): faster for CBOW, never the same twice
	MaxWords int  // different words held while counting; 0 is 20 million

	dealFrom int64 // 0 is the constant

	Temp     string         // folder for the corpus as numbers, 4 bytes a word; "" is the system's
	Progress func(Progress) // called from time to time by one goroutine; nil for nobody
}

// Progress is how far training is.
type Progress struct {
	Phase  string // "counting", "reading", "training"
	Epoch  int
	Words  int64 // of the corpus, over all epochs
	Total  int64 // 0 if unknown
	Rate   float64
	Unique int // words of the vocabulary
}

func (o *Options) defaults() error {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	setFloat := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	set(&o.Dim, 100)
	set(&o.Window, 5)
	set(&o.Negative, 5)
	set(&o.MinCount, 5)
	set(&o.Epochs, 5)
	set(&o.Threads, runtime.GOMAXPROCS(0))
	set(&o.MaxWords, 20_000_000)
	setFloat(&o.Sample, 1e-3)
	setFloat(&o.Rate, map[bool]float64{false: 0.025, true: 0.05}[o.CBOW])
	setFloat(&o.MinRate, 1e-4)
	for _, c := range []struct {
		name      string
		v, lo, hi float64
	}{
		{"Dim", float64(o.Dim), 1, maxDim}, {"Window", float64(o.Window), 1, 1000}, {"Negative", float64(o.Negative), 1, maxNegative},
		{"MinCount", float64(o.MinCount), 1, math.MaxInt32}, {"Epochs", float64(o.Epochs), 1, 1e6}, {"Threads", float64(o.Threads), 1, 4096},
		{"Rate", o.Rate, 1e-9, 10}, {"MinRate", o.MinRate, 0, o.Rate}, {"MaxWords", float64(o.MaxWords), 1, math.MaxInt32},
	} {
		if !(c.v >= c.lo && c.v <= c.hi) {
			return fmt.Errorf("embedding: %s is %v; give %v to %v", c.name, c.v, c.lo, c.hi)
		}
	}
	return nil
}

// A round is 16 chunks, which tasks read. Its size depends on the text alone, so
// that results do not depend on threads: noise words come from one group of the
// round, so there must be many rounds, and less text than dealFrom (all epochs
// together) is not dealt into groups at all but trained in its order.
const (
	roundChunks = 16
	maxChunk    = 1000 // words
	minRounds   = 1000
	dealFrom    = 1_000_000
)

// Train makes vectors of the words of a corpus.
func Train(ctx context.Context, corpus Corpus, o Options) (*Vectors, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	report := func(p Progress) {
		if o.Progress != nil {
			o.Progress(p)
		}
	}
	report(Progress{Phase: "counting"})
	vocab, err := countWords(watched(ctx, corpus), o.MinCount, o.MaxWords)
	if err != nil {
		return nil, err
	}
	report(Progress{Phase: "reading", Unique: len(vocab.words), Total: vocab.total})
	words, err := newSpool(watched(ctx, corpus), vocab, o.Temp)
	if err != nil {
		return nil, err
	}
	defer words.Close()

	t := newTrainer(vocab, o)
	all := int64(o.Epochs) * vocab.total
	size := maxChunk
	if o.dealFrom == 0 {
		o.dealFrom = dealFrom
	}
	if t.dealt = !o.CBOW && !o.Fast && len(t.order) > 1 && all >= o.dealFrom; t.dealt {
		size = int(min(maxChunk, max(1, all/(minRounds*roundChunks))))
	}
	done, round := int64(0), uint64(0)
	for epoch := range o.Epochs {
		if err := words.rewind(); err != nil {
			return nil, err
		}
		for {
			n := 0
			for ; n < roundChunks; n++ {
				c := &t.chunks[n]
				if c.words, err = words.chunk(c.words, size); err != nil {
					return nil, err
				}
				if len(c.words) == 0 {
					break
				}
				c.place = uint64(done)
				c.rate = float32(max(o.MinRate, o.Rate-(o.Rate-o.MinRate)*float64(done)/float64(all)))
				for _, w := range c.words {
					if w >= 0 {
						done++
					}
				}
			}
			if n == 0 {
				break
			}
			t.round(n, round)
			round++
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			report(Progress{Phase: "training", Epoch: epoch + 1, Words: done, Total: all, Rate: float64(t.chunks[0].rate), Unique: len(vocab.words)})
		}
	}
	return t.vectors()
}

// watched ends a corpus when the context does.
func watched(ctx context.Context, corpus Corpus) Corpus {
	return func() iter.Seq2[[]string, error] {
		return func(yield func([]string, error) bool) {
			for words, err := range corpus() {
				if err == nil {
					err = ctx.Err()
				}
				if !yield(words, err) || err != nil {
					return
				}
			}
		}
	}
}

// chunk is some sentences and what they teach.
type chunk struct {
	words []int32 // as read
	place uint64  // of the first word in the run
	rate  float32
	kept  []int32
	items [][]int32 // pairs by block [input group · groups + output group], or the items of CBOW
}

type trainer struct {
	o       Options
	vocab   *vocabulary
	m       weights
	noise   *noiseTable
	keep    []uint32 // a word stays if a random number is below
	chunks  [roundChunks]chunk
	scratch [][]float32 // a thread
	groups  []*group
	groupOf []int32 // a cell
	order   []int32 // cells
	dealt   bool    // into groups anew for each round
}

func newTrainer(vocab *vocabulary, o Options) *trainer {
	n, stride := len(vocab.words), (o.Dim+15)/16*16
	t := &trainer{o: o, vocab: vocab, noise: newNoise(vocab.counts, o.Seed),
		m: weights{in: make([]float32, n*stride), out: make([]float32, n*stride), stride: stride, negative: o.Negative}}
	for i := range n {
		row := t.m.in[i*stride:]
		for d := 0; d < o.Dim; d += 4 {
			for k, r := range random(o.Seed, streamInit, uint64(i), uint32(d)) {
				if d+k < o.Dim {
					row[d+k] = (float32(r>>8)/(1<<23) - 1) / float32(o.Dim) // gensim's spread, twice the original program's
				}
			}
		}
	}
	t.keep = make([]uint32, n)
	for i, c := range vocab.counts {
		t.keep[i] = math.MaxUint32
		if least := o.Sample * float64(vocab.total); o.Sample > 0 {
			p := (math.Sqrt(float64(c)/least) + 1) * least / float64(c)
			t.keep[i] = uint32(min(1, p) * math.MaxUint32)
		}
	}
	t.scratch = make([][]float32, o.Threads)
	for i := range t.scratch {
		t.scratch[i] = make([]float32, 2*stride)
	}
	cells := len(t.noise.weight)
	t.order, t.groupOf = identity(cells), make([]int32, cells)
	t.groups = []*group{t.noise.group(t.order)}
	return t
}

// round trains n chunks.
func (t *trainer) round(n int, round uint64) {
	noiseSeed := func(c *chunk, block int) uint64 {
		r := random(t.o.Seed, streamNoise, c.place, uint32(block))
		return uint64(r[0])<<32 | uint64(r[1])
	}
	if t.o.Fast {
		t.parallel(n, func(thread, i int) {
			c := &t.chunks[i]
			t.learn(c)
			t.m.train(t.noise, t.groups[0], c.items[0], t.o.CBOW, c.rate, noiseSeed(c, 0), t.scratch[thread])
		})
		return
	}
	if t.dealt {
		t.deal(round)
	}
	t.parallel(n, func(_, i int) { t.learn(&t.chunks[i]) })
	g := len(t.groups)
	for shift := range g {
		t.parallel(g, func(thread, in int) {
			out := (in + shift) % g
			for i := range n {
				c := &t.chunks[i]
				block := in*g + out
				t.m.train(t.noise, t.groups[out], c.items[block], t.o.CBOW, c.rate, noiseSeed(c, block), t.scratch[thread])
			}
		})
	}
}

// deal puts cells into new groups.
func (t *trainer) deal(round uint64) {
	shuffle(t.order, t.o.Seed, streamRounds, round)
	t.groups = t.groups[:0]
	each := len(t.order) / groupCount
	for g := range groupCount {
		cells := t.order[g*each : (g+1)*each]
		for _, c := range cells {
			t.groupOf[c] = int32(g)
		}
		t.groups = append(t.groups, t.noise.group(cells))
	}
}

// learn makes the items of a chunk: frequent words are left out first, so that
// windows reach over them.
func (t *trainer) learn(c *chunk) {
	g := len(t.groups)
	for len(c.items) < g*g {
		c.items = append(c.items, nil)
	}
	for i := range c.items {
		c.items[i] = c.items[i][:0]
	}
	place := c.place
	sentence := func(windows []uint32) {
		for i, word := range c.kept {
			w := int(uint64(windows[i])*uint64(t.o.Window)>>32) + 1
			lo, hi := max(0, i-w), min(len(c.kept), i+w+1)
			if hi-lo < 2 {
				continue
			}
			if t.o.CBOW {
				c.items[0] = append(append(c.items[0], word, int32(hi-lo-1)), c.kept[lo:i]...)
				c.items[0] = append(c.items[0], c.kept[i+1:hi]...)
				continue
			}
			out := int(t.groupOf[t.noise.cell[word]])
			for j := lo; j < hi; j++ {
				if j != i {
					k := int(t.groupOf[t.noise.cell[c.kept[j]]])*g + out
					c.items[k] = append(c.items[k], c.kept[j], word)
				}
			}
		}
	}
	var windows []uint32
	c.kept = c.kept[:0]
	for _, w := range c.words {
		if w < 0 {
			sentence(windows)
			c.kept, windows = c.kept[:0], windows[:0]
			continue
		}
		r := random(t.o.Seed, streamWords, place, 0)
		place++
		if r[0] <= t.keep[w] {
			c.kept, windows = append(c.kept, w), append(windows, r[1])
		}
	}
}

// parallel runs n tasks on the threads.
func (t *trainer) parallel(n int, task func(thread, i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	work := func(thread int) {
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			task(thread, i)
		}
	}
	for thread := 1; thread < min(n, t.o.Threads); thread++ {
		wait.Go(func() { work(thread) })
	}
	work(0)
	wait.Wait()
}

// vectors are the input rows without their padding.
func (t *trainer) vectors() (*Vectors, error) {
	data := make([]float32, 0, len(t.vocab.words)*t.o.Dim)
	for i := range t.vocab.words {
		data = append(data, t.m.in[i*t.m.stride:i*t.m.stride+t.o.Dim]...)
	}
	v, err := New(t.vocab.words, t.o.Dim, data)
	if err != nil {
		return nil, fmt.Errorf("%w; the learning rate %v is too high", err, t.o.Rate)
	}
	v.Counts = t.vocab.counts
	return v, nil
}
