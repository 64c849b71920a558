"""NetCDF to batches, as the peer of BenchmarkBatch and BenchmarkStream in
climate/store: batches of 8 random times of 16 variables on 32x64 cells,
normalised, float32; and the whole series in order, 8 times at once.

    python docs/bench/netcdf_batch.py FOLDER      # makes FOLDER/series.nc, if it is not there
    KIBAN_BENCH_CLIMATE=FOLDER go test -run '^$' -bench 'Batch|Stream|Prepare' ./climate/store

The file is as CMIP6 files are: NetCDF-4, deflate 1 with shuffle, a chunk a time.
"""
import os
import sys
import time

import netCDF4
import numpy as np
import xarray as xr

folder = sys.argv[1]
path = os.path.join(folder, "series.nc")
TIMES, NAMES, ROWS, COLUMNS, BATCH = 1460, ["v%02d" % i for i in range(16)], 32, 64, 8
if not os.path.exists(path):
    rng = np.random.default_rng(1)
    with netCDF4.Dataset(path + ".tmp", "w") as d:
        d.createDimension("time", None)
        d.createDimension("lat", ROWS)
        d.createDimension("lon", COLUMNS)
        for name, units, values in (("time", "hours since 2000-01-01", np.arange(TIMES) * 6.0),
                                    ("lat", "degrees_north", -87.1875 + 5.625 * np.arange(ROWS)), ("lon", "degrees_east", 5.625 * np.arange(COLUMNS))):
            v = d.createVariable(name, "f8", (name,))
            v.units, v.standard_name = units, {"lat": "latitude", "lon": "longitude"}.get(name, name)
            if name == "time":
                v.calendar = "noleap"
            v[:] = values
        for i, name in enumerate(NAMES):
            v = d.createVariable(name, "f4", ("time", "lat", "lon"), zlib=True, complevel=1, shuffle=True, chunksizes=(1, ROWS, COLUMNS), fill_value=1e20)
            v.units = "K"
            x = np.cumsum(rng.normal(0, 1, (TIMES, ROWS, COLUMNS)).astype("f4"), 0) * 0.1 + 280 + i
            v[:] = np.round(x, 2)
    os.rename(path + ".tmp", path)

mb = BATCH * len(NAMES) * ROWS * COLUMNS * 4 / 1e6
rng = np.random.default_rng(2)
mean, std = np.float32(280), np.float32(10)


def measure(what, step, seconds=5.0):
    step()
    n, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        step()
        n += 1
    each = (time.perf_counter() - start) / n
    print("%-62s %9.3f ms a batch, %8.1f MB/s" % (what, 1e3 * each, mb / each))


def draw():
    return np.sort(rng.integers(0, TIMES, BATCH))


def from_xarray(ds):
    def step():
        part = ds.isel(time=draw())
        return np.stack([(part[n].values - mean) / std for n in NAMES], 1)
    return step


print("xarray %s, netCDF4 %s, numpy %s" % (xr.__version__, netCDF4.__version__, np.__version__))
with xr.open_dataset(path) as ds:
    measure("xarray, random batches of the file", from_xarray(ds))
with xr.open_dataset(path) as ds:
    measure("xarray, random batches of the file loaded into memory", from_xarray(ds.load()))
    whole = np.stack([ds[n].values for n in NAMES], 1)
np.save(os.path.join(folder, "series.npy"), whole)
mapped = np.load(os.path.join(folder, "series.npy"), mmap_mode="r")
measure("numpy, random batches of a mapped .npy, all variables in one", lambda: (mapped[draw()] - mean) / std)
shards = os.path.join(folder, "shard.npz")  # ClimaX keeps its data so
np.savez(shards, **{n: whole[:TIMES // 8, i:i + 1] for i, n in enumerate(NAMES)})


def stream(read):
    at = [0]

    def step():
        x = read(at[0])
        at[0] = (at[0] + BATCH) % (TIMES - BATCH)
        return x
    return step


with xr.open_dataset(path) as ds:
    measure("xarray, in order, 8 times at once", stream(lambda t: np.stack([ds[n][t:t + BATCH].values for n in NAMES], 1)))
with netCDF4.Dataset(path) as d:
    measure("netCDF4, in order, 8 times at once", stream(lambda t: np.stack([d[n][t:t + BATCH].filled(np.nan) for n in NAMES], 1)))
start = time.perf_counter()
with np.load(shards) as z:
    n = sum(z[k].nbytes for k in z.files)
print("%-62s %32.1f MB/s" % ("numpy, a shard of .npz as ClimaX reads it", n / 1e6 / (time.perf_counter() - start)))
