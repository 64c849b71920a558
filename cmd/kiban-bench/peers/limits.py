"""What torch's libraries reach: FLOP/s of square products in f32 and bf16, bytes
a second of a copy, read and written.

    limits.py DEVICE SECONDS LARGEST BYTES
"""
import json
import time

import torch

from timing import arguments, synchroniser

device, seconds, (largest, size) = arguments()
synchronise = synchroniser(device)


def best(step, units, times=20):
    """Units a second of the best round of so many steps."""
    rate, began = 0.0, time.perf_counter()
    while rate == 0 or time.perf_counter() - began < seconds / 5:
        synchronise()
        t = time.perf_counter()
        for _ in range(times):
            step()
        synchronise()
        rate = max(rate, times * units / (time.perf_counter() - t))
    return rate


out = {}
for name, dtype in (("f32 arithmetic", torch.float32), ("bf16 arithmetic", torch.bfloat16)):
    for n in (int(largest) // 4, int(largest) // 2, int(largest)):
        a, b, c = (torch.randn(n, n, device=device).to(dtype) for _ in range(3))
        torch.matmul(a, b, out=c)
        out[name] = max(out.get(name, 0.0), best(lambda: torch.matmul(a, b, out=c), 2 * n**3, 8))
x = torch.zeros(int(size) // 4, device=device)
y = torch.empty_like(x)
out["memory bandwidth"] = best(lambda: y.copy_(x), 2 * int(size))
print(json.dumps(out))
