# What BenchmarkRead does, with xarray: every field of a file in blocks of 16
# times as float32, the file opened anew each time.
#
#   python read_speed.py ../shared/data/climate/A1B_north_america.nc
import sys
import time

import numpy as np
import xarray as xr

best = 1e9
for _ in range(20):
    start = time.perf_counter()
    with xr.open_dataset(sys.argv[1]) as d:
        v = d[max(d.data_vars, key=lambda k: d[k].size)]
        for at in range(0, v.shape[0] - 15, 16):
            np.asarray(v[at:at + 16], dtype="float32")
    best = min(best, time.perf_counter() - start)
print(f"xarray {xr.__version__}: {best * 1000:.1f} ms, {v.size * 4 / best / 1e6:.0f} MB/s")
