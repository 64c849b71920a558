"""What all peers do: time steps as kiban-bench does, and print the same."""
import json
import os
import sys
import time


def arguments():
    """The device (any is a GPU if torch has one), the seconds, and what the row gives."""
    device = sys.argv[1]
    if device == "any":
        import torch
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return device, float(sys.argv[2]), sys.argv[3:]


def synchroniser(device):
    """What waits until the device is done."""
    if device != "cuda":
        return lambda: None
    import torch
    return torch.cuda.synchronize


def attended(step):
    """How scaled_dot_product_attention did it in a step: there are several ways."""
    import re
    import torch
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as p:
        step()
    ways = {re.sub("_backward$", "", e.key.split("_scaled_dot_product_")[1]) for e in p.key_averages() if "_scaled_dot_product_" in e.key}
    return "SDPA by " + " and ".join(sorted(ways)) if ways else "no SDPA"


def data(name=""):
    """A file of what the row's prepare made."""
    return os.path.join(os.environ["KIBAN_BENCH_DATA"], name)


def clock(seconds, units, step, device="cpu", before=2, check=lambda out: 0, more="", note=""):
    """Print how many units a second the median step does; before are not counted.
    check makes a number of what the last step gave, which Kiban's must equal;
    more is the version of what is no module; note says how the work was done."""
    import statistics

    synchronise = synchroniser(device)
    for i in range(before):
        step(i)
    synchronise()
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds or len(times) < 3:
        t = time.perf_counter()
        out = step(before + len(times))
        synchronise()
        times.append(time.perf_counter() - t)
    median = statistics.median(times)
    print(json.dumps({"rate": units / median, "seconds_a_step": median, "steps": len(times), "check": int(check(out)), "versions": versions(device) or more, "note": note}))


def versions(device="cpu"):
    names = ("torch", "transformers", "onnxruntime", "tokenizers", "xarray", "netCDF4", "gensim", "timm", "llama_cpp", "Bio", "pyfastx")
    gpu = ""
    if device == "cuda":
        import torch
        gpu = " on %s by CUDA %s" % (torch.cuda.get_device_name(), torch.version.cuda)
    elif sys.argv[1] == "any":
        gpu = " on the CPU"
    return ", ".join("%s %s" % (n, getattr(sys.modules[n], "__version__", "")) for n in names if n in sys.modules) + gpu
