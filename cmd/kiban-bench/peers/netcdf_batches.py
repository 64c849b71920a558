"""NetCDF to batches of 8 times of 16 variables on 32x64 cells, float32: random
times, normalised, or the whole series in order.

    netcdf_batches.py DEVICE SECONDS "xarray"|"xarray, loaded"|"numpy, mapped"|"xarray in order"|"netCDF4 in order"
"""
import os
import tempfile

import numpy as np

from timing import arguments, clock, data

BATCH, NAMES, MEAN, STD = 8, ["v%02d" % i for i in range(16)], np.float32(280), np.float32(10)
_, seconds, (how,) = arguments()
path, rng = data("series.nc"), np.random.default_rng(2)
megabytes = BATCH * len(NAMES) * 32 * 64 * 4 / 1e6


def hundredths(values, mean=0.0, std=1.0):
    return np.round(100 * (values.astype("f8") * std + mean)).astype("i8").sum()


def random_batches(times, read):
    first = lambda _: hundredths(read(np.arange(BATCH)), 280.0, 10.0)
    clock(seconds, megabytes, lambda _: read(np.sort(rng.integers(0, times, BATCH))), check=first)


def in_order(times, read):
    at = 0

    def step(_):
        nonlocal at
        x = read(at)
        at = (at + BATCH) % (times - BATCH)
        return x

    clock(seconds, megabytes, step, check=lambda _: hundredths(read(0)))


if how == "netCDF4 in order":
    import netCDF4

    with netCDF4.Dataset(path) as d:
        in_order(len(d["time"]), lambda t: np.stack([d[n][t:t + BATCH].filled(np.nan) for n in NAMES], 1))
else:
    import xarray as xr

    with xr.open_dataset(path) as ds:
        if how == "xarray in order":
            in_order(len(ds.time), lambda t: np.stack([ds[n][t:t + BATCH].values for n in NAMES], 1))
        elif how == "numpy, mapped":  # one array of all variables, made before
            with tempfile.TemporaryDirectory() as folder:
                name = os.path.join(folder, "series.npy")
                np.save(name, np.stack([ds[n].values for n in NAMES], 1))
                mapped = np.load(name, mmap_mode="r")
                random_batches(len(ds.time), lambda t: (mapped[t] - MEAN) / STD)
        else:
            if how == "xarray, loaded":
                ds = ds.load()

            def read(times):
                part = ds.isel(time=times)
                return np.stack([(part[n].values - MEAN) / STD for n in NAMES], 1)

            random_batches(len(ds.time), read)
