#!/usr/bin/env python3
"""Makes the fixtures of bfloat16 and float16 from GPT2LMHeadModel (see gpt2.py).

Run in an environment with torch and transformers (made with torch 2.15.0 and
transformers 5.23.0):

    python3 half.py    writes half.safetensors and half.json here

For each of the two types, of the odd model: with weights rounded to the type,
every tenth row of the logits as float32 computes them from those weights
("<type>.exact") and as the type does ("<type>.logits"); and losses and gradient
norms of the twenty steps of gpt2.py, with float32 masters and under autocast.
"""
import json
import os

import torch
from safetensors.torch import save_file

from gpt2 import here, odd_model, tokens

BATCH, LENGTH, VOCAB, EVERY = 2, 77, 257, 10


def batch(step):
    return torch.from_numpy(tokens(BATCH * LENGTH, step, VOCAB).reshape(BATCH, LENGTH))


@torch.no_grad()
def logits(dtype):
    m = odd_model().eval().to(dtype)
    got = m(batch(0)).logits
    exact = m.float()(batch(0)).logits
    return [x.reshape(-1, VOCAB)[::EVERY].contiguous() for x in (got, exact)]


def train(dtype):
    m = odd_model().train()
    decay = [p for p in m.parameters() if p.dim() > 1]
    rest = [p for p in m.parameters() if p.dim() <= 1]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}],
                            lr=1e-3, betas=(0.9, 0.95), eps=1e-8)
    scaler = torch.amp.GradScaler("cpu", enabled=dtype == torch.float16)
    losses, norms = [], []
    for step in range(20):
        rate = 1e-3 * (step + 1) / 4 if step < 4 else 1e-3 * (1 - (step - 4) / 16)
        for g in opt.param_groups:
            g["lr"] = rate
        with torch.autocast("cpu", dtype=dtype):
            loss = m(batch(step), labels=batch(step)).loss
        opt.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(opt)
        norms.append(float(torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)))
        scaler.step(opt)
        scaler.update()
        losses.append(loss.item())
    return {"losses": losses, "norms": norms, "scale": scaler.get_scale()}


def main():
    out, expect = {}, {}
    for name, dtype in (("bf16", torch.bfloat16), ("f16", torch.float16)):
        out[name + ".logits"], out[name + ".exact"] = logits(dtype)
        expect[name] = train(dtype)
    save_file(out, os.path.join(here, "half.safetensors"))
    os.chmod(os.path.join(here, "half.safetensors"), 0o644)
    with open(os.path.join(here, "half.json"), "w") as f:
        json.dump(expect, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
