package skill

import "math"

// projection has what ClimateBench scores yearly maps by (Watson-Parris et al.
// 2022, equations 1 to 3): how far the mean map of the period and the yearly
// global means are off, over the size of the true mean.
type projection struct {
	forecast, truth []float64 // sums of each cell of the region
	count           []int
	times           int
	squared, mean   float64 // of the difference of regional means; of the true ones
}

// globalWeight is what the error of the global means counts in the total.
const globalWeight = 5

func (p *projection) add(r area, forecast, truth []float32) {
	if p.count == nil {
		p.forecast, p.truth, p.count = make([]float64, len(r.cells)), make([]float64, len(r.cells)), make([]int, len(r.cells))
	}
	var weight, f, o float64
	for i, k := range r.cells {
		x, y, w := float64(forecast[k]), float64(truth[k]), r.weight[i]
		if math.IsNaN(x - y) {
			continue
		}
		p.forecast[i] += x
		p.truth[i] += y
		p.count[i]++
		weight, f, o = weight+w, f+w*x, o+w*y
	}
	if weight == 0 {
		return
	}
	p.times++
	p.squared += (f - o) / weight * (f - o) / weight
	p.mean += o / weight
}

func (p *projection) scores(r area) (spatial, global, total float64) {
	n := float64(p.times)
	size := math.Abs(p.mean / n)
	var squared, weight float64
	for i, c := range p.count {
		if c > 0 {
			d := (p.forecast[i] - p.truth[i]) / float64(c)
			squared += r.weight[i] * d * d
			weight += r.weight[i]
		}
	}
	spatial, global = math.Sqrt(squared/weight)/size, math.Sqrt(p.squared/n)/size
	return spatial, global, spatial + globalWeight*global
}
