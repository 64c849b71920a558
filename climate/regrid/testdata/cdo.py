"""Makes cdo.json.gz: fields regridded by CDO 2.1.1 (Debian 12) with remapbil, remapcon
and remapnn, on small grids. Needs cdo, numpy 2.4.6 and netCDF4 1.7.5.1:

    python cdo.py | gzip -9n > cdo.json.gz
"""
import json, os, subprocess, sys, tempfile
import netCDF4, numpy as np

rng = np.random.default_rng(7)


def bounds(x, low=-1e9, high=1e9):
    x = np.asarray(x)
    d = np.diff(x)
    edges = np.concatenate([[x[0] - d[0] / 2], x[:-1] + d / 2, [x[-1] + d[-1] / 2]])
    return np.clip(edges, low, high)


def write(path, lat, lon, values):
    f = netCDF4.Dataset(path, "w")
    for name, x, edges, unit in [("lat", lat, bounds(lat, -90, 90), "degrees_north"), ("lon", lon, bounds(lon), "degrees_east")]:
        f.createDimension(name, len(x))
        v = f.createVariable(name, "f8", (name,))
        v.units, v.standard_name, v.bounds = unit, {"lat": "latitude", "lon": "longitude"}[name], name + "_bnds"
        v[:] = x
    f.createDimension("two", 2)
    for name, x, edges in [("lat", lat, bounds(lat, -90, 90)), ("lon", lon, bounds(lon))]:
        f.createVariable(name + "_bnds", "f8", (name, "two"))[:] = np.stack([edges[:-1], edges[1:]], 1)
    v = f.createVariable("x", "f8", ("lat", "lon"), fill_value=-1e30)
    v.units = "K"
    v[:] = np.where(np.isnan(values), -1e30, values)
    f.close()


def target(path, lat, lon):
    le, oe = bounds(lat, -90, 90), bounds(lon)
    row = lambda x: " ".join("%.15g" % v for v in x)
    with open(path, "w") as f:
        f.write("gridtype = lonlat\nxsize = %d\nysize = %d\n" % (len(lon), len(lat)))
        f.write("xvals = %s\nyvals = %s\n" % (row(lon), row(lat)))
        f.write("xbounds = %s\nybounds = %s\n" % (row(np.stack([oe[:-1], oe[1:]], 1).ravel()), row(np.stack([le[:-1], le[1:]], 1).ravel())))


def centres(n):
    return -90 + (np.arange(n) + 0.5) * 180 / n


sources = {
    "regular": (centres(12), np.arange(24) * 15.0),
    "north first, from -180": (centres(16)[::-1], -180 + np.arange(20) * 18.0 + 4),
    "with poles": (np.linspace(90, -90, 13), np.arange(18) * 20.0),
    "uneven rows": (np.array([-78.5, -61, -48, -30.5, -14, 0.5, 15, 33, 44.5, 60, 77]), np.arange(16) * 22.5),
    "regional": (np.arange(20, 61, 4.0), np.arange(220, 301, 5.0)),
}
targets = {
    "32x64 like": (centres(8), np.arange(16) * 22.5),
    "fine": (centres(20)[::-1], -180 + np.arange(30) * 12.0),
}
cases = []
with tempfile.TemporaryDirectory() as d:
    for sname, (lat, lon) in sources.items():
        values = 280 + 20 * np.sin(np.deg2rad(lat))[:, None] * np.cos(2 * np.deg2rad(lon))[None, :] + rng.normal(size=(len(lat), len(lon)))
        values = values.astype(np.float32).astype(float)
        for holes in [False, True]:
            v = values.copy()
            if holes:
                v[rng.random(v.shape) < 0.25] = np.nan
            for tname, (tlat, tlon) in targets.items():
                write(d + "/in.nc", lat, lon, v)
                target(d + "/grid", tlat, tlon)
                for method, op in [("bilinear", "remapbil"), ("conservative", "remapcon"), ("nearest", "remapnn")]:
                    if holes and method != "conservative":
                        continue  # CDO looks for other neighbours; Kiban renormalises
                    subprocess.run(["cdo", "-s", "-b", "F64", op + "," + d + "/grid", d + "/in.nc", d + "/out.nc"], check=True, stderr=sys.stderr)
                    with netCDF4.Dataset(d + "/out.nc") as f:
                        got = f["x"][:].filled(np.nan)
                        assert np.allclose(f["lat"][:], tlat) and np.allclose(f["lon"][:], tlon)
                    os.remove(d + "/out.nc")
                    clean = lambda a: [None if np.isnan(z) else float("%.9g" % z) for z in np.asarray(a, float).ravel()]
                    cases.append(dict(source=sname, target=tname, holes=holes, method=method, lat=clean(lat), lon=clean(lon),
                                      target_lat=clean(tlat), target_lon=clean(tlon), values=clean(v), want=clean(got)))
json.dump(cases, sys.stdout, separators=(",", ":"))
