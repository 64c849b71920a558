#!/usr/bin/env python3
"""Makes projection.json: losses of the published ClimaX for ClimateBench on made-up files.

    git clone https://github.com/microsoft/ClimaX  (made with 6d5d354)
    kiban climate example -o example
    python3 projection.py ClimaX/src example     writes projection.json here

Made with torch 2.15.0, timm 0.6.12, numpy 2.4.6, xarray 2026.9.0. Reading, histories and the loss are the published
code's; weights are drawn by place, as climate/forecast/testdata/climax.py does. timm 0.6.12 is imported around what
later versions of Python refuse in models that ClimaX has no part in.
"""
import importlib.util
import json
import os
import sys
import types
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import torch
import xarray as xr

np.float = float  # as numpy had it
where = importlib.util.find_spec("timm").submodule_search_locations[0]
for name, sub in (("timm", ""), ("timm.models", "models")):
    module = types.ModuleType(name)
    module.__path__, module.__version__ = [os.path.join(where, sub)], "0.6.12"
    sys.modules[name] = module
xr.open_mfdataset = lambda paths: xr.combine_by_coords([xr.open_dataset(p) for p in paths])  # without dask
sys.path.insert(0, sys.argv[1])
from climax.climate_projection.arch import ClimaXClimateBench
from climax.climate_projection.dataset import input_for_training, load_x_y, output_for_training
from climax.utils.metrics import mse

torch.set_num_threads(2)


def philox(c0, c1, c2, k0, k1):
    c = [np.asarray(x, np.uint64) for x in (c0, c1, c2, 0)]
    k0, k1 = np.uint64(k0), np.uint64(k1)
    low, s32 = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> s32) ^ c[1] ^ k0, p1 & low, (p0 >> s32) ^ c[3] ^ k1, p0 & low]
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return c[0].astype(np.uint32)


def fill(model):
    params = dict(model.named_parameters())
    with torch.no_grad():
        for i, name in enumerate(sorted(params)):
            p = params[name]
            u = (philox(np.arange(p.numel()), i, 0, 1, 0) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
            centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            p.copy_(torch.from_numpy((u.reshape(p.shape) - np.float32(0.5)) * np.float32(0.2 if p.dim() > 1 else 0.1) + np.float32(centre)))


def main():
    files, variables, history, old, years = sys.argv[2], ["CO2", "SO2", "CH4", "BC"], 10, 65, 24
    x, y, lat, lon = load_x_y(files, ["ssp126"], ["tas"])
    x, y = x["ssp126"][: old + years], y["ssp126"][: old + years]
    mean = x.astype(np.float64).mean(axis=(0, 2, 3))
    std = x.astype(np.float64).std(axis=(0, 2, 3))
    seen = input_for_training(x, skip_historical=True, history=history, len_historical=old)
    made = output_for_training(y, skip_historical=True, history=history, len_historical=old)
    m = ClimaXClimateBench(variables, out_vars="tas", img_size=[len(lat), len(lon)], time_history=history, patch_size=2, embed_dim=24, depth=2,
                           decoder_depth=2, num_heads=3, mlp_ratio=4.0, drop_path=0.0, drop_rate=0.0)
    fill(m)
    z = ((seen.astype(np.float64) - mean[:, None, None]) / std[:, None, None]).astype(np.float32)
    losses = []
    for i in range(years):
        loss, _ = m(torch.from_numpy(z[i : i + 1]), torch.from_numpy(made[i : i + 1]), torch.zeros(1), variables, ["tas"], [mse], lat)
        losses.append(float(loss[0]["loss"]))
    expect = {"mean": list(mean), "std": list(std), "losses": losses, "co2": [float(v) for v in seen[0, :, 0, 0, 0]], "tas": float(made[0, 0, 3, 5])}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "projection.json"), "w") as f:
        json.dump(expect, f, separators=(",", ":"))
        f.write("\n")


main()
