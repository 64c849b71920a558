package field

import (
	"testing"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// What people and files write is read or refused, never a panic, and what is
// read has sane numbers.
func FuzzText(f *testing.F) {
	for _, s := range []string{"220,300,15,65", "lat=15:65,lon=220:300", "climax:NorthAmerica", "2000-02-30/2001", "zg@500", "z_500", "2m_temperature=T2", "kg m-2 s-1", "m**2 s**-2", "(0 - 1)", "tas_Amon_M_h_r1i1p1f1_gn_2000-2001.nc"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := ParseRegion(s, "climax"); err == nil {
			for _, b := range r.Boxes {
				if !(b.South >= -90 && b.North <= 90 && b.South <= b.North && b.width() >= 0 && b.width() <= 360) {
					t.Errorf("%q is %+v", s, b)
				}
			}
		}
		if r, err := ParseTimeRange(s); err == nil {
			for _, c := range []netcdf.Calendar{netcdf.Standard, netcdf.Days360} {
				if from, to, ok, err := r.In(c); ok && err == nil && (!c.Valid(from) || !c.Valid(to) || c.Compare(from, to) > 0) {
					t.Errorf("%q is %s to %s", s, from, to)
				}
			}
		}
		if r, err := parseRequest(s); err == nil && (r.name == "" || !(r.level >= 0 && r.level <= 110000)) {
			t.Errorf("%q is %+v", s, r)
		}
		if u, err := parseUnits(s); err == nil && u.scale != u.scale {
			t.Errorf("%q is %+v", s, u)
		}
		parseFileName(s)
		parseFolders(s)
	})
}
