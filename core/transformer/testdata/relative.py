#!/usr/bin/env python3
"""Makes relative.safetensors: what transformers computes with T5's relative places.

"both.*" and "causal.*" are a T5Attention of an encoder and of a decoder with
random weights: outputs y of hidden states x, of which the second sequence is
shorter in the encoder, and the gradients of the sum of y times w. "buckets.N.D.*"
are the buckets, of N, of the places -300 to 300 of keys relative to queries, with
distances up to D.

Run in an environment with torch and transformers (made with torch 2.15.0 and
transformers 5.24.0).
"""
import os

import torch
from safetensors.torch import save_file
from transformers import T5Config
from transformers.models.t5.modeling_t5 import T5Attention

here = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)
torch.manual_seed(5)
BATCH, LENGTH, LENGTHS, WIDTH = 2, 23, (23, 15), 20


def main():
    out = {}
    for name, causal in (("both", False), ("causal", True)):
        part = T5Attention(T5Config(
            d_model=WIDTH, d_kv=8, num_heads=3, relative_attention_num_buckets=8, relative_attention_max_distance=9,
            dropout_rate=0.0, is_decoder=causal, attn_implementation="eager"), has_relative_attention_bias=True, layer_idx=0, is_causal=causal)
        with torch.no_grad():
            for p in part.parameters():
                p.copy_(torch.randn_like(p) * 0.4)
        x, w = torch.randn(BATCH, LENGTH, WIDTH, requires_grad=True), torch.randn(BATCH, LENGTH, WIDTH)
        if causal:
            seen = torch.ones(LENGTH, LENGTH).tril()[None, None]
        else:
            seen = torch.tensor([[1.0] * n + [0.0] * (LENGTH - n) for n in LENGTHS])
            w, seen = w * seen.unsqueeze(-1), seen[:, None, None]
        y = part(x, mask=(1 - seen) * torch.finfo(torch.float32).min)[0]
        (y * w).sum().backward()
        out |= {f"{name}.x": x.detach().clone(), f"{name}.w": w.clone(), f"{name}.y": y.detach().clone(), f"{name}.gradient.x": x.grad.clone()}
        for key, p in part.named_parameters():
            out[f"{name}.{key}"], out[f"{name}.gradient.{key}"] = p.detach().clone(), p.grad.clone()
    for buckets, farthest in ((32, 128), (8, 9), (32, 64), (10, 200), (64, 256)):
        for name, causal in (("both", False), ("causal", True)):
            out[f"buckets.{buckets}.{farthest}.{name}"] = T5Attention._relative_position_bucket(
                torch.arange(-300, 301), not causal, buckets, farthest).to(torch.int32)
    path = os.path.join(here, "relative.safetensors")
    save_file(out, path)
    os.chmod(path, 0o644)


if __name__ == "__main__":
    main()
