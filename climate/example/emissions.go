package example

import "math"

// last is the last historical year; scenarios go on from it to the year 2100.
const (
	last = 2014
	end  = 2100
	ever = 1850 // where emissions begin
)

// course is how yearly emissions go: to a value in a year, in a straight line.
type course []struct {
	year  int
	value float64
}

func (c course) at(year int) float64 {
	for i := 1; i < len(c); i++ {
		if a, b := c[i-1], c[i]; year <= b.year {
			return a.value + (b.value-a.value)*float64(year-a.year)/float64(b.year-a.year)
		}
	}
	return c[len(c)-1].value
}

// pathway is a scenario after 2014: CO2 in Gt and CH4 in Gt a year, SO2 and BC
// in parts of what they are in 2014.
type pathway struct{ co2, ch4, aerosol course }

var pathways = map[string]pathway{
	"ssp126": {course{{last, 40}, {2075, -5}, {end, -9}}, course{{last, 0.37}, {2050, 0.2}, {end, 0.12}}, course{{last, 1}, {2050, 0.3}, {end, 0.15}}},
	"ssp245": {course{{last, 40}, {2045, 44}, {end, 10}}, course{{last, 0.37}, {2040, 0.39}, {end, 0.29}}, course{{last, 1}, {2040, 0.75}, {end, 0.3}}},
	"ssp370": {course{{last, 40}, {end, 83}}, course{{last, 0.37}, {end, 0.78}}, course{{last, 1}, {2050, 1.1}, {end, 0.8}}},
	"ssp585": {course{{last, 40}, {2080, 128}, {end, 126}}, course{{last, 0.37}, {2060, 0.56}, {end, 0.42}}, course{{last, 1}, {2030, 0.9}, {end, 0.35}}},
}

// Scenarios are all, as their files are named; those that begin with hist end in
// 2014, in which the others go on from historical. hist-GHG has the aerosols of
// 1850 all the time, hist-aer its greenhouse gases.
var Scenarios = []string{"historical", "hist-GHG", "hist-aer", "ssp126", "ssp245", "ssp370", "ssp585"}

// members are the runs of each.
var members = map[string]int{"historical": 3, "hist-GHG": 3, "hist-aer": 3, "ssp126": 1, "ssp245": 3, "ssp370": 3, "ssp585": 1}

// emitted are the emissions of a year: Gt of CO2 and CH4, and SO2 and BC as parts
// of those of 2014 in the old and the new industrial regions.
type emitted struct{ co2, ch4, old, recent float64 }

func emissions(scenario string, year int) emitted {
	past := func(y int) emitted {
		t := float64(y - ever)
		return emitted{
			co2: 40 * math.Exp(float64(y-last)/36.5), ch4: 0.06 + 0.31*math.Pow(t/(last-ever), 1.7),
			old: 0.1 + 2.4*math.Exp(-math.Pow(float64(y-1975)/28, 2)), recent: math.Pow(t/(last-ever), 3),
		}
	}
	e := past(min(year, last))
	if p, ok := pathways[scenario]; ok && year > last {
		f := p.aerosol.at(year)
		return emitted{p.co2.at(year), p.ch4.at(year), e.old * f, e.recent * f}
	}
	first := past(ever)
	switch scenario {
	case "hist-GHG":
		e.old, e.recent = first.old, first.recent
	case "hist-aer":
		e.co2, e.ch4 = 0, first.ch4
	}
	return e
}

// source is an industrial region: where it is, how wide in degrees, and its SO2
// and BC of 2014, in kg m-2 s-1 at the centre.
type source struct {
	lat, lon, width, so2, bc float64
	recent                   bool
}

var sources = []source{
	{50, 10, 14, 9e-11, 0.8e-11, false}, {40, 275, 14, 8e-11, 0.6e-11, false},
	{33, 113, 12, 4e-10, 3.4e-11, true}, {23, 79, 11, 2e-10, 2.4e-11, true}, {2, 20, 16, 1e-11, 2e-11, true},
}

func (s source) of(e emitted) float64 {
	if s.recent {
		return e.recent
	}
	return e.old
}

// near is 1 at the centre of a source and falls with the distance.
func (s source) near(lat, lon, wider float64) float64 {
	const rad = math.Pi / 180
	c := math.Sin(lat*rad)*math.Sin(s.lat*rad) + math.Cos(lat*rad)*math.Cos(s.lat*rad)*math.Cos((lon-s.lon)*rad)
	d := math.Acos(max(-1, min(1, c))) / rad / (s.width * wider)
	return math.Exp(-d * d / 2)
}
