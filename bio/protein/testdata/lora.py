#!/usr/bin/env python3
"""Makes the fixtures of LoRA from peft over the model of hf/ (see gpt2.py).

Run in an environment with torch, transformers and peft (made with torch
2.15.0, transformers 5.23.0 and peft 0.21.2):

    python3 lora.py              writes peft/ and lora.safetensors, lora.json here
    python3 lora.py check RUN    opens RUN/adapter, which Kiban trained beside
                                 hf/, in peft, and compares the model with the
                                 merged one in RUN

peft/ is an adapter with weights by place, as save_pretrained writes it;
lora.safetensors holds the adapted layers' weights with it merged, "initial.…",
and once more after twenty steps of AdamW, "trained.…"; lora.json the losses and
gradient norms of those steps and the logits before them.
"""
import json
import os
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import GPT2LMHeadModel

from gpt2 import here, tokens, uniform


def base():
    return GPT2LMHeadModel.from_pretrained(os.path.join(here, "hf"), attn_implementation="eager")


def merged(model, directory):
    """The weights of the layers of an adapter, merged into a fresh model."""
    model.save_pretrained(directory)
    m = PeftModel.from_pretrained(base(), directory).merge_and_unload()
    return {n: p.detach().clone() for n, p in m.named_parameters()
            if n.endswith(("c_attn.weight", "c_proj.weight"))}


def main():
    m = get_peft_model(base(), LoraConfig(r=4, lora_alpha=6, target_modules=["c_attn", "c_proj"], task_type="CAUSAL_LM",
                                          fan_in_fan_out=True, base_model_name_or_path="hf"))
    lora = {n: p for n, p in m.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for i, name in enumerate(sorted(lora)):
            p = lora[name]
            p.copy_(torch.from_numpy(uniform(p.numel(), 100 + i, 1)).reshape(p.shape).sub(0.5).mul(0.6))
    m.peft_config["default"].base_model_name_or_path = "hf"
    out = {"initial." + n: p for n, p in merged(m, os.path.join(here, "peft")).items()}
    os.remove(os.path.join(here, "peft", "README.md"))
    m.eval()
    expect = {"logits": m(torch.from_numpy(tokens(20, 5, 61).reshape(1, 20))).logits[0].double().tolist()}

    m.train()
    opt = torch.optim.AdamW(lora.values(), lr=1e-2, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    expect["losses"], expect["norms"] = [], []
    for step in range(20):
        for g in opt.param_groups:
            g["lr"] = 1e-2 * (step + 1) / 4 if step < 4 else 1e-2 * (1 - (step - 4) / 16)
        ids = torch.from_numpy(tokens(2 * 29, step, 61).reshape(2, 29))
        loss = m(ids, labels=ids).loss
        opt.zero_grad()
        loss.backward()
        expect["norms"].append(float(torch.nn.utils.clip_grad_norm_(lora.values(), 1.0)))
        opt.step()
        expect["losses"].append(float(loss))
    out |= {"trained." + n: p for n, p in merged(m, "/tmp/kiban-lora-fixture").items()}
    save_file(out, os.path.join(here, "lora.safetensors"))
    with open(os.path.join(here, "lora.json"), "w") as f:
        json.dump(expect, f, separators=(",", ":"))
        f.write("\n")


def check(run):
    ours = PeftModel.from_pretrained(base(), os.path.join(run, "adapter")).eval()
    merged_here = GPT2LMHeadModel.from_pretrained(run, attn_implementation="eager").eval()
    ids = torch.from_numpy(tokens(40, 5, 61).reshape(2, 20))
    with torch.no_grad():
        worst = float((ours(ids).logits - merged_here(ids).logits).abs().max())
        moved = float((ours(ids).logits - base().eval()(ids).logits).abs().max())
    weights = dict(merged_here.named_parameters())
    far = max(float((p - weights[n]).abs().max()) for n, p in ours.merge_and_unload().named_parameters())
    print(f"largest difference of logits {worst:.2g} (to the base model's {moved:.2g}), of merged weights {far:.2g}")
    sys.exit(0 if worst < 1e-5 and far < 1e-6 and moved > 1e-3 else 1)


if __name__ == "__main__":
    check(sys.argv[2]) if sys.argv[1:2] == ["check"] else main()
