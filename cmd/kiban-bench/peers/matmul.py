"""Products of bf16 matrices by torch.matmul, many before the device is waited for.

    matmul.py DEVICE SECONDS M N K TA TB TIMES

TA and TB say that a, b are stored the other way round.
"""
import torch

from timing import arguments, clock

device, seconds, sizes = arguments()
m, n, k, times = map(int, sizes[:3] + sizes[5:])
a = torch.randn(*((k, m) if sizes[3] == "true" else (m, k)), device=device).bfloat16()
b = torch.randn(*((n, k) if sizes[4] == "true" else (k, n)), device=device).bfloat16()
a, b = a.t() if sizes[3] == "true" else a, b.t() if sizes[4] == "true" else b
out = torch.empty(m, n, device=device, dtype=torch.bfloat16)


def step(_):
    for _ in range(times):
        torch.matmul(a, b, out=out)


clock(seconds, times * 2 * m * n * k / 1e12, step, device)
