# Opens the files of TestOthersRead with xarray, warnings being errors, and
# compares every value. Needs xarray 2026, netCDF4 1.7 and cftime 1.6.
#
#   KIBAN_NETCDF_OUT=DIR go test -run TestOthersRead ./climate/field
#   python read_back.py DIR
import sys
import warnings

import numpy as np
import xarray as xr

warnings.simplefilter("error")
warnings.filterwarnings("ignore", message=".*numpy.ndarray size changed.*")  # of netCDF4's own build
folder = sys.argv[1]


def expect(got, want, what):
    np.testing.assert_array_equal(np.asarray(got), want, err_msg=what)


def values(times, leads, channel):
    at, lead, row, col = np.meshgrid(np.arange(times), np.arange(leads), np.arange(5), np.arange(8), indexing="ij")
    v = ((at * 10000 + lead * 1000 + channel * 100 + row * 10 + col) / 8).astype("float32")
    if channel == 0:
        v[:, :, 1, 2] = np.nan
    return v


with xr.open_dataset(f"{folder}/series.nc") as d:
    d.load()
    expect(d.lat, np.arange(60, -61, -30), "lat")
    expect(d.lon, np.arange(-180, 180, 45), "lon")
    expect(d.plev, [50000, 85000], "plev")
    expect(d.plev_2, [85000], "plev_2")
    expect([t.isoformat() for t in d.time.values], [f"2000-0{m}-16T00:00:00" for m in (1, 2, 3)], "time")
    expect([t.isoformat() for t in d.time_bnds.values[:, 0]], [f"2000-0{m}-01T00:00:00" for m in (1, 2, 3)], "time_bnds")
    assert d.time.encoding["calendar"] == "360_day", d.time.encoding
    expect(d.lat_bnds[0], [75, 45], "lat_bnds")
    expect(d.tas, values(3, 1, 0)[:, 0], "tas")
    expect(d.zg[:, 0], values(3, 1, 1)[:, 0], "zg 500")
    expect(d.zg[:, 1], values(3, 1, 2)[:, 0], "zg 850")
    expect(d.ua[:, 0], values(3, 1, 3)[:, 0], "ua")
    e = d.tas.encoding
    assert (e["zlib"], e["shuffle"], e["complevel"], e["dtype"], e["chunksizes"]) == (True, True, 4, np.dtype("float32"), (1, 5, 8)), e
    assert d.tas.attrs["cell_methods"] == "time: mean" and d.attrs["Conventions"] == "CF-1.8"
with xr.open_dataset(f"{folder}/forecast.nc") as d:
    d.load()
    lead = d.lead_time.values
    expect(lead / np.timedelta64(1, "h") if lead.dtype.kind == "m" else lead, [6, 24, 72], "lead_time")
    expect([t.isoformat() for t in d.valid_time.values[2]], ["2000-03-16T06:00:00", "2000-03-17T00:00:00", "2000-03-19T00:00:00"], "valid_time")
    expect(d.tas, values(3, 3, 0), "tas")
    expect(d.zg_500, values(3, 3, 1), "zg_500")
    assert float(d.zg_500.p500) == 50000
    expect(d.ua_850, values(3, 3, 3), "ua_850")
print("xarray", xr.__version__, "opens both files without a warning; all values are equal")
