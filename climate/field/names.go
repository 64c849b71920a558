package field

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Name is a variable by its names in CMIP6, in ERA5 (short, as in its NetCDF
// files) and in ClimaX and WeatherBench (long), with what they are of. Where
// CMIP6 has another quantity, as the height zg for the geopotential z, its own
// standard_name and units stand behind.
type Name struct {
	CMIP, Short, Long   string
	StandardName, Units string
	CMIPStandard        string // "" where it is StandardName
	CMIPUnits           string // "" where they are Units
	Levels              bool   // on pressure levels
	MadeOf              string // CMIP6's rate that is this over a time cell
}

// names is the one table. Units and standard names are those of the CF standard
// name table and of the CMIP6 data request; short and long names those of ERA5
// and of ClimaX (data_utils.py, 3407b91).
var names = []Name{
	{CMIP: "tas", Short: "t2m", Long: "2m_temperature", StandardName: "air_temperature", Units: "K"},
	{CMIP: "tasmax", Short: "mx2t", Long: "maximum_2m_temperature", StandardName: "air_temperature", Units: "K"},
	{CMIP: "tasmin", Short: "mn2t", Long: "minimum_2m_temperature", StandardName: "air_temperature", Units: "K"},
	{CMIP: "uas", Short: "u10", Long: "10m_u_component_of_wind", StandardName: "eastward_wind", Units: "m s-1"},
	{CMIP: "vas", Short: "v10", Long: "10m_v_component_of_wind", StandardName: "northward_wind", Units: "m s-1"},
	{CMIP: "sfcWind", Short: "si10", Long: "10m_wind_speed", StandardName: "wind_speed", Units: "m s-1"},
	{CMIP: "psl", Short: "msl", Long: "mean_sea_level_pressure", StandardName: "air_pressure_at_mean_sea_level", Units: "Pa"},
	{CMIP: "ps", Short: "sp", Long: "surface_pressure", StandardName: "surface_air_pressure", Units: "Pa"},
	{CMIP: "pr", Long: "precipitation_flux", StandardName: "precipitation_flux", Units: "kg m-2 s-1"},
	{Short: "tp", Long: "total_precipitation", StandardName: "lwe_thickness_of_precipitation_amount", Units: "m", MadeOf: "pr"},
	{CMIP: "prsn", Long: "snowfall_flux", StandardName: "snowfall_flux", Units: "kg m-2 s-1"},
	{CMIP: "rsdt", Long: "toa_incoming_shortwave_flux", StandardName: "toa_incoming_shortwave_flux", Units: "W m-2"},
	{Short: "tisr", Long: "toa_incident_solar_radiation", StandardName: "toa_incoming_shortwave_energy", Units: "J m-2"},
	{CMIP: "rlds", Short: "msdwlwrf", Long: "mean_surface_downward_long_wave_radiation_flux", StandardName: "surface_downwelling_longwave_flux_in_air", Units: "W m-2"},
	{CMIP: "rsds", Short: "msdwswrf", Long: "mean_surface_downward_short_wave_radiation_flux", StandardName: "surface_downwelling_shortwave_flux_in_air", Units: "W m-2"},
	{CMIP: "tos", Short: "sst", Long: "sea_surface_temperature", StandardName: "sea_surface_temperature", Units: "K", CMIPUnits: "degC"},
	{CMIP: "ts", Short: "skt", Long: "skin_temperature", StandardName: "surface_temperature", Units: "K"},
	{CMIP: "clt", Short: "tcc", Long: "total_cloud_cover", StandardName: "cloud_area_fraction", Units: "1", CMIPUnits: "%"},
	{CMIP: "prw", Short: "tcwv", Long: "total_column_water_vapour", StandardName: "atmosphere_mass_content_of_water_vapor", Units: "kg m-2"},
	{CMIP: "huss", Short: "sh2", Long: "2m_specific_humidity", StandardName: "specific_humidity", Units: "1"},
	{CMIP: "tdps", Short: "d2m", Long: "2m_dewpoint_temperature", StandardName: "dew_point_temperature", Units: "K"},
	{CMIP: "sftlf", Short: "lsm", Long: "land_sea_mask", StandardName: "land_area_fraction", Units: "1", CMIPUnits: "%"},
	{CMIP: "orog", Short: "orography", Long: "orography", StandardName: "surface_altitude", Units: "m"},
	{Short: "lat2d", Long: "lattitude", StandardName: "latitude", Units: "degrees_north"},
	{CMIP: "zg", Short: "z", Long: "geopotential", StandardName: "geopotential", Units: "m2 s-2", CMIPStandard: "geopotential_height", CMIPUnits: "m", Levels: true},
	{CMIP: "ua", Short: "u", Long: "u_component_of_wind", StandardName: "eastward_wind", Units: "m s-1", Levels: true},
	{CMIP: "va", Short: "v", Long: "v_component_of_wind", StandardName: "northward_wind", Units: "m s-1", Levels: true},
	{CMIP: "ta", Short: "t", Long: "temperature", StandardName: "air_temperature", Units: "K", Levels: true},
	{CMIP: "hur", Short: "r", Long: "relative_humidity", StandardName: "relative_humidity", Units: "%", Levels: true},
	{CMIP: "hus", Short: "q", Long: "specific_humidity", StandardName: "specific_humidity", Units: "1", Levels: true},
	{CMIP: "wap", Short: "w", Long: "vertical_velocity", StandardName: "lagrangian_tendency_of_air_pressure", Units: "Pa s-1", Levels: true},
}

// Names is the table that kiban climate names prints.
func Names() []Name { return slices.Clone(names) }

// DefaultLevels are the pressure levels of ClimaX in hPa.
var DefaultLevels = []float64{50, 250, 500, 600, 700, 850, 925}

// LookUp finds a variable by any of its names.
func LookUp(name string) (Name, bool) {
	for _, n := range names {
		if name != "" && (name == n.CMIP || name == n.Short || name == n.Long) {
			return n, true
		}
	}
	return Name{}, false
}

// quantityOf is what a variable of that name is of: CMIP6's own name asks for
// CMIP6's quantity.
func (n Name) quantityOf(name string) quantity {
	q := quantity{n.StandardName, n.Units}
	if name == n.CMIP {
		if n.CMIPStandard != "" {
			q.standardName = n.CMIPStandard
		}
		if n.CMIPUnits != "" {
			q.units = n.CMIPUnits
		}
	}
	return q
}

// key is the name of a channel in models: the long name, and the level in hPa.
func (n Name) key(level float64) string {
	if level == 0 {
		return n.Long
	}
	return n.Long + "_" + strconv.FormatFloat(level/100, 'g', -1, 64)
}

// ModelKey is the name that ClimaX and WeatherBench give a channel: the long
// name with the level in hPa, such as geopotential_500. A variable that is in
// no table keeps its own name.
func ModelKey(variable string, level float64) string {
	if n, ok := LookUp(variable); ok {
		return n.key(level)
	}
	if level == 0 {
		return variable
	}
	return fmt.Sprintf("%s_%g", variable, level/100)
}

// request is a variable that somebody wants, at one level or at all.
type request struct {
	text  string  // as it was written
	name  string  // without its level
	level float64 // Pa; 0 for all
	file  string  // the variable of the file that is said to be it; "" to look for it
}

// parseRequest reads zg, zg@500 (hPa), geopotential_500, z_500, and
// 2m_temperature=TEMP2, which says what a file of its own names has.
func parseRequest(s string) (request, error) {
	s = strings.TrimSpace(s)
	r := request{text: s, name: s}
	if name, file, ok := strings.Cut(s, "="); ok {
		r.name, r.file = strings.TrimSpace(name), strings.TrimSpace(file)
		if r.name == "" || r.file == "" {
			return r, fmt.Errorf("field: variable %q cannot be read; wanted such as 2m_temperature=TEMP2", s)
		}
	}
	if r.name == "" {
		return r, fmt.Errorf("field: a variable has no name; kiban climate names lists those that are known")
	}
	name, level, at := strings.Cut(r.name, "@")
	if !at {
		if _, known := LookUp(r.name); known {
			return r, nil
		}
		i := strings.LastIndex(r.name, "_")
		if i < 0 {
			return r, nil
		}
		name, level = r.name[:i], r.name[i+1:]
		if n, ok := LookUp(name); !ok || !n.Levels {
			return r, nil
		}
	}
	if name == "" {
		return r, fmt.Errorf("field: variable %q has a level and no name; wanted such as zg@500", s)
	}
	x, err := strconv.ParseFloat(level, 64)
	if err != nil || !(x > 0 && x <= 1100) {
		if !at {
			return r, nil
		}
		return r, fmt.Errorf("field: variable %q: level %q cannot be read; wanted hPa such as %s@500", s, level, name)
	}
	r.name, r.level = name, x*100
	return r, nil
}
