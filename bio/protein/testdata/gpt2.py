#!/usr/bin/env python3
"""Makes the fixtures of bio/protein from transformers' GPT2LMHeadModel.

Run in an environment with torch and transformers (made with torch 2.15.0 and
transformers 5.23.0):

    python3 gpt2.py            writes odd.safetensors, hf/, expect.json and beams.json here
    python3 gpt2.py beams      writes beams.json alone
    python3 gpt2.py check DIR  opens a directory that Kiban saved and compares
                               its logits with those of the fixture's weights

Weights, tokens and logits to filter are not stored: both sides draw them from
Philox 4x32-10 by place (graph.Philox in Go). Of the gradients of the odd model
the fixture holds, for each tensor, the norm, 64 elements, and 16 sums with
random signs, which no error of more than the tolerance survives.
"""
import json
import os
import sys

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.generation.logits_process import (
    RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper)

here = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(2)


def philox(c0, c1, c2, k0, k1):
    c = [np.asarray(x, np.uint64) for x in (c0, c1, c2, 0)]
    k0, k1 = np.uint64(k0), np.uint64(k1)
    low = np.uint64(0xFFFFFFFF)
    s32 = np.uint64(32)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> s32) ^ c[1] ^ k0, p1 & low, (p0 >> s32) ^ c[3] ^ k1, p0 & low]
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return c[0].astype(np.uint32)


def uniform(n, stream, seed):
    """n numbers in [0, 1), exact in float32."""
    return (philox(np.arange(n), stream, 0, seed, 0) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def tokens(n, stream, vocab):
    return (philox(np.arange(n), stream, 0, 7, 0) % np.uint32(vocab)).astype(np.int64)


def fill(model):
    """Weights by place: parameter number i, in the order of their names."""
    params = dict(model.named_parameters())
    with torch.no_grad():
        for i, name in enumerate(sorted(params)):
            p = params[name]
            u = uniform(p.numel(), i, 1).reshape(p.shape) - np.float32(0.5)
            scale = 0.2 if p.dim() > 1 else 0.1
            centre = 1.0 if "ln_" in name and name.endswith("weight") else 0.0
            p.copy_(torch.from_numpy(u * np.float32(scale) + np.float32(centre)))


def config(layers, width, heads, vocab, context):
    return GPT2Config(n_layer=layers, n_embd=width, n_head=heads, vocab_size=vocab, n_positions=context,
                      resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
                      attn_implementation="eager")


def odd_model():
    m = GPT2LMHeadModel(config(5, 120, 6, 257, 96))
    fill(m)
    return m


def sketch(g, i):
    flat = g.reshape(-1).astype(np.float64)
    n = flat.size
    at = philox(np.arange(64), i, 0, 11, 0).astype(np.int64) % n
    sums = []
    for k in range(16):
        sign = 1.0 - 2.0 * (philox(np.arange(n), i, k, 13, 0) & np.uint32(1)).astype(np.float64)
        sums.append(float((flat * sign).sum()))
    return {"norm": float(np.sqrt((flat**2).sum())), "elements": [float(flat[j]) for j in at], "sums": sums}


def main():
    expect = {}
    batch, length, vocab = 2, 77, 257
    m = odd_model().train()
    ids = torch.from_numpy(tokens(batch * length, 0, vocab).reshape(batch, length))
    out = m(ids, labels=ids)
    out.loss.backward()
    save_file({"logits": out.logits.detach().numpy()}, os.path.join(here, "odd.safetensors"))
    expect["loss"] = float(out.loss)
    params = dict(m.named_parameters())
    expect["gradients"] = {n: sketch(params[n].grad.numpy(), i) for i, n in enumerate(sorted(params))}

    # Twenty steps of AdamW with clipping, warm-up and linear decay.
    m = odd_model().train()
    decay = [p for p in m.parameters() if p.dim() > 1]
    rest = [p for p in m.parameters() if p.dim() <= 1]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}],
                            lr=1e-3, betas=(0.9, 0.95), eps=1e-8)
    losses, norms = [], []
    for step in range(20):
        rate = 1e-3 * (step + 1) / 4 if step < 4 else 1e-3 * (1 - (step - 4) / 16)
        for g in opt.param_groups:
            g["lr"] = rate
        ids = torch.from_numpy(tokens(batch * length, step, vocab).reshape(batch, length))
        loss = m(ids, labels=ids).loss
        opt.zero_grad()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)))
        opt.step()
        losses.append(float(loss))
    expect["adamw"] = {"losses": losses, "norms": norms}

    # Greedy decoding from prompts of different lengths, with and without a penalty.
    m = odd_model().eval()
    greedy = []
    for n in (1, 5, 17):
        for penalty in (1.0, 1.3):
            prompt = torch.from_numpy(tokens(n, 100 + n, vocab).reshape(1, n))
            got = m.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_length=60,
                             repetition_penalty=penalty, pad_token_id=0, eos_token_id=0)
            greedy.append({"prompt": prompt[0].tolist(), "penalty": penalty, "ids": got[0].tolist()})
    expect["greedy"] = greedy

    # Logits processors on random logits.
    filters = []
    rows, v = 3, 1000
    logits = (uniform(rows * v, 50, 3).reshape(rows, v) - np.float32(0.5)) * np.float32(12)
    history = tokens(rows * 40, 60, v).reshape(rows, 40)
    for penalty, temperature, k, p in ((1.2, 1.0, 950, 1.0), (1.0, 0.7, 50, 0.9), (1.5, 1.3, 0, 0.5), (1.0, 1.0, 1, 1.0), (1.2, 0.8, 0, 0.99)):
        x = torch.from_numpy(logits.copy())
        x = RepetitionPenaltyLogitsProcessor(penalty)(torch.from_numpy(history), x)
        x = TemperatureLogitsWarper(temperature)(None, x)
        if k:
            x = TopKLogitsWarper(k)(None, x)
        if p < 1:
            x = TopPLogitsWarper(p)(None, x)
        kept = torch.isfinite(x)
        filters.append({"penalty": penalty, "temperature": temperature, "top_k": k, "top_p": p,
                        "kept": [torch.nonzero(r).flatten().tolist() for r in kept],
                        "sum": [float(r[kk].double().sum()) for r, kk in zip(x, kept)],
                        "max": [float(r.max()) for r in x]})
    expect["filters"] = filters

    # A directory that transformers saved.
    small = GPT2LMHeadModel(config(2, 24, 2, 61, 32))
    fill(small)
    small.eval().save_pretrained(os.path.join(here, "hf"))
    ids = torch.from_numpy(tokens(20, 5, 61).reshape(1, 20))
    expect["hf_logits"] = small(ids).logits[0].double().tolist()
    with open(os.path.join(here, "expect.json"), "w") as f:
        json.dump(expect, f, separators=(",", ":"))
        f.write("\n")


def beams():
    """Beam search: the sequences of generate() with their scores, the best
    first. Token 18 ends a sequence, for the model draws it often."""
    m, vocab, end, limit = odd_model().eval(), 257, 18, 40
    cases = []
    for n in (1, 4, 9, 17):
        prompt = torch.from_numpy(tokens(n, 200 + n, vocab).reshape(1, n))
        for k in (2, 3, 4, 5):
            for early in (False, True, "never"):
                i = len(cases)
                length_penalty = (1.0, 0.0, 2.0, -0.5)[(i + i // 4) % 4]
                penalty = (1.0, 1.3)[(i // 3 + n) % 2]
                got = m.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_length=limit,
                                 num_beams=k, num_return_sequences=k, length_penalty=length_penalty,
                                 early_stopping=early, repetition_penalty=penalty, pad_token_id=256, eos_token_id=end,
                                 return_dict_in_generate=True, output_scores=True)
                ids = []
                for row in got.sequences.tolist():
                    tail = row[n:]
                    tail = tail[:tail.index(end) + 1] if end in tail else tail[:limit - n]
                    ids.append(tail)
                cases.append({"prompt": prompt[0].tolist(), "beams": k, "length_penalty": length_penalty,
                              "early_stopping": str(early).lower(), "penalty": penalty,
                              "ids": ids, "scores": [round(x, 6) for x in got.sequences_scores.tolist()]})
    with open(os.path.join(here, "beams.json"), "w") as f:
        json.dump({"end": end, "limit": limit, "cases": cases}, f, separators=(",", ":"))
        f.write("\n")


def check(directory):
    ours, info = GPT2LMHeadModel.from_pretrained(directory, output_loading_info=True)
    want = odd_model().eval()
    ids = torch.from_numpy(tokens(2 * 77, 0, 257).reshape(2, 77))
    with torch.no_grad():
        worst = float((ours.eval()(ids).logits - want(ids).logits).abs().max())
    print("loading:", info)
    print("largest difference of logits:", worst)
    sys.exit(0 if worst < 1e-5 else 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["check"]:
        check(sys.argv[2])
    elif sys.argv[1:2] == ["beams"]:
        beams()
    else:
        main()
        beams()
