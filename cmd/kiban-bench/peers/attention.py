"""Attention of bf16 heads by scaled_dot_product_attention, many before the device
is waited for; with BACKWARD the gradient of queries, keys and values as well.

    attention.py DEVICE SECONDS BATCH LENGTH HEADS WIDTH CAUSAL BACKWARD TIMES
"""
import torch

from timing import arguments, attended, clock

device, seconds, sizes = arguments()
batch, length, heads, width, times = map(int, sizes[:4] + sizes[6:])
causal, backward = (x == "true" for x in sizes[4:6])
# Columns of one matrix, as in a model.
x = torch.randn(batch, length, 3, heads, width, device=device).bfloat16().requires_grad_(backward)
d = torch.randn(batch, heads, length, width, device=device).bfloat16()


def once():
    q, k, v = x.permute(2, 0, 3, 1, 4)
    y = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
    if backward:
        x.grad = None
        y.backward(d)


def step(_):
    for _ in range(times):
        once()


flop = 4 * batch * heads * width * length**2 / (2 if causal else 1) * (3.5 if backward else 1)
clock(seconds, times * flop / 1e12, step, device, note=attended(once))
