#!/usr/bin/env python3
"""The peer of materials/task's BenchmarkBase and BenchmarkBaseStep: BERT-base
with random weights labels 1,000 sentences, and takes fine-tuning steps, by
PyTorch and transformers. Sentences have the same lengths as there; batches of
32 for inference are sorted by length and padded to their longest.

  bert.py [--bf16] [--compile] [--threads N] [--steps N] [--attention sdpa]
"""
import argparse
import time

import numpy as np
import torch
from transformers import BertConfig, BertForTokenClassification


def philox(c0, c1, c2, k0, k1):
    c = [np.uint64(x) for x in (c0, c1, c2, 0)]
    k0, k1 = np.uint64(k0), np.uint64(k1)
    low, s32 = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> s32) ^ c[1] ^ k0, p1 & low, (p0 >> s32) ^ c[3] ^ k1, p0 & low]
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return int(c[0] & low)


def lengths(n):
    out = []
    for i in range(n):
        u = [philox(i, k, 0, 5, 0) % 33 for k in range(3)]
        out.append(8 + u[0] + u[1] * u[2] // 16)
    return out


def batch(chosen, vocab, rng):
    width = max(chosen)
    ids = torch.from_numpy(rng.integers(0, vocab, (len(chosen), width)))
    mask = torch.tensor([[1] * n + [0] * (width - n) for n in chosen])
    labels = torch.full(ids.shape, -100)
    for i, n in enumerate(chosen):
        labels[i, 1 : n - 1 : 2] = torch.arange(1, n - 1, 2) % 15
    return ids, mask, labels


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--attention", default="sdpa")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=10)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    config = BertConfig(vocab_size=31090, num_labels=15, attn_implementation=args.attention)
    model = BertForTokenClassification(config)
    rng = np.random.default_rng(0)
    all_lengths = lengths(args.sentences)
    cast = torch.autocast("cpu", torch.bfloat16, enabled=args.bf16)

    if args.steps:
        model.train()
        run = torch.compile(model, dynamic=True) if args.compile else model
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-9)
        batches = [batch(all_lengths[16 * i : 16 * i + 16], config.vocab_size, rng) for i in range(10)]

        def step(i):
            ids, mask, labels = batches[i % 10]
            with cast:
                loss = run(input_ids=ids, attention_mask=mask, labels=labels).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

        for i in range(2):
            step(i)
        began = time.time()
        for i in range(args.steps):
            step(i)
        seconds = time.time() - began
        print(f"step: {16 * args.steps / seconds:.2f} sentences/s, {seconds / args.steps:.3f} s a step", flush=True)

    model.eval()
    if args.bf16:
        model = model.to(torch.bfloat16)
    run = torch.compile(model, dynamic=True) if args.compile else model
    with torch.inference_mode():
        ordered = sorted(all_lengths)
        groups = [batch(ordered[i : i + 32], config.vocab_size, rng) for i in range(0, len(ordered), 32)]
        for ids, mask, _ in groups[:2]:
            run(input_ids=ids, attention_mask=mask)
        began = time.time()
        for ids, mask, _ in groups:
            run(input_ids=ids, attention_mask=mask).logits
        seconds = time.time() - began
    print(f"inference: {len(ordered) / seconds:.2f} sentences/s, {sum(ordered) / seconds:.0f} tok/s", flush=True)


if __name__ == "__main__":
    main()
