"""Makes steps/torch.json and steps/last.safetensors for TestStepsTransformers.

BertForMaskedLM of steps/ learns the masked rows of steps/batches.json (both are
written by go test -run StepsTransformers -update) with torch's AdamW as
transformers' Trainer sets it up for MatSciBERT: betas .9 and .98, epsilon
1e-6, decay 0.01 of all but biases and layer norms, a linear schedule with
warm-up, no clipping, and the loss the mean over two micro-batches of the mean
over masked tokens. The rate in warm-up is Kiban's, (step+1)/warm-up.

Made with torch 2.15.0, transformers 5.24.0, safetensors:
python steps.py
"""
import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import BertForMaskedLM

here = pathlib.Path(__file__).parent / "steps"
LR, WARMUP, STEPS, ACCUM = 1e-3, 2, 8, 2
model = BertForMaskedLM.from_pretrained(here, attn_implementation="eager").train()
named = list(model.named_parameters())
matrix = [p for n, p in named if p.dim() > 1]
vector = [p for n, p in named if p.dim() == 1]
opt = torch.optim.AdamW([{"params": matrix, "weight_decay": 0.01}, {"params": vector, "weight_decay": 0.0}],
                        lr=LR, betas=(0.9, 0.98), eps=1e-6)
batches = json.loads((here / "batches.json").read_text())
out = {"losses": [], "norms": [], "rates": []}
for step in range(STEPS):
    rate = LR * (step + 1) / WARMUP if step < WARMUP else LR * (1 - (step - WARMUP) / (STEPS - WARMUP))
    for g in opt.param_groups:
        g["lr"] = rate
    opt.zero_grad()
    total = 0.0
    for micro in range(ACCUM):
        b = {k: torch.tensor(v) for k, v in batches[step * ACCUM + micro].items()}
        loss = model(**b).loss / ACCUM
        loss.backward()
        total += loss.item()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
    opt.step()
    out["losses"].append(total)
    out["norms"].append(norm.item())
    out["rates"].append(rate)
(here / "torch.json").write_text(json.dumps(out))
save_file({n: p.detach().clone() for n, p in named}, here / "last.safetensors")
