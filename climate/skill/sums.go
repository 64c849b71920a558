package skill

import "math"

// sums of the forecasts of one model, channel, region and lead time.
type sums struct {
	times                   int
	bias, absolute, squared float64 // of the weighted means of each time
	root                    float64 // of the square roots of the latter

	anomalies int // times with a climatology
	products      // over the whole period
	batch     products
	inBatch   int     // times
	batches   float64 // ACC of each, times its times
}

// products of anomalies a of the forecast and b of the truth, weighted by w.
type products struct {
	ab, aa, bb  float64
	wa, wb, w   float64
	a, b, cells float64 // unweighted
}

func (p *products) add(q products) {
	p.ab, p.aa, p.bb = p.ab+q.ab, p.aa+q.aa, p.bb+q.bb
	p.wa, p.wb, p.w = p.wa+q.wa, p.wb+q.wb, p.w+q.w
	p.a, p.b, p.cells = p.a+q.a, p.b+q.b, p.cells+q.cells
}

// correlation is that of the anomalies as they are.
func (p products) correlation() float64 { return p.ab / math.Sqrt(p.aa*p.bb) }

// centred is that of the anomalies less their unweighted means.
func (p products) centred() float64 {
	a, b := p.a/p.cells, p.b/p.cells
	ab := p.ab - a*p.wb - b*p.wa + a*b*p.w
	aa := p.aa - 2*a*p.wa + a*a*p.w
	bb := p.bb - 2*b*p.wb + b*b*p.w
	return ab / math.Sqrt(aa*bb)
}

// add takes in one time. climatology may be nil.
func (s *sums) add(r area, forecast, truth, climatology []float32, batch int) {
	var weight, bias, absolute, squared float64
	var p products
	for i, k := range r.cells {
		f, o, w := float64(forecast[k]), float64(truth[k]), r.weight[i]
		d := f - o
		if math.IsNaN(d) {
			continue
		}
		weight += w
		bias += w * d
		absolute += w * math.Abs(d)
		squared += w * d * d
		if climatology == nil {
			continue
		}
		c := float64(climatology[k])
		if math.IsNaN(c) {
			continue
		}
		a, b := f-c, o-c
		p.ab += w * a * b
		p.aa += w * a * a
		p.bb += w * b * b
		p.wa += w * a
		p.wb += w * b
		p.w += w
		p.a += a
		p.b += b
		p.cells++
	}
	if weight == 0 {
		return
	}
	s.times++
	s.bias += bias / weight
	s.absolute += absolute / weight
	s.squared += squared / weight
	s.root += math.Sqrt(squared / weight)
	if p.cells == 0 {
		return
	}
	s.anomalies++
	s.products.add(p)
	s.batch.add(p)
	if s.inBatch++; s.inBatch == batch {
		s.endBatch()
	}
}

func (s *sums) endBatch() {
	if s.inBatch > 0 {
		s.batches += float64(s.inBatch) * s.batch.centred()
		s.batch, s.inBatch = products{}, 0
	}
}
