#!/usr/bin/env python3
"""Makes the fixtures of materials/encoder from transformers' BERT classes.

Run in an environment with torch and transformers (made with torch 2.15.0 and
transformers 5.24.0):

    python3 bert.py             writes odd.safetensors, expect.json, hf/ and hf_bare/ here
    python3 bert.py classes     writes classes/: each class in both forms of files
    python3 bert.py check DIR   opens directories that Kiban saved (DIR/masked,
                                DIR/token, DIR/sequence) and compares their
                                logits with those of the fixture's weights

Weights and tokens are not stored: both sides draw them from Philox 4x32-10 by
place (graph.Philox in Go). Of the gradients the fixture holds, for each tensor,
the norm, 24 elements, and 16 sums with random signs.
"""
import json
import os
import sys

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import (
    BertConfig, BertForMaskedLM, BertForSequenceClassification, BertForTokenClassification)

here = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(2)
BATCH, LENGTH, VOCAB, LENGTHS = 3, 37, 257, (37, 21, 2)


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


def draw(n, stream, below):
    return (philox(np.arange(n), stream, 0, 7, 0) % np.uint32(below)).astype(np.int64)


def fill(model):
    """Weights by place: parameter number i, in the order of their names."""
    params = dict(model.named_parameters())
    with torch.no_grad():
        for i, name in enumerate(sorted(params)):
            p = params[name]
            u = uniform(p.numel(), i, 1).reshape(p.shape) - np.float32(0.5)
            scale = 0.2 if p.dim() > 1 else 0.1
            centre = 1.0 if "LayerNorm" in name and name.endswith("weight") else 0.0
            p.copy_(torch.from_numpy(u * np.float32(scale) + np.float32(centre)))


def config(**more):
    return BertConfig(vocab_size=VOCAB, max_position_embeddings=96, num_hidden_layers=3, hidden_size=120,
                      num_attention_heads=5, intermediate_size=200, hidden_dropout_prob=0.0,
                      attention_probs_dropout_prob=0.0, attn_implementation="eager", **more)


def models():
    for name, cls, more in (("masked", BertForMaskedLM, {}), ("token", BertForTokenClassification, {"num_labels": 9}),
                            ("sequence", BertForSequenceClassification, {"num_labels": 4})):
        m = cls(config(**more))
        fill(m)
        yield name, m


def inputs():
    ids = torch.from_numpy(draw(BATCH * LENGTH, 0, VOCAB).reshape(BATCH, LENGTH))
    mask = torch.tensor([[1] * n + [0] * (LENGTH - n) for n in LENGTHS])
    return {"input_ids": ids, "attention_mask": mask}


def labels(name, step):
    """Labels of a third of the tokens for masked, of all for token."""
    n = BATCH * LENGTH
    inside = inputs()["attention_mask"].reshape(-1).bool().numpy()
    if name == "sequence":
        return torch.from_numpy(draw(BATCH, 10 + step, 4))
    if name == "token":
        y = draw(n, 20 + step, 9)
        return torch.from_numpy(np.where(inside, y, -100).reshape(BATCH, LENGTH))
    y, chosen = draw(n, 30 + step, VOCAB), draw(n, 40 + step, 3) == 0
    return torch.from_numpy(np.where(inside & chosen, y, -100).reshape(BATCH, LENGTH))


def sketch(g, i):
    flat = g.reshape(-1).astype(np.float64)
    n = flat.size
    at = philox(np.arange(24), i, 0, 11, 0).astype(np.int64) % n
    sums = []
    for k in range(16):
        sign = 1.0 - 2.0 * (philox(np.arange(n), i, k, 13, 0) & np.uint32(1)).astype(np.float64)
        sums.append(float((flat * sign).sum()))
    return {"norm": float(np.sqrt((flat**2).sum())), "elements": [float(flat[j]) for j in at], "sums": sums}


def main():
    expect, logits = {}, {}
    for name, m in models():
        m.train()
        out = m(**inputs(), labels=labels(name, 0))
        out.loss.backward()
        params = dict(m.named_parameters())
        logits[name] = out.logits.detach().numpy().astype(np.float32)
        expect[name] = {"loss": float(out.loss),
                        "gradients": {n: sketch(params[n].grad.numpy(), i) for i, n in enumerate(sorted(params))}}
        # Ten steps of AdamW, the head at a rate of its own.
        fill(m)
        groups = {}
        for n, p in m.named_parameters():
            groups.setdefault((n.startswith("bert."), p.dim() > 1), []).append(p)
        opt = torch.optim.AdamW([{"params": ps, "lr": 1e-3 if body else 6e-3, "weight_decay": 0.1 if matrix else 0.0}
                                 for (body, matrix), ps in groups.items()], betas=(0.9, 0.98), eps=1e-6)
        losses = []
        for step in range(10):
            loss = m(**inputs(), labels=labels(name, step)).loss
            opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
            opt.step()
            losses.append(float(loss))
        expect[name]["adamw"] = losses
    save_file(logits, os.path.join(here, "odd.safetensors"))

    # Directories that transformers saved: safetensors here, and a .bin of a
    # bare BertModel below.
    small = BertForMaskedLM(BertConfig(vocab_size=61, max_position_embeddings=32, num_hidden_layers=2, hidden_size=24,
                                       num_attention_heads=2, intermediate_size=40))
    fill(small)
    small.eval().save_pretrained(os.path.join(here, "hf"))
    bare = os.path.join(here, "hf_bare")
    os.makedirs(bare, exist_ok=True)
    small.bert.config.save_pretrained(bare)
    torch.save(small.bert.state_dict(), os.path.join(bare, "pytorch_model.bin"))
    ids = torch.from_numpy(draw(20, 5, 61).reshape(1, 20))
    expect["hf_logits"] = small(ids).logits[0].double().tolist()
    with open(os.path.join(here, "expect.json"), "w") as f:
        json.dump(expect, f, separators=(",", ":"))
        f.write("\n")


def classes():
    """Each class as transformers saves it, now and before version 5, and its logits of the same texts."""
    for name, cls, more in (("masked", BertForMaskedLM, {}), ("token", BertForTokenClassification, {"num_labels": 9}),
                            ("sequence", BertForSequenceClassification, {"num_labels": 4})):
        directory = os.path.join(here, "classes", name)
        m = cls(BertConfig(vocab_size=31, max_position_embeddings=24, num_hidden_layers=1, hidden_size=18, num_attention_heads=3,
                           intermediate_size=26, attn_implementation="eager", **more))
        fill(m)
        m.eval().save_pretrained(directory)
        torch.save(m.state_dict(), os.path.join(directory, "pytorch_model.bin"))
        ids = torch.from_numpy(draw(2 * 20, 6, 31).reshape(2, 20))
        mask = torch.tensor([[1] * n + [0] * (20 - n) for n in (20, 13)])
        with torch.no_grad():
            logits = m(input_ids=ids, attention_mask=mask).logits
        with open(os.path.join(directory, "logits.json"), "w") as f:
            json.dump(logits.double().reshape(-1, logits.shape[-1]).tolist(), f, separators=(",", ":"))
            f.write("\n")
        os.chmod(os.path.join(directory, "model.safetensors"), 0o644)


def check(directory):
    worst = 0.0
    for name, m in models():
        ours, info = type(m).from_pretrained(os.path.join(directory, name), output_loading_info=True)
        inside = inputs()["attention_mask"].bool()
        with torch.no_grad():
            got, want = ours.eval()(**inputs()).logits, m.eval()(**inputs()).logits
        if name != "sequence":
            got, want = got[inside], want[inside]
        d = float((got - want).abs().max())
        print(name, "loading:", info, "largest difference of logits:", d)
        worst = max(worst, d)
    sys.exit(0 if worst < 1e-5 else 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["check"]:
        check(sys.argv[2])
    elif sys.argv[1:2] == ["classes"]:
        classes()
    else:
        main()
