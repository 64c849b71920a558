"""What all peers do: time steps as kiban-bench does, and print the same."""
import json
import os
import sys
import time


def arguments():
    """The device, the seconds, and what the row gives."""
    return sys.argv[1], float(sys.argv[2]), sys.argv[3:]


def data(name=""):
    """A file of what the row's prepare made."""
    return os.path.join(os.environ["KIBAN_BENCH_DATA"], name)


def clock(seconds, units, step, device="cpu", before=2, check=lambda out: 0, more=""):
    """Print how many units a second the median step does; before are not counted.
    check makes a number of what the last step gave, which Kiban's must equal;
    more is the version of what is no module."""
    import statistics

    synchronise = lambda: None
    if device == "cuda":
        import torch
        synchronise = torch.cuda.synchronize
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
    print(json.dumps({"rate": units / median, "seconds_a_step": median, "steps": len(times), "check": int(check(out)), "versions": versions() or more}))


def versions():
    names = ("torch", "transformers", "onnxruntime", "tokenizers", "xarray", "netCDF4", "gensim", "timm", "llama_cpp", "Bio", "pyfastx")
    return ", ".join("%s %s" % (n, getattr(sys.modules[n], "__version__", "")) for n in names if n in sys.modules)
