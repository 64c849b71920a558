#!/usr/bin/env python3
"""The published ClimaX on the CPU, beside go test -bench 'Forecast|TrainingStep' ./climate/forecast.

    git clone https://github.com/microsoft/ClimaX  (measured with 6d5d354)
    python3 climax.py ClimaX/src [seconds]

5.625 degrees, patches of 2x2, width 256, depth 4, 16 variables, batch 4, f32 on 2 threads, as published in all else;
the list of convolutions and the stacked form. Needs torch, timm 0.6.12, numpy and scipy.
"""
import importlib.util
import os
import sys
import time
import types
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import torch

np.float = float  # as numpy had it
where = importlib.util.find_spec("timm").submodule_search_locations[0]
for name, sub in (("timm", ""), ("timm.models", "models")):
    module = types.ModuleType(name)
    module.__path__, module.__version__ = [os.path.join(where, sub)], "0.6.12"
    sys.modules[name] = module
sys.path.insert(0, sys.argv[1])
from climax.arch import ClimaX
from climax.utils.metrics import lat_weighted_mse

torch.set_num_threads(2)
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
BATCH, VARIABLES = 4, [str(i) for i in range(16)]
lat = -90 + 5.625 * (np.arange(32) + 0.5)
x = torch.randn(BATCH, 16, 32, 64)
y = torch.randn(BATCH, 16, 32, 64)
lead = torch.full((BATCH,), 0.72)


def rate(name, step):
    step()
    times, begun = [], time.perf_counter()
    while time.perf_counter() - begun < seconds:
        t = time.perf_counter()
        step()
        times.append(time.perf_counter() - t)
    median = sorted(times)[len(times) // 2]
    print(f"{name}: median {1000 * median:.0f} ms of {len(times)}, {BATCH / median:.2f} fields/s")


for form in (False, True):
    model = ClimaX(VARIABLES, [32, 64], 2, 256, 4, 2, 8, parallel_patch_embed=form)
    decay = [p for n, p in model.named_parameters() if "var_embed" not in n and "pos_embed" not in n]
    rest = [p for n, p in model.named_parameters() if "var_embed" in n or "pos_embed" in n]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 1e-5}, {"params": rest, "weight_decay": 0}], lr=5e-4, betas=(0.9, 0.95))

    def training():
        loss, _ = model(x, y, lead, VARIABLES, VARIABLES, [lat_weighted_mse], lat)
        optimizer.zero_grad()
        loss[0]["loss"].backward()
        optimizer.step()

    def forecast():
        with torch.no_grad():
            model(x, y, lead, VARIABLES, VARIABLES, None, lat)

    what = "stacked" if form else "listed"
    model.train()
    rate(f"training step, {what}", training)
    model.eval()
    rate(f"forecast, {what}", forecast)
