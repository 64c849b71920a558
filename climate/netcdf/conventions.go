package netcdf

import (
	"fmt"
	"strings"
)

// interpret finds the roles of the variables, summarises the coordinates and
// lists what deviates from the CF conventions.
func interpret(d *Description, read func(name string, start, count []int) ([]float64, error)) error {
	in := interpreter{d, read, map[*Group]map[string]*Variable{}}
	if c, ok := d.Group.Attribute("Conventions"); !ok {
		in.note("", "the file says no Conventions; nothing promises that it follows CF")
	} else if s, _ := c.Text(); !strings.Contains(s, "CF") {
		in.note("", "Conventions is %q, not CF", s)
	}
	return in.group(&d.Group, nil)
}

type interpreter struct {
	d    *Description
	read func(name string, start, count []int) ([]float64, error)
	// named are the variables of groups that were looked into.
	named map[*Group]map[string]*Variable
}

func (in interpreter) problem(variable, format string, args ...any) {
	in.d.Problems = append(in.d.Problems, Problem{Variable: variable, Text: fmt.Sprintf(format, args...)})
}

func (in interpreter) note(variable, format string, args ...any) {
	in.d.Problems = append(in.d.Problems, Problem{Variable: variable, Text: fmt.Sprintf(format, args...), Note: true})
}

// group interprets a group; outer are those around it, whose variables it may name.
func (in interpreter) group(g *Group, outer []*Group) error {
	scope := append(outer[:len(outer):len(outer)], g)
	in.roles(g, scope)
	for i := range g.Variables {
		v := &g.Variables[i]
		path := join(g.Name, v.Name)
		switch v.Role {
		case RoleCoordinate, RoleAuxiliary:
			if err := in.coordinate(v, path); err != nil {
				return err
			}
		case RoleData:
			if wantsUnits(*v) {
				in.problem(path, "has no units; CF takes it as dimensionless")
			}
		}
		if v.Unsupported != "" && v.Type != "string" {
			in.note(path, "%s", v.Unsupported)
		}
	}
	for i := range g.Groups {
		if err := in.group(&g.Groups[i], scope); err != nil {
			return err
		}
	}
	return nil
}

// wantsUnits tells whether a data variable lacks units that it should have:
// flags need none, nor do scalars, which often only carry attributes.
func wantsUnits(v Variable) bool {
	for _, name := range []string{"units", "flag_values", "flag_masks", "flag_meanings"} {
		if _, ok := v.Attribute(name); ok {
			return false
		}
	}
	return len(v.Shape) > 0 && v.Unsupported == "" && v.Type != "char"
}

// references are the attributes that name other variables.
var references = []struct {
	attribute string
	role      Role
}{
	{"bounds", RoleBounds}, {"climatology", RoleBounds}, {"coordinates", RoleAuxiliary}, {"grid_mapping", RoleMapping},
	{"cell_measures", RoleSupport}, {"ancillary_variables", RoleSupport},
}

func (in interpreter) roles(g *Group, scope []*Group) {
	for i := range g.Variables {
		v := &g.Variables[i]
		switch {
		case len(v.Dimensions) == 1 && v.Dimensions[0] == v.Name:
			v.Role = RoleCoordinate
		case v.Role == "":
			v.Role = RoleData
		}
	}
	external := map[string]bool{} // cell measures may be in another file, which the attribute says
	for word := range strings.FieldsSeq(scope[0].Text("external_variables")) {
		external[word] = true
	}
	for _, v := range g.Variables {
		for _, ref := range references {
			seen := map[string]bool{}
			for word := range strings.FieldsSeq(v.text(ref.attribute)) {
				if seen[word] || len(seen) > maxVariables {
					continue
				}
				seen[word] = true
				if strings.HasSuffix(word, ":") { // "area: areacella", "crs: x y"
					if ref.role != RoleMapping {
						continue
					}
					word = strings.TrimSuffix(word, ":")
				}
				target := in.lookUp(scope, word)
				switch {
				case word == v.Name: // nothing is its own helper
				case target == nil && ref.role == RoleSupport && external[word]:
				case target == nil && ref.role == RoleSupport: // CMIP5 knew no external_variables
					in.note(join(g.Name, v.Name), "%s names %s, which the file does not have", ref.attribute, word)
				case target == nil:
					in.problem(join(g.Name, v.Name), "%s names %s, which the file does not have", ref.attribute, word)
				case target.Role == RoleData || target.Role == "":
					target.Role = ref.role
				}
			}
		}
	}
}

// lookUp finds a variable in the innermost group that has it.
func (in interpreter) lookUp(scope []*Group, name string) *Variable {
	for i := len(scope) - 1; i >= 0; i-- {
		all := in.named[scope[i]]
		if all == nil {
			all = map[string]*Variable{}
			for j := range scope[i].Variables {
				v := &scope[i].Variables[j]
				if all[v.Name] == nil {
					all[v.Name] = v
				}
			}
			in.named[scope[i]] = all
		}
		if v := all[name]; v != nil {
			return v
		}
	}
	return nil
}

// coordinate reads and summarises a coordinate.
func (in interpreter) coordinate(v *Variable, path string) error {
	if v.Unsupported != "" || v.Type == "char" {
		return nil // labels, such as the names of regions
	}
	kind := kindOf(*v)
	if n := product(1, v.Shape); n > maxReadBytes/8 {
		in.checkNames(*v, kind, path)
		in.note(path, "has %d values; not summarised", n)
		return nil
	}
	if kind == Time && countsYears(*v) {
		if years, err := in.years(v, path); years || err != nil {
			return err
		}
	}
	in.checkNames(*v, kind, path)
	if _, ok := v.Attribute("units"); ok && kind == Time {
		// Attributes that nobody can compute with are a problem of the file, no
		// reason to say nothing about the rest.
		if _, err := ParseTimeUnits(v.text("units"), v.text("calendar")); err != nil {
			in.problem(path, "%s", strings.TrimPrefix(err.Error(), "netcdf: "))
		}
	}
	if _, err := packingOf(*v); err != nil {
		in.problem(path, "%s", err)
		return nil
	}
	values, err := in.read(path, nil, nil)
	if err != nil {
		return err
	}
	v.Axis = summarise(*v, kind, values, len(v.Shape) <= 1)
	in.checkValues(*v, path)
	if kind != Time || v.Axis.Missing > 0 {
		return nil
	}
	if _, err := ParseTimeUnits(v.text("units"), v.text("calendar")); err == nil {
		if v.Time, err = decodeTime(*v, values); err != nil {
			in.problem(path, "%s", strings.Replace(err.Error(), "netcdf: ", "", 1))
		}
	}
	return nil
}

// years takes a coordinate of plain years for one.
func (in interpreter) years(v *Variable, path string) (bool, error) {
	values, err := in.read(path, nil, nil)
	if err != nil {
		return false, err
	}
	t, ok := yearsAxis(*v, values)
	if !ok {
		return false, nil
	}
	v.Axis, v.Time = summarise(*v, Time, values, len(v.Shape) <= 1), t
	in.note(path, "%s", yearsNote(t))
	return true, nil
}

func (in interpreter) checkNames(v Variable, kind AxisKind, path string) {
	units, has := v.text("units"), false
	if _, has = v.Attribute("units"); !has && kind != Other {
		in.problem(path, "has no units; wanted %s", wantedUnits(kind))
	}
	if _, ok := v.Attribute("standard_name"); !ok && kind != Other {
		in.problem(path, "has no standard_name")
	}
	switch {
	case kind == Latitude && has && !northUnits.MatchString(units), kind == Longitude && has && !eastUnits.MatchString(units):
		in.problem(path, "units are %q; wanted %s", units, wantedUnits(kind))
	case kind == Vertical && v.text("positive") == "" && !pressureUnits.MatchString(units):
		in.problem(path, "is vertical without pressure units and does not say which way is positive")
	case kind == Time && v.text("calendar") == "":
		in.note(path, "has no calendar; CF takes it as standard")
	}
	if kind == Time && sinceYearZero.MatchString(units) {
		in.note(path, "counts from year 0; only climatologies do")
	}
}

func wantedUnits(kind AxisKind) string {
	switch kind {
	case Latitude:
		return "degrees_north"
	case Longitude:
		return "degrees_east"
	case Time:
		return "such as days since 1850-01-01"
	case Vertical:
		return "such as Pa or m"
	}
	return "such as m or degrees"
}

func (in interpreter) checkValues(v Variable, path string) {
	a := v.Axis
	if a.Missing > 0 && v.Role == RoleCoordinate {
		in.problem(path, "has %d missing values; a coordinate may have none", a.Missing)
	}
	if v.Role == RoleCoordinate && a.Count > 1 && a.Missing == 0 && !a.Monotonic {
		in.problem(path, "is not strictly monotonic")
	}
	switch a.Kind {
	case Latitude:
		if a.Min < -90.001 || a.Max > 90.001 {
			in.problem(path, "reaches from %g to %g; wanted within -90 and 90", a.Min, a.Max)
		}
		if v.Role == RoleCoordinate && a.Monotonic && a.Step < 0 {
			in.note(path, "descends from %g to %g: the first row is the northernmost", a.First, a.Last)
		}
	case Longitude:
		if a.Min < -360 || a.Max > 720 {
			in.problem(path, "reaches from %g to %g; wanted within a circle or two", a.Min, a.Max)
		}
	case Time:
		if v.Role == RoleCoordinate && a.Monotonic && a.Step < 0 {
			in.problem(path, "goes back in time")
		}
	}
}
