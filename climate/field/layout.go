package field

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// layout is where the values of a variable are: which dimension is which.
type layout struct {
	path                   string // of the variable in its file
	v                      netcdf.Variable
	lat, lon, time, level  int    // dimensions; -1 for none
	latVar, lonVar, timeAt string // paths of the coordinates; timeAt is "" for a variable without time
	timeV                  netcdf.Variable
	fixed                  []int     // the index in every other dimension
	mean                   int       // the dimension that is averaged over; -1 for none
	levels                 []float64 // Pa; one for a scalar pressure
}

// PickMean in Options.Pick takes the mean over a dimension, as of the members of
// an ensemble, of the values that are not missing.
const PickMean = -1

// everywhere tells whether the variable has no place: its values are those of
// all cells.
func (l *layout) everywhere() bool { return l.lat < 0 }

const remap = "remap it to latitudes and longitudes first, as with cdo remapcon,r360x180 or cdo remapbil"

// scoped is a variable with the groups around it, innermost last.
type scoped struct {
	path  string
	v     netcdf.Variable
	scope []netcdf.Group
}

// variablesOf lists the data variables of a file, those of groups too.
func variablesOf(g netcdf.Group, scope []netcdf.Group, out []scoped) []scoped {
	scope = append(scope[:len(scope):len(scope)], g)
	for _, v := range g.Variables {
		if v.Role == netcdf.RoleData {
			out = append(out, scoped{pathOf(g.Name, v.Name), v, scope})
		}
	}
	for _, sub := range g.Groups {
		out = variablesOf(sub, scope, out)
	}
	return out
}

func pathOf(group, name string) string {
	if group == "" {
		return name
	}
	return group + "/" + name
}

func (s scoped) find(name string) (path string, v netcdf.Variable, ok bool) {
	for i := len(s.scope) - 1; i >= 0; i-- {
		if v, ok := s.scope[i].Variable(name); ok {
			return pathOf(s.scope[i].Name, name), v, true
		}
	}
	return "", v, false
}

// along finds the coordinate of a dimension: the variable of its name, or a
// coordinate that runs along it alone.
func (s scoped) along(dim string) (path string, v netcdf.Variable, ok bool) {
	if path, v, ok = s.find(dim); ok && len(v.Dimensions) == 1 && v.Dimensions[0] == dim && v.Axis != nil {
		return path, v, true
	}
	for i := len(s.scope) - 1; i >= 0; i-- {
		for _, v := range s.scope[i].Variables {
			if v.Axis != nil && len(v.Dimensions) == 1 && v.Dimensions[0] == dim && v.Axis.Kind != netcdf.Other {
				return pathOf(s.scope[i].Name, v.Name), v, true
			}
		}
	}
	return "", v, false
}

// layoutOf finds out how a variable lies; pick has the index to take of
// dimensions that are none of time, level, latitude and longitude.
func layoutOf(s scoped, pick map[string]int) (layout, error) {
	l := layout{path: s.path, v: s.v, lat: -1, lon: -1, time: -1, level: -1, mean: -1, fixed: make([]int, len(s.v.Shape))}
	if s.v.Unsupported != "" || s.v.Type == "char" || s.v.Type == "string" {
		return l, fmt.Errorf("is of type %s; wanted numbers", s.v.Type)
	}
	for i, dim := range s.v.Dimensions {
		path, c, ok := s.along(dim)
		kind := netcdf.Other
		if ok {
			kind = c.Axis.Kind
		}
		var err error
		switch {
		case kind == netcdf.Latitude && l.lat < 0:
			l.lat, l.latVar = i, path
		case kind == netcdf.Longitude && l.lon < 0:
			l.lon, l.lonVar = i, path
		case kind == netcdf.Time && l.time < 0:
			l.time, l.timeAt, l.timeV = i, path, c
		case kind == netcdf.Vertical && l.level < 0:
			err = l.vertical(i, path, c)
		default:
			err = l.other(i, dim, ok, pick)
			if _, bare, there := s.find(dim); err != nil && there && !ok && bare.Axis == nil && bare.Type != "char" && slices.Equal(bare.Dimensions, []string{dim}) {
				err = fmt.Errorf("its coordinate %s cannot be used; kiban climate inspect says why", dim)
			}
		}
		if err != nil {
			if grid := s.refuseGrid(); grid != nil && (l.lat < 0 || l.lon < 0) {
				err = grid
			}
			return l, err
		}
	}
	if s.placeless() {
		return l, nil
	}
	if l.lat < 0 || l.lon < 0 {
		if err := s.refuseGrid(); err != nil {
			return l, err
		}
		missing := "latitude"
		if l.lat >= 0 {
			missing = "longitude"
		}
		return l, fmt.Errorf("has no %s among its dimensions %v; wanted a field of latitude and longitude, each with a coordinate variable (units degrees_north, degrees_east)", missing, s.v.Dimensions)
	}
	s.scalars(&l)
	return l, nil
}

// placeless tells whether a variable has one dimension, which is time: a global
// amount, such as the emissions of a gas that mixes well.
func (s scoped) placeless() bool {
	if len(s.v.Dimensions) != 1 {
		return false
	}
	_, c, ok := s.along(s.v.Dimensions[0])
	return ok && c.Axis.Kind == netcdf.Time
}

// refuseGrid finds the grids that are not rows and columns.
func (s scoped) refuseGrid() error {
	for i := range s.scope {
		for _, c := range s.scope[i].Variables {
			if c.Axis == nil || c.Axis.Kind != netcdf.Latitude && c.Axis.Kind != netcdf.Y {
				continue
			}
			within := len(c.Dimensions) > 0 && !slices.ContainsFunc(c.Dimensions, func(d string) bool { return !slices.Contains(s.v.Dimensions, d) })
			switch {
			case !within:
			case c.Axis.Kind == netcdf.Y:
				return fmt.Errorf("is on a rotated or projected grid (%s, %s); %s", c.Name, c.Text("standard_name"), remap)
			case len(c.Dimensions) > 1:
				return fmt.Errorf("is on a curvilinear grid (%s of %s); %s", c.Name, strings.Join(c.Dimensions, " x "), remap)
			default:
				for _, o := range s.scope[i].Variables {
					if o.Axis != nil && o.Axis.Kind == netcdf.Longitude && slices.Equal(o.Dimensions, c.Dimensions) {
						return fmt.Errorf("is on an unstructured grid, or at stations (%s and %s along %s); %s", c.Name, o.Name, c.Dimensions[0], remap)
					}
				}
			}
		}
	}
	return nil
}

var pascal = unit{scale: 1, m: -1, kg: 1, s: -2}

func (l *layout) vertical(i int, path string, c netcdf.Variable) error {
	u, err := parseUnits(c.Text("units"))
	if err == nil && u.same(pascal) && len(c.Axis.Values) == c.Axis.Count {
		l.level = i
		for _, x := range c.Axis.Values {
			l.levels = append(l.levels, tidy(x*u.scale))
		}
		return nil
	}
	if l.v.Shape[i] == 1 {
		return nil
	}
	return fmt.Errorf("has %d levels in %q (%s); wanted pressure in Pa or hPa, as cdo ml2pl makes them, or one level, as cdo sellevel leaves it", l.v.Shape[i], c.Text("units"), path)
}

// tidy takes the rounding of float32 out of a pressure: 85000.0078 is 85000.
func tidy(pa float64) float64 {
	if r := math.Round(pa*100) / 100; math.Abs(r-pa) < 1e-6*math.Abs(pa) {
		return r
	}
	return pa
}

func (l *layout) other(i int, dim string, coordinate bool, pick map[string]int) error {
	n := l.v.Shape[i]
	at, picked := pick[dim]
	switch {
	case picked && at == PickMean && l.mean >= 0:
		return fmt.Errorf("the mean over both %s and %s is wanted; take it over one, and pick one value of the other", l.v.Dimensions[l.mean], dim)
	case picked && at == PickMean:
		l.mean = i
	case picked && at >= 0 && at < n:
		l.fixed[i] = at
	case picked:
		return fmt.Errorf("dimension %s has %d values; %d was picked, and they count from 0", dim, n, at)
	case n == 1:
	case !coordinate && slices.Contains([]string{"lat", "latitude", "lon", "longitude", "x", "y"}, strings.ToLower(dim)):
		return fmt.Errorf("dimension %s has no coordinate variable; wanted one with units degrees_north or degrees_east, as ncap2 -s adds it", dim)
	default:
		return fmt.Errorf("dimension %s has %d values and is none of time, level, latitude and longitude; pick one of them, as %s=0, or %s=mean", dim, n, dim, dim)
	}
	return nil
}

// mostScalars are looked for among the coordinates of a variable.
const mostScalars = 1000

// scalars finds a time or a pressure that is a coordinate without a dimension.
func (s scoped) scalars(l *layout) {
	seen := map[string]bool{}
	for name := range strings.FieldsSeq(s.v.Text("coordinates")) {
		if seen[name] || len(seen) > mostScalars {
			continue
		}
		seen[name] = true
		path, c, ok := s.find(name)
		if !ok || c.Axis == nil || c.Axis.Count != 1 || c.Axis.Missing > 0 {
			continue
		}
		switch {
		case c.Axis.Kind == netcdf.Time && l.time < 0 && l.timeAt == "" && c.Text("standard_name") != "forecast_reference_time":
			l.timeAt, l.timeV = path, c
		case c.Axis.Kind == netcdf.Vertical && l.level < 0 && l.levels == nil:
			if u, err := parseUnits(c.Text("units")); err == nil && u.same(pascal) {
				l.levels = []float64{tidy(c.Axis.First * u.scale)}
			}
		}
	}
}

// levelIndex finds a pressure among the levels.
func (l *layout) levelIndex(pa float64) int {
	for i, x := range l.levels {
		if math.Abs(x-pa) <= 0.5 {
			return i
		}
	}
	return -1
}
