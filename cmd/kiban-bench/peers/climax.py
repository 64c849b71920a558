"""The published ClimaX (github.com/microsoft/ClimaX, src in PYTHONPATH or
CLIMAX_SOURCE) with random weights: a training step or a forecast at 5.625 degrees
in patches of 2x2.

    climax.py DEVICE SECONDS step|forecast listed|stacked VARIABLES WIDTH DEPTH HEADS BATCH f32|bf16 [compile]

bf16 is autocast. Compiled, its blocks attend by scaled_dot_product_attention,
which the published ones do not. It was written for timm 0.6.12 and an older numpy; only the modules of timm that
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

from timing import arguments, attended, clock

device, seconds, (task, form, *sizes) = arguments()
variables, width, depth, heads, batch = map(int, sizes[:5])
half, compiled = sizes[5] == "bf16", "compile" in sizes
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

VARIABLES = [str(i) for i in range(variables)]
lat = -90 + 5.625 * (np.arange(32) + 0.5)
x, y = (torch.randn(batch, variables, 32, 64, device=device) for _ in range(2))
lead = torch.full((batch,), 0.72, device=device)
model = ClimaX(VARIABLES, [32, 64], 2, width, depth, 2, heads, parallel_patch_embed=form == "stacked").to(device)
if compiled:
    import timm.models.vision_transformer as timm_blocks

    def attention(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.num_heads, c // self.num_heads).permute(2, 0, 3, 1, 4)
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=self.attn_drop.p if self.training else 0.0)
        return self.proj_drop(self.proj(y.transpose(1, 2).reshape(b, n, c)))

    timm_blocks.Attention.forward = attention
    model = torch.compile(model)
if task == "step":
    decay = [p for n, p in model.named_parameters() if "var_embed" not in n and "pos_embed" not in n]
    rest = [p for n, p in model.named_parameters() if "var_embed" in n or "pos_embed" in n]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 1e-5}, {"params": rest, "weight_decay": 0}], lr=5e-4, betas=(0.9, 0.95), fused=half)

    def step(_):
        with torch.autocast(device, torch.bfloat16, enabled=half):
            loss, _ = model(x, y, lead, VARIABLES, VARIABLES, [lat_weighted_mse], lat)
        optimizer.zero_grad()
        loss[0]["loss"].backward()
        optimizer.step()

    step(0)
    clock(seconds, batch, step, device, note=attended(lambda: step(1)) if compiled else "")
else:
    model.eval()
    with torch.no_grad():
        clock(seconds, batch, lambda _: model(x, y, lead, VARIABLES, VARIABLES, None, lat), device)
