"""Makes real.json.gz: first fields of real files on the 32x64 grid of ClimaX, by
CDO 2.1.1 (Debian 12). Needs cdo, numpy 2.4.6, netCDF4 1.7.5.1 and the files:

    python real.py FOLDER | gzip -9n > real.json.gz
"""
import json, os, subprocess, sys, tempfile
import netCDF4, numpy as np

cases = []
with tempfile.TemporaryDirectory() as d:
    lat, lon = -90 + 2.8125 + 5.625 * np.arange(32), 5.625 * np.arange(64)
    with open(d + "/grid", "w") as f:
        f.write("gridtype = lonlat\nxsize = 64\nysize = 32\nxfirst = 0\nxinc = 5.625\nyfirst = -87.1875\nyinc = 5.625\n")
    for path, var in [
        ("tas_Amon_CanESM2_rcp85_r1i1p1_200701-200712.nc", "tas"),
        ("esgf/tas_Amon_AWI-ESM-1-1-LR_1pctCO2_r1i1p1f1_gn_185501.nc", "tas"),
        ("esgf/tas_Amon_FGOALS-g3_historical_r1i1p1f1_gn_185001.nc", "tas"),
    ]:
        for method, op in [("bilinear", "remapbil"), ("conservative", "remapcon")]:
            subprocess.run(["cdo", "-s", "-b", "F64", "%s,%s/grid" % (op, d), "-seltimestep,1", "-selname," + var,
                            os.path.join(sys.argv[1], path), d + "/out.nc"], check=True, stderr=subprocess.DEVNULL)
            with netCDF4.Dataset(d + "/out.nc") as f:
                assert np.allclose(f["lat"][:], lat) and np.allclose(f["lon"][:], lon)
                x = np.squeeze(f[var][:])
                assert x.shape == (32, 64) and not np.ma.is_masked(x)
            os.remove(d + "/out.nc")
            cases.append(dict(file=path, variable=var, method=method, want=[float("%.8g" % v) for v in np.asarray(x).ravel()]))
json.dump(cases, sys.stdout, separators=(",", ":"))
