package field

import (
	"fmt"
	"slices"
	"strings"
)

// Region is a named part of the world.
type Region struct {
	Name  string // with its origin, as climax:NorthAmerica; the numbers of a box that has no name
	Boxes []Box  // what lies in any of them; most regions have one
}

// Contains tells whether a point lies in the region.
func (r Region) Contains(lat, lon float64) bool {
	return slices.ContainsFunc(r.Boxes, func(b Box) bool { return b.Contains(lat, lon) })
}

// regions are those of ClimaX (BOUNDARIES of its data_utils.py, 3407b91) and of
// WeatherBench 2 (its scripts/evaluate.py, 04e3359). The same words do not mean
// the same boxes.
var regions = []Region{
	{"climax:NorthAmerica", []Box{{220, 300, 15, 65}}},
	{"climax:SouthAmerica", []Box{{270, 330, -55, 20}}},
	{"climax:Europe", []Box{{0, 40, 30, 65}}},
	{"climax:SouthAsia", []Box{{25, 110, -15, 45}}},
	{"climax:EastAsia", []Box{{70, 150, 5, 65}}},
	{"climax:Australia", []Box{{100, 180, -50, 10}}},
	{"climax:Global", []Box{World}},
	{"wb2:global", []Box{World}},
	{"wb2:tropics", []Box{{0, 360, -20, 20}}},
	{"wb2:extra-tropics", []Box{{0, 360, -90, -20}, {0, 360, 20, 90}}},
	{"wb2:northern-hemisphere", []Box{{0, 360, 20, 90}}},
	{"wb2:southern-hemisphere", []Box{{0, 360, -90, -20}}},
	{"wb2:europe", []Box{{347.5, 42.5, 35, 75}}},
	{"wb2:north-america", []Box{{240, 285, 25, 60}}},
	{"wb2:north-atlantic", []Box{{290, 350, 25, 65}}},
	{"wb2:north-pacific", []Box{{145, 230, 25, 60}}},
	{"wb2:east-asia", []Box{{102.5, 150, 25, 60}}},
	{"wb2:ausnz", []Box{{120, 175, -45, -12.5}}},
	{"wb2:arctic", []Box{{0, 360, 60, 90}}},
	{"wb2:antarctic", []Box{{0, 360, -90, -60}}},
}

// Regions are all named regions.
func Regions() []Region { return slices.Clone(regions) }

// ParseRegion reads lon1,lon2,lat1,lat2 (the order of CDO), lat=15:65,lon=220:300,
// or a name. A name without its origin is looked for in the set first, such as
// "climax", and then in the others. Case, hyphens and underscores do not matter.
func ParseRegion(s, set string) (Region, error) {
	s = strings.TrimSpace(s)
	b, ok, err := parseBox(s)
	if err != nil {
		return Region{}, err
	}
	if ok {
		return Region{Name: b.String(), Boxes: []Box{b}}, nil
	}
	origin, name, full := strings.Cut(s, ":")
	if !full {
		origin, name = "", s
	}
	var found []Region
	for _, r := range regions {
		from, word, _ := strings.Cut(r.Name, ":")
		if plainName(word) != plainName(name) || full && !strings.EqualFold(origin, from) {
			continue
		}
		if !full && strings.EqualFold(from, set) {
			return r, nil
		}
		found = append(found, r)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Region{}, fmt.Errorf("field: region %q is unknown; wanted lon1,lon2,lat1,lat2 or one of those that kiban climate regions lists", s)
	}
	return Region{}, fmt.Errorf("field: region %q may be %s (%s) or %s (%s); name one with its origin", s,
		found[0].Name, found[0].Boxes[0], found[1].Name, found[1].Boxes[0])
}

func plainName(s string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(s))
}
