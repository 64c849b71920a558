"""The published ClimaX (github.com/microsoft/ClimaX, src in PYTHONPATH or
CLIMAX_SOURCE) with random weights: a training step or a forecast of 4 fields of
16 variables at 5.625 degrees in patches of 2x2.

    climax.py DEVICE SECONDS step|forecast listed|stacked WIDTH DEPTH

It was written for timm 0.6.12 and an older numpy; only the modules of timm that
it uses are imported.
"""
import importlib.util
import os
import sys
import types
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import torch

from timing import arguments, clock

device, seconds, (task, form, width, depth) = arguments()
np.float = float  # as numpy had it
where = importlib.util.find_spec("timm").submodule_search_locations[0]
for name, sub in (("timm", ""), ("timm.models", "models")):
    module = types.ModuleType(name)
    module.__path__, module.__version__ = [os.path.join(where, sub)], "0.6.12"
    sys.modules[name] = module
if "CLIMAX_SOURCE" in os.environ:
    sys.path.insert(0, os.environ["CLIMAX_SOURCE"])
from climax.arch import ClimaX
from climax.utils.metrics import lat_weighted_mse

BATCH, VARIABLES = 4, [str(i) for i in range(16)]
lat = -90 + 5.625 * (np.arange(32) + 0.5)
x, y = (torch.randn(BATCH, 16, 32, 64, device=device) for _ in range(2))
lead = torch.full((BATCH,), 0.72, device=device)
model = ClimaX(VARIABLES, [32, 64], 2, int(width), int(depth), 2, 8, parallel_patch_embed=form == "stacked").to(device)
if task == "step":
    decay = [p for n, p in model.named_parameters() if "var_embed" not in n and "pos_embed" not in n]
    rest = [p for n, p in model.named_parameters() if "var_embed" in n or "pos_embed" in n]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 1e-5}, {"params": rest, "weight_decay": 0}], lr=5e-4, betas=(0.9, 0.95))

    def step(_):
        loss, _ = model(x, y, lead, VARIABLES, VARIABLES, [lat_weighted_mse], lat)
        optimizer.zero_grad()
        loss[0]["loss"].backward()
        optimizer.step()

    clock(seconds, BATCH, step, device)
else:
    model.eval()
    with torch.no_grad():
        clock(seconds, BATCH, lambda _: model(x, y, lead, VARIABLES, VARIABLES, None, lat), device)
