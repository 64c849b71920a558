package netcdf

import "slices"

// Description is what a file holds, without its data.
type Description struct {
	File   string `json:"file"`
	Format string `json:"format"` // "classic", "64-bit offset", "64-bit data", "NetCDF-4" or "NetCDF-4 classic model"
	Group
	Problems []Problem `json:"problems"` // what the CF conventions would have otherwise
}

// Group is the content of a file or of one of its groups.
type Group struct {
	Name       string      `json:"name,omitempty"` // path from the root, "" for the root
	Dimensions []Dimension `json:"dimensions"`
	Variables  []Variable  `json:"variables"`
	Attributes []Attribute `json:"attributes"`
	Grids      []GridName  `json:"grids,omitempty"` // of latitudes and longitudes; filled by package field, for the root
	Groups     []Group     `json:"groups,omitempty"`
}

// Dimension is a named length.
type Dimension struct {
	Name      string `json:"name"`
	Size      int    `json:"size"`
	Unlimited bool   `json:"unlimited,omitempty"`
}

// GridName is what kind of grid two coordinates make.
type GridName struct {
	Kind       string `json:"kind"` // regular, gaussian or rectilinear
	Latitude   string `json:"latitude"`
	Longitude  string `json:"longitude"`
	Rows       int    `json:"rows"`
	Columns    int    `json:"columns"`
	Global     bool   `json:"global"`
	NorthFirst bool   `json:"north_first"`
}

// Variable is an array with its attributes.
type Variable struct {
	Name       string      `json:"name"`
	Type       string      `json:"type"` // as ncdump names it: byte, char, short, int, float, double, ubyte, …, string, or the file's own type
	Dimensions []string    `json:"dimensions"`
	Shape      []int       `json:"shape"`
	Attributes []Attribute `json:"attributes"`
	// Unsupported says why the values cannot be read; empty if they can.
	Unsupported string `json:"unsupported,omitempty"`
	Role        Role   `json:"role"`
	// ModelName is the name that climate models trained on many data sets have
	// for it; climate/field knows them.
	ModelName string `json:"model_name,omitempty"`
	// Axis summarises a coordinate, nil for other variables.
	Axis *Axis `json:"axis,omitempty"`
	// Time decodes a time coordinate, nil for others and for units that cannot be decoded.
	Time *TimeAxis `json:"time,omitempty"`
}

// Attribute finds an attribute by name.
func (v Variable) Attribute(name string) (Attribute, bool) { return findAttribute(v.Attributes, name) }

// Attribute finds an attribute of the group by name.
func (g Group) Attribute(name string) (Attribute, bool) { return findAttribute(g.Attributes, name) }

// Variable finds a variable of the group by name.
func (g Group) Variable(name string) (Variable, bool) {
	for _, v := range g.Variables {
		if v.Name == name {
			return v, true
		}
	}
	return Variable{}, false
}

// Text is the value of a text attribute, "" when it is absent or no text.
func (v Variable) Text(name string) string { return v.text(name) }

// Text is the value of a text attribute of the group, "" when it is absent or
// no text.
func (g Group) Text(name string) string {
	a, _ := g.Attribute(name)
	s, _ := a.Text()
	return s
}

func (v Variable) text(name string) string {
	a, _ := v.Attribute(name)
	s, _ := a.Text()
	return s
}

// Role is what a variable is for.
type Role string

const (
	RoleData       Role = "data"
	RoleCoordinate Role = "coordinate" // one dimension of its own name
	RoleAuxiliary  Role = "auxiliary"  // named by a coordinates attribute
	RoleBounds     Role = "bounds"     // named by a bounds or climatology attribute
	RoleMapping    Role = "mapping"    // named by a grid_mapping attribute
	RoleSupport    Role = "support"    // cell measures, ancillary variables
)

// AxisKind is the direction that a coordinate measures.
type AxisKind string

const (
	Longitude AxisKind = "longitude"
	Latitude  AxisKind = "latitude"
	Vertical  AxisKind = "vertical"
	Time      AxisKind = "time"
	X         AxisKind = "x" // of a projection or a rotated pole
	Y         AxisKind = "y"
	Other     AxisKind = "other"
)

// Axis summarises a coordinate in the units of the file. All numbers are
// finite; missing values are counted and left out.
type Axis struct {
	Kind      AxisKind  `json:"kind"`
	Units     string    `json:"units,omitempty"`
	Count     int       `json:"count"`
	Missing   int       `json:"missing,omitempty"`
	First     float64   `json:"first"`
	Last      float64   `json:"last"`
	Min       float64   `json:"min"`
	Max       float64   `json:"max"`
	Step      float64   `json:"step"` // the mean step
	Regular   bool      `json:"regular"`
	Monotonic bool      `json:"monotonic"`        // strictly
	Values    []float64 `json:"values,omitempty"` // of a vertical axis with few levels
	Bounds    string    `json:"bounds,omitempty"`
}

// TimeAxis is a decoded time coordinate.
type TimeAxis struct {
	Units     string   `json:"units"` // as written in the file
	Unit      string   `json:"unit"`  // day, hour, …
	Reference Date     `json:"reference"`
	Calendar  Calendar `json:"calendar"`
	First     Date     `json:"first"`
	Last      Date     `json:"last"`
	// Interval is between neighbours: "6 hours", "1 month", "irregular"; empty for one time.
	Interval string `json:"interval,omitempty"`
}

// Problem is a deviation from the CF conventions or a trap for the reader.
type Problem struct {
	Variable string `json:"variable,omitempty"`
	Text     string `json:"text"`
	Note     bool   `json:"note,omitempty"` // allowed, but worth knowing
}

// clone copies what interpret writes to; attributes stay shared.
func (g Group) clone() Group {
	g.Variables = slices.Clone(g.Variables)
	g.Groups = slices.Clone(g.Groups)
	for i := range g.Groups {
		g.Groups[i] = g.Groups[i].clone()
	}
	return g
}

// join is the path of a variable or group in a group.
func join(group, name string) string {
	if group == "" {
		return name
	}
	return group + "/" + name
}
