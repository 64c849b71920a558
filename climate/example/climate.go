package example

import (
	"math"

	"github.com/kiban-models/kiban/core/graph"
)

// forcing is that of the greenhouse gases in each year from 1850 to the end of a
// scenario, W m-2, and what was emitted.
func forcing(scenario string, until int) (force, cumulative []float64, all []emitted) {
	total, methane := 0.0, 722.0 // Gt CO2, ppb CH4
	for y := ever; y <= until; y++ {
		e := emissions(scenario, y)
		total += e.co2
		methane += (e.ch4-0.06)/2.75e-3 - (methane-722)/9
		co2 := 284 + 0.45*total/7.8 // ppm
		force = append(force, 5.35*math.Log(co2/284)+0.036*(math.Sqrt(methane)-math.Sqrt(722)))
		cumulative, all = append(cumulative, total), append(all, e)
	}
	return force, cumulative, all
}

// warming is what the energy balance of two layers answers, K: capacities of 7.3
// and 106 W a m-2 K-1, a feedback of 1.13 and an exchange of 0.73 W m-2 K-1.
func warming(force []float64) []float64 {
	surface, deep := 0.0, 0.0
	out := make([]float64, len(force))
	for i, f := range force {
		flow := 0.73 * (surface - deep)
		surface += (f - 1.13*surface - flow) / 7.3
		deep += flow / 106
		out[i] = surface
	}
	return out
}

// place is what a cell has of its own.
type place struct {
	lat, lon    float64
	amplify     float64   // local warming for that of the globe
	so2, bc     []float64 // of each source, where it is emitted
	haze, smoke []float64 // and where it works
	rain        float64   // mm a day
}

func places(lat, lon []float64) []place {
	var all []place
	sum, weight := 0.0, 0.0
	for _, y := range lat {
		s := math.Sin(y * math.Pi / 180)
		for _, x := range lon {
			p := place{lat: y, lon: x, amplify: 0.75 + 0.25*s*s + 1.6*math.Pow(max(0, s), 4)}
			p.rain = 1 + 5*math.Exp(-y*y/200) + 1.5*math.Exp(-(math.Abs(y)-45)*(math.Abs(y)-45)/200)
			for _, r := range sources {
				p.so2, p.bc = append(p.so2, r.so2*r.near(y, x, 1)), append(p.bc, r.bc*r.near(y, x, 1))
				p.haze, p.smoke = append(p.haze, r.so2*r.near(y, x, 1.6)), append(p.smoke, r.bc*r.near(y, x, 1.6))
			}
			all = append(all, p)
			w := math.Cos(y * math.Pi / 180)
			sum, weight = sum+w*p.amplify, weight+w
		}
	}
	for i := range all {
		all[i].amplify *= weight / sum
	}
	return all
}

// emits is what a cell emits, kg m-2 s-1.
func (p place) emits(e emitted) (so2, bc float64) {
	for i, s := range sources {
		so2 += p.so2[i] * s.of(e)
		bc += p.bc[i] * s.of(e)
	}
	return so2, bc
}

// aerosol is the forcing there, W m-2.
func (p place) aerosol(e emitted) float64 {
	f := 0.0
	for i, s := range sources {
		f += s.of(e) * (8e10*p.smoke[i] - 2e10*p.haze[i])
	}
	return f
}

// response is the climate of a year in all cells: the mean over what noise there
// is.
type response struct{ tas, dtr, pr []float64 }

// answer runs the toy through a scenario.
func answer(scenario string, until int, all []place) []response {
	force, _, e := forcing(scenario, until)
	local := make([][]float64, len(e))
	first := make([]float64, len(all))
	for t := range e {
		local[t] = make([]float64, len(all))
		sum, weight := 0.0, 0.0
		for i, p := range all {
			local[t][i] = p.aerosol(e[t])
			if t == 0 {
				first[i] = local[t][i]
			}
			local[t][i] -= first[i]
			w := math.Cos(p.lat * math.Pi / 180)
			sum, weight = sum+w*local[t][i], weight+w
		}
		mean := sum / weight
		force[t] += mean
		for i := range all {
			local[t][i] -= mean
		}
	}
	globe := warming(force)
	out := make([]response, len(e))
	for t := range e {
		r := &out[t]
		for i, p := range all {
			tas := p.amplify*globe[t] + 0.35*local[t][i]
			r.tas = append(r.tas, tas)
			r.dtr = append(r.dtr, 0.1*local[t][i]-0.08*tas)
			r.pr = append(r.pr, (p.rain*0.02*globe[t]*(1+0.5*math.Cos(p.lat*math.Pi/45))+0.05*local[t][i])/86400)
		}
	}
	return out
}

// noise is what years have of their own: a pattern that comes and goes, and in
// each cell something else. It depends on scenario, member, year and cell alone.
type noise struct{ scenario, member uint32 }

// normal is a number of mean 0 and deviation 1.
func (n noise) normal(stream, at, cell int) float64 {
	b := graph.PhiloxBlock(uint32(cell), uint32(at), uint32(stream), n.scenario, n.member)
	u, v := float64(graph.Uniform(b[0]))+0x1p-25, float64(graph.Uniform(b[1]))
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}

// swings are the strengths of the pattern, K, each 0.4 of the one before and a
// chance.
func (n noise) swings(years int) []float64 {
	out := make([]float64, years)
	for t := range out {
		out[t] = 0.15 * n.normal(0, t, 0)
		if t > 0 {
			out[t] += 0.4 * out[t-1]
		}
	}
	return out
}

// swing is what a cell has of the pattern.
func (p place) swing() float64 {
	return math.Exp(-p.lat*p.lat/400)*(1+math.Cos((p.lon-230)*math.Pi/180)) + 0.3*math.Cos(2*p.lon*math.Pi/180)*math.Sin(p.lat*math.Pi/90)
}
