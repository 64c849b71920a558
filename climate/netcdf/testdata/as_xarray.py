# Writes what xarray reads from every NetCDF file of a folder: for each numeric
# variable its shape, the number of missing values, mean, least, most and a sum
# that depends on the order; for coordinates in time the first and last date.
# xarray takes 9.97e36, which stands where nothing was ever written, for a value:
# what is missing is as netCDF4 has it, but for bytes, which have no default fill.
# Needs xarray 2026, netCDF4 1.7 and cftime 1.6.
#
#   python as_xarray.py FOLDER xarray.json
import json
import sys
import warnings
from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr

warnings.simplefilter("ignore")
folder = Path(sys.argv[1])
out = {"versions": f"xarray {xr.__version__}, netCDF4 {netCDF4.__version__}", "files": {}}


def summary(v, raw):
    x = v.values
    if x.dtype.kind not in "iuf":
        return None
    x = x.astype("float64").ravel()
    ok = np.isfinite(x)
    if raw.dtype.itemsize > 1:
        ok &= ~np.ma.getmaskarray(raw[...]).ravel()
    s = {"shape": list(v.shape), "missing": int((~ok).sum())}
    if ok.any():
        weight = np.arange(x.size) % 1009 + 1
        s |= {"mean": float(x[ok].mean()), "min": float(x[ok].min()), "max": float(x[ok].max()),
              "size": float(np.abs(x[ok]).mean()), "sum": float((x * weight)[ok].sum() / weight[ok].sum())}
        if v.ndim == 1 and ok.all():
            s |= {"first": float(x[0]), "last": float(x[-1])}
    return s


for path in sorted(folder.rglob("*.nc")):
    name = path.relative_to(folder).as_posix()
    try:
        d = xr.open_dataset(path, engine="netcdf4", decode_times=False, decode_timedelta=False)
    except Exception as e:
        out["files"][name] = {"error": str(e).splitlines()[0].replace(str(folder), "")}
        continue
    entry = {}
    raw = netCDF4.Dataset(path)
    for k in d.variables:
        s = summary(d[k], raw[k])
        if s:
            entry[k] = s
    try:
        t = xr.open_dataset(path, engine="netcdf4", decode_times=xr.coders.CFDatetimeCoder(use_cftime=True), decode_timedelta=False)
        for k in entry:
            v = t[k].values.ravel()
            if v.size and hasattr(v[0], "calendar"):
                entry[k]["times"] = [v[0].isoformat(sep=" ", timespec="milliseconds"), v[-1].isoformat(sep=" ", timespec="milliseconds")]
    except Exception as e:
        print(name, "times:", e, file=sys.stderr)
    out["files"][name] = entry
    d.close()
text = json.dumps(out, indent=None, separators=(",", ":")).replace('}},"', '}},\n"').replace('},"', '},\n "')
Path(sys.argv[2]).write_text(text + "\n")
