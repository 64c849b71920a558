"""Makes scores.json: scores by plain numpy (2.4.6), float64, of fields that the
test makes again. CRPS is by its definition, over all pairs of members; the
published ones are the formulas of ClimaX's metrics.py (6d5d354), NRMSE those of
ClimateBench (Watson-Parris et al. 2022).

    python scores.py > scores.json
"""
import json, sys
import numpy as np

T, M, NLAT, NLON, BATCH = 7, 5, 6, 8, 3
lat = -75 + 30.0 * np.arange(NLAT)
lon = 45.0 * np.arange(NLON)


def values(seed, shape, mean, std):
    """A 64-bit congruential generator, 24 bits a value, as float32."""
    with np.errstate(over="ignore"):
        a, c = np.uint64(6364136223846793005), np.uint64(1442695040888963407)
        x, out = np.uint64(seed), np.empty(int(np.prod(shape)))
        for i in range(out.size):
            x = x * a + c
            out[i] = x >> np.uint64(40)
    return (mean + std * (out / 2.0**24 - 0.5)).astype(np.float32).reshape(shape)


truth = values(1, (T, NLAT, NLON), 280, 20).astype(float)
clim = values(2, (T, NLAT, NLON), 279, 10).astype(float)
members = values(3, (T, M, NLAT, NLON), 281, 20).astype(float)

regions = {
    "global": np.ones((NLAT, NLON), bool),
    "20,200,-50,80": (lat[:, None] >= -50) & (lat[:, None] <= 80) & (lon[None, :] >= 20) & (lon[None, :] <= 200),
}
w_all = np.cos(np.deg2rad(lat))[:, None] * np.ones((1, NLON))


def scores(holes, region):
    o, f, c = truth.copy(), members.copy(), clim
    if holes:
        o[:, 2, 3] = np.nan
        o[1] = np.nan  # a whole time
        f[:, 1, 4, 5] = np.nan  # one member
        o[4, 0, :] = np.nan
    single = f[:, 0]
    out = {}
    for name, x in [("single", single), ("mean", f.mean(axis=1).astype(np.float32).astype(float))]:
        valid = ~np.isnan(x - o) & region
        w = np.where(valid, w_all, 0)
        keep = w.sum(axis=(1, 2)) > 0
        d = np.where(valid, x - o, 0)
        per = lambda z: ((w * z).sum(axis=(1, 2))[keep] / w.sum(axis=(1, 2))[keep])
        out[name] = dict(rmse=np.sqrt(per(d**2).mean()), mae=per(abs(d)).mean(), bias=per(d).mean(), n=int(keep.sum()))
        # Weights of each time add up to 1 where nothing is missing.
        wn = w / w_all[region].sum()
        a, b = np.where(valid, x - c, 0), np.where(valid, o - c, 0)
        out[name]["acc"] = (wn * a * b).sum() / np.sqrt((wn * a * a).sum() * (wn * b * b).sum())
        yearly = lambda z: per(np.where(valid, z, 0))
        size = abs(yearly(o).mean())
        m = lambda z: np.where(valid, z, 0).sum(0) / np.maximum(valid.sum(0), 1)
        some = region & valid.any(0)
        out[name]["nrmse_spatial"] = np.sqrt(np.average((m(x) - m(o))[some] ** 2, weights=w_all[some])) / size
        out[name]["nrmse_global"] = np.sqrt(((yearly(x) - yearly(o)) ** 2).mean()) / size
        out[name]["nrmse"] = out[name]["nrmse_spatial"] + 5 * out[name]["nrmse_global"]
        if not holes:
            accs, times = [], []
            for i in range(0, T, BATCH):
                s = slice(i, min(T, i + BATCH))
                ap, bp = a[s][:, region], b[s][:, region]
                ap, bp, wp = ap - ap.mean(), bp - bp.mean(), np.broadcast_to(w_all[region], ap.shape)
                accs.append((wp * ap * bp).sum() / np.sqrt((wp * ap**2).sum() * (wp * bp**2).sum()))
                times.append(len(ap))
            out[name]["published_acc"] = np.average(accs, weights=times)
            out[name]["published_rmse"] = np.sqrt(per(d**2)).mean()
    valid = ~np.isnan(f.sum(axis=1) + o) & region
    w = np.where(valid, w_all, 0)
    keep = w.sum(axis=(1, 2)) > 0
    per = lambda z: ((w * np.where(valid, z, 0)).sum(axis=(1, 2))[keep] / w.sum(axis=(1, 2))[keep])
    error = abs(f - o[:, None]).mean(axis=1)
    pairs = abs(f[:, :, None] - f[:, None]).sum(axis=(1, 2))
    out["ensemble"] = dict(crps=per(error - pairs / (2 * M * M)).mean(), crps_fair=per(error - pairs / (2 * M * (M - 1))).mean(),
                           spread=np.sqrt(per(f.var(axis=1, ddof=1)).mean()))
    return out


cases = [dict(holes=h, region=name, want=scores(h, r)) for h in [False, True] for name, r in regions.items()]
json.dump(cases, sys.stdout, indent=1)
