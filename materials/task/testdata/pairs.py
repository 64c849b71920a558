#!/usr/bin/env python3
"""Makes pairs/, a small model of relations as MatSciBERT publishes them, and
what PyTorch computes with it.

The class is that of relation_classification.py in M3RG-IITD/MatSciBERT, said
again: a BertModel called "encoder", dropout, and one "linear" of the last hidden
states at [E1] and at [E2], one after the other; its loss is the mean
cross-entropy. It is saved as its trainer saves it, a bare state dict beside a
tokenizer with the four markers, and given the encoder's config.json with the
names of the classes.

Run in an environment with torch and transformers (made with torch 2.15.0 and
transformers 5.24.0). Weights are drawn by place, as materials/encoder's are.
"""
import json
import os
import sys

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, BertTokenizer

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "encoder", "testdata"))
from bert import draw, fill  # noqa: E402

torch.set_num_threads(1)
LABELS = ["Amount_Of", "Condition_Of", "Next_Operation", "Number_Of", "Property_Of"]
LENGTHS, PLACES = (23, 11, 18, 7), ((3, 9), (6, 2), (1, 16), (5, 1))
STEPS, WARMUP, LR, HEAD_LR, DECAY, CLIP = 10, 3, 2e-3, 5e-3, 0.05, 1.0


class Relations(torch.nn.Module):
    def __init__(self, config, classes):
        super().__init__()
        self.encoder = BertModel(config)
        self.dropout = torch.nn.Dropout(0.0)  # the published 0.1 would be other numbers in every tool
        self.linear = torch.nn.Linear(2 * config.hidden_size, classes)

    def forward(self, ids, mask, places):
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        row = torch.arange(len(ids))
        both = torch.cat([hidden[row, places[:, 0]], hidden[row, places[:, 1]]], dim=1)
        return self.linear(self.dropout(both))


def main():
    out = os.path.join(here, "pairs")
    os.makedirs(out, exist_ok=True)
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [c for x in "abcdefghijklmnopqrstuvwxyz" for c in (x, "##" + x)]
    with open(os.path.join(out, "vocab.txt"), "w") as f:
        f.write("\n".join(vocab) + "\n")
    tokenizer = BertTokenizer(vocab=os.path.join(out, "vocab.txt"))
    assert tokenizer.add_tokens(["[E1]", "[/E1]", "[E2]", "[/E2]"]) == 4
    tokenizer.save_pretrained(out)
    config = BertConfig(
        vocab_size=len(tokenizer), max_position_embeddings=40, num_hidden_layers=2, hidden_size=24, num_attention_heads=3,
        intermediate_size=40, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager",
        id2label=dict(enumerate(LABELS)), label2id={l: i for i, l in enumerate(LABELS)})
    model = Relations(config, len(LABELS))
    fill(model)
    config.save_pretrained(out)
    torch.save(model.state_dict(), os.path.join(out, "pytorch_model.bin"))

    ids = torch.zeros(len(LENGTHS), max(LENGTHS), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, n in enumerate(LENGTHS):
        ids[i, :n] = torch.from_numpy(draw(n, 50 + i, len(tokenizer)))
        mask[i, :n] = 1
    places, labels = torch.tensor(PLACES), torch.from_numpy(draw(len(LENGTHS), 60, len(LABELS)))
    entropy = torch.nn.CrossEntropyLoss()
    logits = model(ids, mask, places)
    loss = entropy(logits, labels)
    loss.backward()
    save_file({n: p.grad.contiguous() for n, p in model.named_parameters() if p.grad is not None}, os.path.join(here, "pairs_gradients.safetensors"))
    expect = {
        "rows": [{"ids": ids[i, :n].tolist(), "places": list(PLACES[i]), "labels": [int(labels[i])]} for i, n in enumerate(LENGTHS)],
        "logits": logits.tolist(), "loss": loss.item(), "losses": [],
    }
    groups = {}
    for name, p in model.named_parameters():
        groups.setdefault((name.startswith("linear."), p.dim() > 1), []).append(p)
    optimizer = torch.optim.AdamW(
        [{"params": ps, "lr": HEAD_LR if head else LR, "weight_decay": DECAY if matrix else 0.0} for (head, matrix), ps in groups.items()],
        betas=(0.9, 0.999), eps=1e-8)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: (s + 1) / WARMUP if s < WARMUP else (STEPS - s) / (STEPS - WARMUP))
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = entropy(model(ids, mask, places), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        expect["losses"].append(loss.item())
    with torch.no_grad():
        expect["after"] = model(ids, mask, places).tolist()
    with open(os.path.join(here, "pairs.json"), "w") as f:
        json.dump(expect, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
