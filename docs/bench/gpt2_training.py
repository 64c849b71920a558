#!/usr/bin/env python3
"""The peer of `go test -bench Training ./bio/protein`: a GPT-2 training step in
PyTorch with transformers, on the CPU, on random tokens.

    python3 gpt2_training.py LAYERS WIDTH HEADS VOCAB BATCH LENGTH f32|bf16 [compile]

prints tokens a second: forward, backward, clipping and AdamW; the median of
ten steps after three.
"""
import statistics
import sys
import time

import torch
from transformers import GPT2Config, GPT2LMHeadModel

layers, width, heads, vocab, batch, length = map(int, sys.argv[1:7])
dtype, compiled = sys.argv[7], "compile" in sys.argv[8:]
torch.manual_seed(0)
model = GPT2LMHeadModel(GPT2Config(n_layer=layers, n_embd=width, n_head=heads, vocab_size=vocab, n_positions=length,
                                   resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0)).train()
run = torch.compile(model) if compiled else model
opt = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)


def step():
    ids = torch.randint(vocab, (batch, length))
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
        loss = run(ids, labels=ids).loss
    opt.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()


times = []
for i in range(13):
    t = time.perf_counter()
    step()
    times.append(time.perf_counter() - t)
print(f"{batch * length / statistics.median(times[3:]):.0f} tokens/s, torch {torch.__version__}, {torch.get_num_threads()} threads, {dtype}{', compiled' if compiled else ''}")
