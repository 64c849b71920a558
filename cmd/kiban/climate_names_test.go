package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestClimateNamesAndRegions(t *testing.T) {
	for _, x := range []struct {
		args string
		code int
		want string // in stdout, or in stderr of what fails
	}{
		{"names zg", 0, "cmip6\tera5_short\tera5_long\tstandard_name\tunits\tlevels\tcmip6_standard_name\tcmip6_units\nzg\tz\tgeopotential\tgeopotential\tm2 s-2\ttrue\tgeopotential_height\tm\n"},
		{"names", 0, "\ntas\tt2m\t2m_temperature\tair_temperature\tK\tfalse\t\t\n"},
		{"names --json tp", 0, `"cmip6": null, "era5_short": "tp", "era5_long": "total_precipitation"`},
		{"names nonesuch", 1, `kiban: variable "nonesuch" is in no table`},
		{"regions", 0, "\nclimax:NorthAmerica\t220\t300\t15\t65\n"},
		{"regions wb2:extra-tropics", 0, "wb2:extra-tropics\t0\t360\t-90\t-20\nwb2:extra-tropics\t0\t360\t20\t90\n"},
		{"regions 350,20,-5,5", 0, "350,20,-5,5\t350\t20\t-5\t5\n"},
		{"regions north-america", 1, "may be climax:NorthAmerica (220,300,15,65) or wb2:north-america (240,285,25,60); name one with its origin"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"kiban", "climate"}, strings.Fields(x.args)...), strings.NewReader(""), &stdout, &stderr)
		got := stdout.String()
		if x.code != 0 {
			got = stderr.String()
		}
		if code != x.code || !strings.Contains(got, x.want) {
			t.Errorf("%s: code %d\n%s%s\nwant %d\n%s", x.args, code, stdout.String(), stderr.String(), x.code, x.want)
		}
	}
}
