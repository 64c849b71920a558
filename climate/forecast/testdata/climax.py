#!/usr/bin/env python3
"""Makes the fixtures of climate/forecast from the published ClimaX.

    git clone https://github.com/microsoft/ClimaX  (made with 6d5d354)
    python3 climax.py ClimaX/src     writes expect.json, odd.safetensors, new.ckpt and old.ckpt here

Made with torch 2.15.0, timm 0.6.12, numpy 2.4.6. timm 0.6.12 is imported around
what later versions of Python refuse in models that ClimaX has no part in.

Weights and fields are not stored: both sides draw them from Philox 4x32-10 by
place (graph.Philox in Go). Of the gradients the fixture holds, for each tensor,
the norm, 8 elements, and 8 sums with random signs.
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
from safetensors.numpy import save_file

np.float = float  # as numpy had it
where = importlib.util.find_spec("timm").submodule_search_locations[0]
for name, sub in (("timm", ""), ("timm.models", "models")):
    module = types.ModuleType(name)
    module.__path__, module.__version__ = [os.path.join(where, sub)], "0.6.12"
    sys.modules[name] = module
sys.path.insert(0, sys.argv[1])
from climax.arch import ClimaX
from climax.climate_projection.arch import ClimaXClimateBench
from climax.regional_forecast.arch import RegionalClimaX
from climax.utils.data_utils import get_region_info
from climax.utils.metrics import lat_weighted_mse, mse
from climax.utils.pos_embed import interpolate_pos_embed

here = os.path.dirname(os.path.abspath(__file__))
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


def uniform(n, stream, seed):
    """n numbers in [0, 1), exact in float32."""
    return (philox(np.arange(n), stream, 0, seed, 0) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def draw(stream, *shape):
    u = uniform(int(np.prod(shape)), stream, 7) - np.float32(0.5)
    return torch.from_numpy(u.reshape(shape) * np.float32(4))


def fill(model):
    """Weights by place: parameter number i, in the order of their names."""
    params = dict(model.named_parameters())
    with torch.no_grad():
        for i, name in enumerate(sorted(params)):
            p = params[name]
            u = uniform(p.numel(), i, 1).reshape(p.shape) - np.float32(0.5)
            centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            p.copy_(torch.from_numpy(u * np.float32(0.2 if p.dim() > 1 else 0.1) + np.float32(centre)))


def sketch(g, i):
    flat = g.reshape(-1).astype(np.float64)
    n = flat.size
    at = philox(np.arange(8), i, 0, 11, 0).astype(np.int64) % n
    sums = []
    for k in range(8):
        sign = 1.0 - 2.0 * (philox(np.arange(n), i, k, 13, 0) & np.uint32(1)).astype(np.float64)
        sums.append(float((flat * sign).sum()))
    short = lambda x: float("%.8g" % x)
    return {"norm": short(np.sqrt((flat**2).sum())), "elements": [short(flat[j]) for j in at], "sums": [short(x) for x in sums]}


def gradients(m):
    params = dict(m.named_parameters())
    return {"net." + n: sketch((torch.zeros_like(params[n]) if params[n].grad is None else params[n].grad).numpy(), i)
            for i, n in enumerate(sorted(params))}


def axes(rows, columns):
    return -90 + 180 / rows * (np.arange(rows) + 0.5), 360 / columns * (np.arange(columns) + 0.5)


WIDE = dict(default_vars=list("abcde"), img_size=[8, 16], patch_size=2, embed_dim=24, depth=2, decoder_depth=2, num_heads=3, mlp_ratio=4.0)
TALL = dict(default_vars=list("abc"), img_size=[12, 8], patch_size=4, embed_dim=16, depth=1, decoder_depth=1, num_heads=2, mlp_ratio=2.0)
PART = dict(default_vars=list("abcd"), img_size=[16, 32], patch_size=2, embed_dim=16, depth=1, decoder_depth=2, num_heads=4, mlp_ratio=4.0)
NONE = dict(drop_path=0.0, drop_rate=0.0)
# name: configuration, stacked, variables, out variables, hours, masked
CASES = {
    "wide all": (WIDE, False, "abcde", "abcde", [6, 72], False),
    "wide three": (WIDE, False, "eac", "be", [120, 0], True),
    "wide one": (WIDE, True, "d", "da", [24, 24], False),
    "tall all": (TALL, True, "abc", "c", [168, 12], False),
    "tall two": (TALL, False, "ca", "abc", [1, 336], True),
    "tall one": (TALL, False, "b", "b", [48, 720], False),
}


def main():
    expect, fields = {"cases": {}}, {}
    for number, (name, (cfg, stacked, seen, out, hours, masked)) in enumerate(CASES.items()):
        m = ClimaX(**cfg, **NONE, parallel_patch_embed=stacked)
        fill(m)
        rows, columns = cfg["img_size"]
        lat, _ = axes(rows, columns)
        x, y = draw(100 + number, 2, len(seen), rows, columns), draw(200 + number, 2, len(out), rows, columns)
        mask = torch.from_numpy((uniform(2 * rows * columns, 300 + number, 7) >= 0.25).reshape(2, rows, columns)).float() if masked else None
        lead = torch.tensor(hours, dtype=torch.float32) / 100

        def metric(pred, y, variables, lat):
            return lat_weighted_mse(pred, y, variables, lat, mask)

        loss, pred = m(x, y, lead, list(seen), list(out), [metric], lat)
        loss[0]["loss"].backward()
        fields[name] = pred.detach().numpy()
        expect["cases"][name] = {"loss": float(loss[0]["loss"]), "by_variable": [float(loss[0][v]) for v in out], "gradients": gradients(m)}

    # A region, as the published function finds it and where it should be.
    lat, lon = axes(16, 32)
    for name, given in (("mirrored", lat), ("right", lat[::-1])):
        m = RegionalClimaX(**PART, **NONE)
        fill(m)
        region = get_region_info("NorthAmerica", given, lon, 2)
        x, y = draw(110, 2, 3, 16, 32), draw(210, 2, 2, 16, 32)
        loss, pred = m(x, y, torch.tensor([0.06, 0.72]), list("cab"), list("da"), [lat_weighted_mse], lat, region)
        loss[0]["loss"].backward()
        fields[name] = pred.detach().numpy()
        expect["cases"][name] = {"loss": float(loss[0]["loss"]), "by_variable": [float(loss[0][v]) for v in "da"], "gradients": gradients(m),
                                 "patches": [int(i) for i in region["patch_ids"]],
                                 "box": [int(region[k]) for k in ("min_h", "max_h", "min_w", "max_w")]}

    # Three years of forcings to a field.
    bench = dict(WIDE, default_vars=list("abcd"))
    m = ClimaXClimateBench(**bench, **NONE, out_vars="tas", time_history=3)
    fill(m)
    x, y = draw(120, 2, 3, 4, 8, 16), draw(220, 2, 1, 8, 16)
    loss, pred = m(x, y, torch.tensor([0.0, 0.5]), list("abcd"), ["tas"], [mse], None)
    loss[0]["loss"].backward()
    fields["projection"] = pred.detach().numpy()
    expect["cases"]["projection"] = {"loss": float(loss[0]["loss"]), "by_variable": [float(loss[0]["tas"])], "gradients": gradients(m)}
    frozen = ClimaXClimateBench(**bench, **NONE, out_vars="tas", time_history=3, freeze_encoder=True)
    expect["frozen"] = sorted("net." + n for n, p in frozen.named_parameters() if not p.requires_grad)

    # How weights begin: the places and variables, and the deviations of the others.
    torch.manual_seed(0)
    begun = ClimaXClimateBench(**dict(bench, embed_dim=96, num_heads=3), out_vars="tas", time_history=5)
    expect["begin"] = {n: getattr(begun, n.removeprefix("net."))[0].tolist() for n in ("var_embed", "time_pos_embed")}
    expect["begin"]["pos_embed"] = begun.pos_embed[0, :, ::6].tolist()
    expect["deviations"] = {"net." + n: float(p.detach().pow(2).mean().sqrt()) for n, p in begun.named_parameters()}
    expect["parameters"] = sum(p.numel() for p in ClimaX([str(i) for i in range(48)]).parameters())

    # Places on other grids.
    class To:
        patch_size = 1
    expect["resized"] = {}
    for size in ((6, 12), (3, 7), (8, 5)):
        d = {"net.pos_embed": draw(130, 1, 4 * 8, 3)}
        interpolate_pos_embed(To, d, new_size=size)
        expect["resized"]["%dx%d" % size] = d["net.pos_embed"].reshape(-1).tolist()

    # Checkpoints as Lightning 1.x writes them, with all that stands around the weights.
    m = ClimaX(**TALL, **NONE)
    fill(m)
    state = {"net." + n: p.detach() for n, p in m.state_dict().items()}
    old = {n.replace("var_", "channel_"): p for n, p in state.items()}
    for file, weights in (("new.ckpt", state), ("old.ckpt", old)):
        torch.save({
            "epoch": 3, "global_step": 1234, "pytorch-lightning_version": "1.6.5", "state_dict": weights,
            "callbacks": {"ModelCheckpoint{'monitor': 'val/w_rmse', 'mode': 'min'}": {
                "monitor": "val/w_rmse", "best_model_score": torch.tensor(0.5), "best_model_path": "/x/epoch_003.ckpt", "current_score": torch.tensor(0.6),
                "dirpath": "/x", "best_k_models": {"/x/epoch_003.ckpt": torch.tensor(0.5)}, "kth_value": torch.tensor(0.5), "last_model_path": ""}},
            "optimizer_states": [{"state": {0: {"step": 12, "exp_avg": torch.zeros(3), "exp_avg_sq": torch.ones(3)}},
                                  "param_groups": [{"lr": 5e-7, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 1e-5, "params": [0]}]}],
            "lr_schedulers": [{"warmup_epochs": 60, "max_epochs": 600, "base_lrs": [5e-4, 5e-4], "last_epoch": 1234, "_last_lr": [1e-4, 1e-4]}],
            "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 4, "started": 4}}}},
            "hparams_name": "kwargs", "hyper_parameters": {"pretrained_path": "", "lr": 5e-7, "beta_1": 0.9},
        }, os.path.join(here, file))
    save_file(fields, os.path.join(here, "odd.safetensors"))
    os.chmod(os.path.join(here, "odd.safetensors"), 0o644)
    with open(os.path.join(here, "expect.json"), "w") as f:
        json.dump(expect, f, separators=(",", ":"))
        f.write("\n")


main()
