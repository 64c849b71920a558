"""Makes numpy.json: numpy.nanmean and numpy.nanstd in float64 (numpy 2.4.6) of
values that the test makes again, and what ClimaX's scripts make of parts.

    python numpy_stats.py > numpy.json
"""
import json, sys
import numpy as np


def values(seed, n, mean, std, missing):
    """A 64-bit congruential generator, 24 bits a value."""
    with np.errstate(over="ignore"):
        a, c = np.uint64(6364136223846793005), np.uint64(1442695040888963407)
        x, out = np.uint64(seed), np.empty(n)
        for i in range(n):
            x = x * a + c
            out[i] = x >> np.uint64(40)
    out = (mean + std * (out / 2.0**24 - 0.5)).astype(np.float32)
    if missing:
        out[::missing] = np.nan
    return out


cases = []
for seed, mean, std, missing, lengths in [
    (1, 280.0, 40.0, 0, [100000]),
    (2, 5.6e4, 300.0, 0, [30000, 50001, 7]),
    (3, 0.0, 15.0, 0, [65536, 65536]),
    (4, 101325.0, 0.5, 5, [40000, 12345]),
    (5, 1e-5, 2e-5, 3, [9999, 20000, 8192]),
    (6, -1e6, 1.0, 0, [50000]),
]:
    x = values(seed, sum(lengths), mean, std, missing)
    parts = np.split(x, np.cumsum(lengths)[:-1])
    x = x.astype(np.float64)
    m = np.array([np.nanmean(p.astype(np.float64)) for p in parts])
    s = np.array([np.nanstd(p.astype(np.float64)) for p in parts])
    cases.append(dict(seed=seed, mean=mean, std=std, missing=missing, lengths=lengths,
                      want_mean=np.nanmean(x), want_std=np.nanstd(x),
                      published_mean=m.mean(), published_std=np.sqrt((s**2).mean() + (m**2).mean() - m.mean() ** 2),
                      last_mean=m[-1], last_std=s[-1]))
json.dump(cases, sys.stdout, indent=1)
