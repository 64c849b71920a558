"""Writes prepared.json: what xarray reads of real files, for comparison with a store made of them.

    python prepared.py SHARED_CLIMATE_FOLDER > prepared.json

Each entry has the SHA-256 of all values as little-endian float32 in the order
[time][variable][level][latitude][longitude], NaN in its usual form, and of the
times as text, a line each. Unlike netCDF4-python and ncdump, xarray takes what
the library fills unwritten values with, 9.97e36, for a value where a file has no
_FillValue, as the samples in cmip6/ have none: here it is missing. Times at which
a level has no value are left out. Made with xarray 2026.9.0, netCDF4 1.7.5, cftime
1.6.6, numpy 2.4.6.
"""
import glob, hashlib, json, os, sys

import numpy as np
import xarray as xr

NAVY = "/usr/share/ferret-vis/data/monthly_navy_winds.cdf"
FILES = [
    (NAVY, ["UWND", "VWND"]),
    ("navy_winds_north_america_open.nc", ["UWND", "VWND"]),
    ("cmip6/ta_day_MIROC6_*", ["ta"]),
    ("cmip6/ta_Amon_MPI-ESM1-2-HR_*", ["ta"]),
    ("cmip6/ta_Amon_CanESM5_*", ["ta"]),
    ("cmip6/ta_Amon_GFDL-ESM4_*", ["ta"]),
    ("cmip6/ta_day_KACE-1-0-G_*", ["ta"]),
    ("cmip6/ta_day_CESM2-WACCM_*", ["ta"]),
    ("esgf/tas_Amon_HadGEM2-ES_*", ["tas"]),
    ("esgf/psl_ERA5_*", ["psl"]),
    ("esgf/rlds_*", ["rlds"]),
    ("esgf/tas_Amon_AWI-*", ["tas"]),
    ("esgf/tas_Amon_FGOALS-*", ["tas"]),
    ("esgf/tas_day_CESM2-*", ["tas"]),
]


def text(t):
    if isinstance(t, np.datetime64):
        return np.datetime_as_string(t.astype("datetime64[s]")).replace("T", " ")
    return t.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0")


def entry(root, pattern, names):
    paths = sorted(glob.glob(os.path.join(root, pattern)))
    assert paths, pattern
    coder = xr.coders.CFDatetimeCoder(time_unit="ms")
    parts = [xr.open_dataset(p, decode_times=coder)[names] for p in paths]
    time = parts[0][names[0]].dims[0]
    parts.sort(key=lambda d: d[time].values[0])
    x = np.concatenate([np.stack([d[n].values.astype("<f4").reshape(d.sizes[time], -1) for n in names], 1) for d in parts])
    times = [text(t) for d in parts for t in d[time].values]
    levels = parts[0][names[0]].ndim == 4
    if levels:  # a level is a channel of its own
        n = parts[0][names[0]].shape[1]
        x = x.reshape(len(times), len(names) * n, -1)
    x = np.where(x == np.float32(9.969209968386869e36), np.float32(np.nan), x)
    keep = ~np.isnan(x).all(2).any(1)
    x, times = x[keep], [t for t, k in zip(times, keep) if k]
    x = np.where(np.isnan(x), np.float32(np.nan), x).astype("<f4")
    return {
        "files": pattern, "variables": names, "records": len(times), "empty": int((~keep).sum()),
        "values_sha256": hashlib.sha256(x.tobytes()).hexdigest(),
        "times_sha256": hashlib.sha256("\n".join(times).encode()).hexdigest(),
        "mean": np.nanmean(x.astype("f8"), axis=(0, 2)).tolist(), "std": np.nanstd(x.astype("f8"), axis=(0, 2)).tolist(),
    }


if __name__ == "__main__":
    json.dump([entry(sys.argv[1], p, n) for p, n in FILES], sys.stdout, indent=1)
    print()
