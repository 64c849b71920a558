#!/usr/bin/env python3
"""Makes training.json, the course of a fine-tuning by transformers'
BertForTokenClassification, with a linear head and with pytorch-crf's CRF as
MatSciBERT's BERT_CRF has it (batch mean of the sentences' losses, moves that BIO
does not allow at -10000).

Run in an environment with torch, transformers and pytorch-crf (made with torch
2.15.0, transformers 5.24.0, pytorch-crf 0.7.2). Weights are not stored: both
sides draw them from Philox 4x32-10 by place, as materials/encoder's do.
"""
import json
import os
import sys

import numpy as np
import torch
from torchcrf import CRF
from transformers import BertConfig, BertForTokenClassification

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "encoder", "testdata"))
from bert import fill  # noqa: E402

torch.set_num_threads(1)
VOCAB, CONTEXT, LAYERS, WIDTH, HEADS = 97, 32, 2, 48, 4
LABELS = ["B-A", "B-B", "I-A", "I-B", "O"]
STEPS, WARMUP, LR, HEAD_LR, DECAY, CLIP = 14, 3, 2e-3, 5e-3, 0.05, 1.0


def rows():
    r = np.random.default_rng(3)
    out = []
    for _ in range(22):
        ids, places, labels, open_ = [2], [], [], None
        for _ in range(int(r.integers(1, 11))):
            places.append(len(ids))
            kind = int(r.integers(0, 4))
            if kind < 2:
                labels.append(kind)
                open_ = kind
            elif kind == 2 and open_ is not None:
                labels.append(2 + open_)
            else:
                labels.append(4)
                open_ = None
            ids += [int(x) for x in r.integers(5, VOCAB, int(r.integers(1, 4)))]
        out.append({"ids": (ids + [3])[:CONTEXT], "places": places, "labels": labels})
    return [x for x in out if x["places"][-1] < len(x["ids"])]


def batch(all_rows):
    n = max(len(x["ids"]) for x in all_rows)
    ids = torch.zeros(len(all_rows), n, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, -100)
    for i, x in enumerate(all_rows):
        ids[i, : len(x["ids"])] = torch.tensor(x["ids"])
        mask[i, : len(x["ids"])] = 1
        labels[i, x["places"]] = torch.tensor(x["labels"])
    return ids, mask, labels


def chain():
    torch.manual_seed(1)
    crf = CRF(len(LABELS), batch_first=True)
    with torch.no_grad():
        for i, to in enumerate(LABELS):
            if to[0] != "I":
                continue
            crf.start_transitions[i] = -1e4
            for j, at in enumerate(LABELS):
                if at[1:] != to[1:]:
                    crf.transitions[j, i] = -1e4
    return crf


def train(kind, all_rows):
    model = BertForTokenClassification(BertConfig(
        vocab_size=VOCAB, max_position_embeddings=CONTEXT, num_hidden_layers=LAYERS, hidden_size=WIDTH, num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_labels=len(LABELS), attn_implementation="eager"))
    fill(model)
    crf = chain() if kind == "crf" else None
    groups = {}
    for name, p in model.named_parameters():
        groups.setdefault(("bert." not in name, p.dim() > 1), []).append(p)
    parameters = [{"params": ps, "lr": HEAD_LR if head else LR, "weight_decay": DECAY if matrix else 0.0} for (head, matrix), ps in groups.items()]
    if crf:
        parameters.append({"params": list(crf.parameters()), "lr": HEAD_LR, "weight_decay": 0.0})
    optimizer = torch.optim.AdamW(parameters, betas=(0.9, 0.999), eps=1e-8)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: (s + 1) / WARMUP if s < WARMUP else (STEPS - s) / (STEPS - WARMUP))
    out = {"losses": []}
    if crf:
        out["crf"] = {k: v.detach().flatten().tolist() for k, v in crf.named_parameters()}
    ids, mask, labels = batch(all_rows)
    everything = list(model.parameters()) + (list(crf.parameters()) if crf else [])
    for _ in range(STEPS):
        optimizer.zero_grad()
        if crf:
            logits = model(input_ids=ids, attention_mask=mask).logits
            rows_ = [logits[i][labels[i] != -100] for i in range(len(all_rows))]
            gold = [labels[i][labels[i] != -100] for i in range(len(all_rows))]
            pad = torch.nn.utils.rnn.pad_sequence
            known = pad([torch.ones(len(g), dtype=torch.uint8) for g in gold], batch_first=True).bool()
            loss = -crf(pad(rows_, batch_first=True), pad(gold, batch_first=True), mask=known, reduction="mean")
        else:
            loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(everything, CLIP)
        optimizer.step()
        schedule.step()
        out["losses"].append(loss.item())
    model.eval()
    with torch.no_grad():
        scores = model(input_ids=ids, attention_mask=mask).logits
    out["scores"] = scores[0, all_rows[0]["places"]].flatten().tolist()
    if crf:
        out["transitions"] = crf.transitions.detach().flatten().tolist()
    return out


if __name__ == "__main__":
    all_rows = rows()
    with open(os.path.join(here, "training.json"), "w") as f:
        json.dump({"rows": all_rows, "linear": train("linear", all_rows), "crf": train("crf", all_rows)}, f)
