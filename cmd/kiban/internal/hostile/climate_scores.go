package hostile

import (
	"fmt"
	"math"
	"strings"
)

// said is a harmless file of forecasts from three times, one and two months
// ahead, for the cases to spoil.
func said(change func(c *cdf)) func() []byte {
	return func() []byte {
		m := some(1990)
		values := make([]float64, 3*2*32)
		for i := range values {
			values[i] = 280 + float64(i%32)
		}
		c := cdf{version: 2, dims: []cdfDim{{"time", 3}, {"lead", 2}, {"lat", 4}, {"lon", 8}}, attrs: []cdfAttr{{"Conventions", "CF-1.8"}, {"kiban_training_years", "1990"}},
			variables: []cdfVar{
				{name: "time", dims: []int{0}, attrs: set(m.times, "standard_name", "forecast_reference_time"), data: []float64{375, 405, 435}},
				{name: "lead", dims: []int{1}, attrs: []cdfAttr{{"units", "months"}, {"standard_name", "forecast_period"}}, data: []float64{1, 2}},
				{name: "lat", dims: []int{2}, attrs: m.lats, data: m.lat},
				{name: "lon", dims: []int{3}, attrs: m.lons, data: m.lon},
				{name: "tas", dims: []int{0, 1, 2, 3}, attrs: m.attrs, kind: cdfFloat, data: values},
			}}
		change(&c)
		return c.bytes()
	}
}

// scoreCases are attacks by files of forecasts, of scores and of what a run said.
func scoreCases(base Folder) []Case {
	var cases []Case
	add := func(c Case) { cases = append(cases, c) }
	evaluating := []string{"climate", "evaluate", "said.nc", "--truth", "fields", "-o", "out", "--figures=false", "--progress", "none"}
	drawing := []string{"climate", "plot", "said.nc", "-o", "out.svg"}
	nothing := func(*cdf) {}
	write := func(name string, data func() []byte) func(Folder) error {
		return kept(base, func(f Folder) error { return f.Write(name, data()) })
	}
	add(Case{Name: "fo_good", Make: write("said.nc", said(nothing)), Args: evaluating, Accept: true})
	add(Case{Name: "fo_good_plot", Make: write("said.nc", said(nothing)), Args: drawing, Accept: true})
	refuse := func(name string, change func(c *cdf), says ...string) {
		add(Case{Name: "fo_" + name, Make: write("said.nc", said(change)), Args: evaluating, Says: append(says, "said.nc: ")})
		add(Case{Name: "fo_" + name + "_plot", Any: true, Make: write("said.nc", said(change)), Args: drawing})
	}
	leads := func(name string, values []float64, says ...string) {
		refuse("lead_"+name, func(c *cdf) { c.variables[1].data = values }, append(says, "variable lead")...)
	}
	leads("zero", []float64{0, 1}, "value 0 is 0", "positive leads, ascending")
	leads("negative", []float64{-1, 1}, "value 0 is -1", "positive leads, ascending")
	leads("nan", []float64{1, math.NaN()}, "value 1 is NaN", "positive leads, ascending")
	leads("inf", []float64{1, math.Inf(1)}, "value 1 is +Inf", "positive leads")
	leads("twice", []float64{1, 1}, "value 1 is 1", "positive leads, ascending")
	leads("back", []float64{2, 1}, "value 1 is 1", "positive leads, ascending")
	refuse("lead_units", func(c *cdf) { c.variables[1].attrs = set(c.variables[1].attrs, "units", "fortnights") }, "variable lead", "fortnights", "hours, days or months")
	refuse("lead_none", func(c *cdf) { c.variables[1].attrs = set(c.variables[1].attrs, "standard_name", "period") }, "is no file of forecasts", "forecast_period")
	refuse("lead_many", func(c *cdf) {
		c.dims[1].n, c.variables[1].data = 200_000, make([]float64, 200_000)
		for i := range c.variables[1].data {
			c.variables[1].data[i] = float64(i + 1)
		}
		c.variables[4].data = make([]float64, 3*32*200_000)
	}, "variable lead", "200000 lead times")
	add(Case{Name: "fo_lead_half", Make: write("said.nc", said(func(c *cdf) { c.variables[1].data = []float64{0.5, 1} })), Args: evaluating, Says: []string{"fields: ", "0.5 months", "no multiple"}})
	add(Case{Name: "fo_lead_far", Make: write("said.nc", said(func(c *cdf) { c.variables[1].data = []float64{1, 1e300} })), Args: evaluating, Says: []string{"1e+300"}})
	add(Case{Name: "fo_lead_late", Make: write("said.nc", said(func(c *cdf) { c.variables[1].data = []float64{100, 200} })), Args: evaluating, Says: []string{"fields: ", "a lead time of 100 steps is longer than any stretch of the training records", "shorten it"}})
	valid := func(name string, values []float64, attrs []cdfAttr, says ...string) {
		refuse("valid_"+name, func(c *cdf) {
			c.variables = append(c.variables, cdfVar{name: "valid_time", dims: []int{0, 1}, attrs: attrs, data: values})
		}, append(says, "variable valid_time")...)
	}
	times := some(1990).times
	valid("nan", []float64{405, 435, math.NaN(), 465, 465, 495}, times, "value 2")
	valid("far", []float64{405, 435, 1e300, 465, 465, 495}, times, "value 2")
	valid("units", make([]float64, 6), set(times, "units", "fortnights since 1990-01-01"), "fortnights")
	valid("calendar", make([]float64, 6), set(times, "calendar", "mayan"), "mayan")
	refuse("time_nan", func(c *cdf) { c.variables[0].data[1] = math.NaN() }, "variable time", "value 1 is missing")
	refuse("time_back", func(c *cdf) { c.variables[0].data[1] = 1 }, "variable time", "value 1")
	refuse("train_years", func(c *cdf) { c.attrs = set(c.attrs, "kiban_training_years", "../secret") }, "kiban_training_years", "../secret")
	refuse("train_many", func(c *cdf) { c.attrs = set(c.attrs, "kiban_training_years", strings.Repeat("1990/", 100_000)) }, "kiban_training_years")
	refuse("inf", func(c *cdf) { c.variables[4].data[40] = math.Inf(1) }, "variable tas", "+Inf")
	other := func(name string, change func(c *cdf), says ...string) {
		add(Case{Name: "fo_" + name, Make: write("said.nc", said(change)), Args: evaluating, Says: says})
	}
	other("grid", func(c *cdf) { c.variables[2].data[0] = -70 }, "fields: ", "another grid")
	other("calendar", func(c *cdf) { c.variables[0].attrs = set(c.variables[0].attrs, "calendar", "standard") }, "fields: ", "360_day calendar", "standard")
	other("empty", func(c *cdf) {
		for i := range c.variables[4].data {
			c.variables[4].data[i] = math.NaN()
		}
	}, "tas", "no cell has a value")
	other("variable", func(c *cdf) { c.variables[4].name = "pr"; c.variables[4].attrs = nil }, "fields: ", "has no variable")
	add(Case{Name: "fo_members", Args: append([]string{"climate", "evaluate", "said.nc", "b.nc"}, evaluating[3:]...), Says: []string{"b.nc: is no member of the ensemble of said.nc", "lead times"},
		Make: kept(base, func(f Folder) error {
			return errorsFirst(f.Write("said.nc", said(nothing)()), f.Write("b.nc", said(func(c *cdf) { c.variables[1].data = []float64{1, 3} })()))
		})})
	for what, change := range becomes("forecast.nc") {
		add(Case{Name: "fo_" + what + "_file", Args: append([]string{"climate", "evaluate", "forecast.nc"}, evaluating[3:]...), Says: []string{"forecast.nc: "}, Make: kept(base, change)})
	}

	// skill.csv
	const head = "model,variable,level,region,lead_hours,metric,value,units,n\n"
	scores := func(name, text string, says ...string) {
		add(Case{Name: "sc_" + name, Make: file("skill.csv", func() []byte { return []byte(text) }), Args: []string{"climate", "plot", "skill.csv", "-o", "out.svg"}, Says: append(says, "skill.csv")})
	}
	row := func(lead, value string) string { return fmt.Sprintf("kiban,tas,,global,%s,rmse,%s,K,3\n", lead, value) }
	add(Case{Name: "sc_good", Make: file("skill.csv", func() []byte { return []byte(head + row("720", "1.5") + row("1440", "1.7")) }), Args: []string{"climate", "plot", "skill.csv", "-o", "out.svg"}, Accept: true})
	scores("head", head, "skill.csv:1:")
	scores("columns", "a,b\n1,2\n", "skill.csv:1:", "wanted the columns")
	scores("fields", head+row("720", "1.5")+"kiban,tas\n", "3", "wrong number of fields")
	scores("number", head+row("720", "1.5")+row("soon", "1.7"), "skill.csv:3:", "soon")
	scores("value", head+row("720", "1.5")+row("1440", "1e400"), "skill.csv:3:", "1e400")
	scores("inf", head+row("720", "+Inf"), "skill.csv:2:", "Inf")
	scores("nan", head+row("NaN", "1"), "skill.csv:2:", "NaN")
	scores("negative", head+row("-720", "1"), "skill.csv:2:", "-720")
	scores("quote", head+`kiban,"tas`+strings.Repeat("x,y\n", 1<<20), "skill.csv")
	scores("long", head+strings.Repeat("x", 70<<20), "skill.csv")
	scores("nothing", head+row("720", ""), "skill.csv: has no rmse")
	scores("control", head+strings.ReplaceAll(row("720", ""), "tas", "t\x1b[2Js"), "skill.csv: has no rmse")
	add(Case{Name: "sc_lines", Any: true, Make: file("skill.csv", func() []byte { return []byte(head + strings.Repeat(row("720", "1.5"), 500_000)) }), Args: []string{"climate", "plot", "skill.csv", "-o", "out.svg"}})
	for what, change := range becomes("skill/skill.csv") {
		if what == "secret" || what == "half" {
			continue // whoever names a link means it; half of a table is one
		}
		add(Case{Name: "sc_" + what + "_file", Args: []string{"climate", "plot", "skill/skill.csv", "-o", "out.svg"}, Says: []string{"skill/skill.csv"}, Make: kept(base, change)})
	}
	// What a run has written.
	drawn := []string{"climate", "plot", "forecaster", "-o", "out.svg"}
	add(Case{Name: "me_good", Make: kept(base, func(Folder) error { return nil }), Args: drawn, Accept: true})
	for what, change := range becomes("forecaster/metrics.jsonl") {
		c := Case{Name: "me_" + what, Args: drawn, Says: []string{"forecaster"}, Make: kept(base, change)}
		if what == "half" { // a line less
			c.Accept, c.Says = true, nil
		}
		add(c)
	}
	add(Case{Name: "me_nan", Args: drawn, Says: []string{"metrics.jsonl:1:"}, Make: kept(base, func(f Folder) error {
		return f.Write("forecaster/metrics.jsonl", []byte(`{"step":1,"loss":NaN}`+"\n"))
	})})
	add(Case{Name: "me_steps", Any: true, Args: drawn, Make: kept(base, func(f Folder) error {
		return f.Write("forecaster/metrics.jsonl", []byte(`{"step":-9000000000000000000,"loss":1e308}`+"\n"+`{"step":9000000000000000000,"loss":-1e308}`+"\n"))
	})})
	return cases
}
