"""Makes baselines.json: climatologies and lag correlations by plain numpy (2.4.6)
in float64, dates by cftime (1.6.6), of fields that the test makes again.

    python baselines.py > baselines.json
"""
import datetime, json, sys
import cftime, numpy as np

CELLS = 3


def values(seed, n):
    """A 64-bit congruential generator, 24 bits a value, as float32."""
    with np.errstate(over="ignore"):
        a, c = np.uint64(6364136223846793005), np.uint64(1442695040888963407)
        x, out = np.uint64(seed), np.empty(n)
        for i in range(n):
            x = x * a + c
            out[i] = x >> np.uint64(40)
    return (280 + 20 * (out / 2.0**24 - 0.5)).astype(np.float32)


def slot(kind, calendar, d):
    if kind == "monthly":
        return d.month - 1
    if kind == "time-mean":
        return 0
    lengths = [30] * 12 if calendar == "360_day" else [31, 28 if calendar == "noleap" else 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return sum(lengths[: d.month - 1]) + d.day - 1


cases = []
for calendar, kind, hours, n, window, lead in [
    ("standard", "day-of-year", 24, 1500, 61, 3),
    ("standard", "day-of-year", 24, 1500, 1, 1),
    ("noleap", "day-of-year", 12, 1900, 31, 4),
    ("360_day", "day-of-year", 24, 800, 61, 10),
    ("standard", "monthly", 24, 900, 61, 5),
    ("julian", "time-mean", 6, 300, 61, 2),
]:
    start = cftime.datetime(1999, 2, 10, calendar=calendar)
    dates = [start + datetime.timedelta(hours=hours * i) for i in range(n)]
    x = values(n + window, n * CELLS).reshape(n, CELLS).astype(float)
    x[5::11, 1] = np.nan
    per_day = 24 // hours if kind == "day-of-year" else 1
    slots = np.array([slot(kind, calendar, d) for d in dates])
    time = np.array([d.hour // (24 // per_day) for d in dates])
    days = {"monthly": 12, "time-mean": 1}.get(kind, {"noleap": 365, "360_day": 360}.get(calendar, 366))
    half = window // 2 if kind == "day-of-year" else 0
    clim = np.empty((days, per_day, CELLS))
    for s in range(days):
        for t in range(per_day):
            d = abs(slots - s)
            d = np.minimum(d, days - d)
            w = np.where(time == t, np.maximum(0, 1 - d / half) if half else d == 0, 0)[:, None] * ~np.isnan(x)
            clim[s, t] = (w * np.nan_to_num(x)).sum(0) / w.sum(0)
    a = x - clim.astype(np.float32).astype(float)[slots, time]
    u, v = a[:-lead], a[lead:]
    ok = ~np.isnan(u * v)
    u, v = np.where(ok, u, 0), np.where(ok, v, 0)
    r = (u * v).sum(0) / np.sqrt((u * u).sum(0) * (v * v).sum(0))
    at = list(range(0, n, 37))
    cases.append(dict(calendar=calendar, kind=kind, hours=hours, n=n, window=window, lead=lead, correlation=r.tolist(),
                      dates=[[d.year, d.month, d.day, d.hour] for d in (dates[i] for i in at)], at=at,
                      climatology=[[float("%.9g" % z) for z in clim[slots[i], time[i]]] for i in at]))
json.dump(cases, sys.stdout, separators=(",", ":"))
