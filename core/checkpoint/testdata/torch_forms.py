"""Makes torch_zip.pt, torch_legacy.pt, torch_module.bin and torch_forms.safetensors.

One dictionary with every type and kind of view, saved in both forms that torch
has; the same tensors, each on its own, in safetensors, which the tests compare
with. Needs torch and safetensors; made with torch 2.15. The storage keys of the
legacy form are memory addresses, so its bytes differ from run to run.
"""

import collections
import pathlib

import safetensors.torch
import torch

here = pathlib.Path(__file__).parent
torch.manual_seed(1)
base = torch.randn(6, 5)
cube = torch.randn(3, 4, 5)

state = collections.OrderedDict()
for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
    state[str(dtype).split(".")[1]] = torch.randn(3, 4).to(dtype)
for dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
    state[str(dtype).split(".")[1]] = torch.randint(0, 100, (7,)).to(dtype)
state["int64"][0] = -(2**62) - 1
state["bool"] = torch.tensor([True, False, True])
state["scalar"] = torch.tensor(2.5)
state["empty"] = torch.empty(0, 4)
state["parameter"] = torch.nn.Parameter(torch.randn(4))
state["base"] = base
state["tied"] = base
state["transposed"] = base.t()
state["columns"] = base[1:5, 1::2]
state["row"] = base[3]
state["permuted"] = cube.permute(2, 0, 1)
state["inner"] = cube[:, 1:3, 2:4]
state["expanded"] = torch.arange(3.0).reshape(3, 1).expand(3, 4)
state["half_transposed"] = torch.randn(4, 6).to(torch.bfloat16).t()
state["nested"] = {"layer": [torch.ones(2), {"weight": torch.zeros(1, 1)}], "step": 3, 7: torch.ones(1)}
state["comment"] = "not a tensor"
state["ratio"] = 0.5
state["none"] = None
state["large"] = -(2**40)
state["size"] = torch.Size([1, 2])
state["type"] = torch.float16
state["device"] = torch.device("cpu")

torch.save(state, here / "torch_zip.pt")
torch.save(state, here / "torch_legacy.pt", _use_new_zipfile_serialization=False)

flat = {}


def walk(prefix, value):
    if isinstance(value, torch.Tensor):
        flat[prefix] = value.detach().contiguous().clone()
    elif isinstance(value, dict):
        for key, item in value.items():
            walk(f"{prefix}.{key}" if prefix else str(key), item)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            walk(f"{prefix}.{i}", item)


walk("", state)
safetensors.torch.save_file(flat, here / "torch_forms.safetensors")

torch.manual_seed(2)
module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.LayerNorm(3)).half()
torch.save(module.state_dict(), here / "torch_module.bin")
