#!/usr/bin/env python3
"""Reads the files that the tests of NPY and Parquet write with KIBAN_SAVE=DIR.

    python3 read.py DIR      (numpy 2.4.6, pyarrow 26.0.1 and pandas 3.1.1 were used)
"""
import os
import sys

import numpy as np
import pandas
import pyarrow.parquet

number = lambda row, pool, i: np.float32(row) * np.float32(1.5) + np.float32(pool * 1000) - i.astype(np.float32) / 8
a = np.load(os.path.join(sys.argv[1], "vectors.npy"), mmap_mode="r")
assert a.dtype == np.float32 and a.shape == (1203, 7), (a.dtype, a.shape)
assert all((a[r] == number(r, 0, np.arange(7))).all() for r in range(1203))
path = os.path.join(sys.argv[1], "vectors.parquet")
t = pyarrow.parquet.read_table(path)
print(t.schema)
f = pandas.read_parquet(path)
assert list(f.columns) == ["id", "cls", "mean"] and len(f) == 3000
for r in range(3000):
    assert f["id"][r] == f"text {r}"
    for pool, name in enumerate(("cls", "mean")):
        assert (f[name][r] == number(r, pool, np.arange(1100))).all()
print("as written")
