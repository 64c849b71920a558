#!/usr/bin/env python3
"""Fine-tunes a BERT directory with PyTorch and transformers by the recipe of
`kiban materials finetune`, so that the scores of both can be put side by side.

  materials_training.py ner MODEL TRAIN.conll DEV.conll --seeds 0,1,2
  materials_training.py relation MODEL TRAIN_DIR DEV_DIR
  materials_training.py abstract MODEL TRAIN.csv DEV.csv

Files may be gzipped. One line of JSON a seed goes to stdout. The recipe: AdamW
(0.9, 0.999, 1e-8), decay on matrices only, linear warm-up and decline, rows
drawn anew each epoch, the weights after the last epoch, no choice by the
development set. Head weights are fresh, of standard deviation 0.02. Entities
are scored by the best legal labels, as Kiban has them, and by the likeliest
label of each word, as transformers' examples have them.
"""
import argparse
import csv
import gzip
import io
import json
import os
import re
import time

import numpy as np
import torch
from sklearn.metrics import accuracy_score, f1_score
from tokenizers import Tokenizer
from transformers import BertForSequenceClassification, BertForTokenClassification, BertModel

MARKERS = ["[E1]", "[/E1]", "[E2]", "[/E2]"]


def text_of(path):
    raw = open(path, "rb").read()
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    return raw.decode("utf-8")


def conll(path, column):
    """Sentences of (word, tag); an empty tag is O."""
    sentences, words, tags = [], [], []
    for line in text_of(path).split("\n") + [""]:
        line = line.rstrip("\r")
        if not line.strip() or line.startswith("-DOCSTART-"):
            if words:
                sentences.append((words, tags))
            words, tags = [], []
            continue
        parts = re.split(r"[\t ]", line)
        words.append(parts[0])
        tags.append(parts[column] if len(parts) > 1 and parts[column] else "O")
    return sentences


def spans(tags):
    """Entities of IOB tags by conlleval's rules: (type, first, past)."""
    out, start, kind = [], None, None
    for i, tag in enumerate(list(tags) + ["O"]):
        prefix, _, label = tag.partition("-")
        if start is not None and (prefix != "I" or label != kind):
            out.append((kind, start, i))
            start = None
        if prefix == "B" or (prefix == "I" and start is None):
            start, kind = i, label
    return set(out)


def entity_scores(gold, predicted):
    counts = {}
    for g, p in zip(gold, predicted):
        g, p = spans(g), spans(p)
        for kind, _, _ in g:
            counts.setdefault(kind, [0, 0, 0])[0] += 1
        for kind, _, _ in p:
            counts.setdefault(kind, [0, 0, 0])[1] += 1
        for kind, _, _ in g & p:
            counts[kind][2] += 1

    def f1(c):
        return 2 * c[2] / max(1, c[0] + c[1])

    micro = f1([sum(c[i] for c in counts.values()) for i in range(3)])
    gold_kinds = [k for k in counts if counts[k][0]]
    return {"micro_f1": micro, "macro_f1": float(np.mean([f1(counts[k]) for k in gold_kinds]))}


def brat(folder):
    """Pairs by MatSciBERT's rule: arguments of events and relations that lie in
    one paragraph, with the paragraph."""
    pairs = []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".ann"):
            continue
        text = text_of(os.path.join(folder, name[:-4] + ".txt"))
        entities, events, relations = {}, {}, []
        for line in text_of(os.path.join(folder, name)).split("\n"):
            if not line.strip():
                continue
            fields = line.split("\t")
            if line[0] == "T":
                start, end = fields[1].split(" ")[1], fields[1].split(" ")[-1]
                entities[fields[0]] = (int(start), int(end))
            elif line[0] == "E":
                arguments = fields[1].split()
                events[fields[0]] = arguments[0].split(":")[1]
                relations += [(a.split(":")[0], arguments[0].split(":")[1], a.split(":")[1]) for a in arguments[1:]]
            elif line[0] == "R":
                label, one, two = fields[1].split()[:3]
                relations.append((label, one.split(":")[1], two.split(":")[1]))
        for label, one, two in relations:
            head, tail = (entities[events.get(x, x)] for x in (one, two))
            first = text.rfind("\n", 0, min(head[0], tail[0])) + 1
            last = text.find("\n", max(head[1], tail[1]))
            last = len(text) if last < 0 else last
            if "\n" in text[first:last]:
                continue
            pairs.append((text[first:last], (head[0] - first, head[1] - first), (tail[0] - first, tail[1] - first), label))
    return pairs


class Task:
    """Features are dicts with ids and what the loss needs."""

    def __init__(self, args):
        self.args = args
        self.tokenizer = Tokenizer.from_file(os.path.join(args.model, "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.cls, self.sep, self.pad = (self.tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]", "[PAD]"))

    def pieces(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def pad_rows(self, rows, fill):
        width = max(map(len, rows))
        return torch.tensor([r + [fill] * (width - len(r)) for r in rows])

    def inputs(self, rows):
        return self.pad_rows([r["ids"] for r in rows], self.pad), self.pad_rows([[1] * len(r["ids"]) for r in rows], 0)


class NER(Task):
    def __init__(self, args):
        super().__init__(args)
        train, dev = conll(args.train, args.column), conll(args.dev, args.column)
        self.labels = sorted({t for _, tags in train + dev for t in tags})
        self.index = {t: i for i, t in enumerate(self.labels)}
        self.train, self.dev = self.features(train), self.features(dev)

    def features(self, sentences):
        rows = []
        for words, tags in sentences:
            ids, labels, kept = [self.cls], [-100], []
            for word, tag in zip(words, tags):
                pieces = self.pieces(word)
                if not pieces or len(ids) + len(pieces) > self.args.max_len - 1:
                    continue
                ids += pieces
                labels += [self.index[tag]] + [-100] * (len(pieces) - 1)
                kept.append(tag)
            rows.append({"ids": ids + [self.sep], "labels": labels + [-100], "tags": kept})
        return rows

    def model(self):
        return BertForTokenClassification.from_pretrained(self.args.model, num_labels=len(self.labels), attention_probs_dropout_prob=self.args.attention_dropout, attn_implementation=self.args.attention)

    def loss(self, model, rows):
        ids, mask = self.inputs(rows)
        return model(input_ids=ids, attention_mask=mask, labels=self.pad_rows([r["labels"] for r in rows], -100)).loss

    def legal(self, scores):
        """The best labels of a sentence, [words][labels], in which I-X stands
        only behind B-X or I-X: Viterbi without weights of moves."""
        scores = np.asarray(scores)
        if len(scores) == 0:
            return []
        best, back = np.where(self.begins, scores[0], -np.inf), []
        for row in scores[1:]:
            through = best[:, None] + np.where(self.follows, 0.0, -np.inf)
            back.append(through.argmax(0))
            best = through.max(0) + row
        path = [int(best.argmax())]
        for step in reversed(back):
            path.append(int(step[path[-1]]))
        return path[::-1]

    def scores(self, model):
        inside = [l[2:] if l.startswith("I-") else None for l in self.labels]
        self.begins = np.array([i is None for i in inside])
        self.follows = np.array([[i is None or l in ("B-" + i, "I-" + i) for i in inside] for l in self.labels])
        likeliest, legal = [], []
        for rows in chunks(self.dev, 32):
            ids, mask = self.inputs(rows)
            scores = model(input_ids=ids, attention_mask=mask).logits.double().log_softmax(-1).tolist()
            for s, r in zip(scores, rows):
                words = [s[i] for i, l in enumerate(r["labels"]) if l >= 0]
                likeliest.append([self.labels[int(np.argmax(w))] for w in words])
                legal.append([self.labels[i] for i in self.legal(words)])
        gold = [r["tags"] for r in self.dev]
        free = entity_scores(gold, likeliest)
        return {**entity_scores(gold, legal), "likeliest_micro_f1": free["micro_f1"], "likeliest_macro_f1": free["macro_f1"]}


class Pair(torch.nn.Module):
    def __init__(self, args, vocabulary, labels):
        super().__init__()
        self.bert = BertModel.from_pretrained(args.model, add_pooling_layer=False, attention_probs_dropout_prob=args.attention_dropout, attn_implementation=args.attention)
        self.bert.resize_token_embeddings(vocabulary, mean_resizing=False)
        self.dropout = torch.nn.Dropout(self.bert.config.hidden_dropout_prob)
        self.classifier = torch.nn.Linear(2 * self.bert.config.hidden_size, labels)
        torch.nn.init.normal_(self.classifier.weight, std=0.02)
        torch.nn.init.zeros_(self.classifier.bias)

    def forward(self, ids, mask, places):
        hidden = self.bert(input_ids=ids, attention_mask=mask)[0]
        row = torch.arange(len(ids))
        return self.classifier(self.dropout(torch.cat([hidden[row, places[:, 0]], hidden[row, places[:, 1]]], 1)))


class Relation(Task):
    def __init__(self, args):
        super().__init__(args)
        self.tokenizer.add_special_tokens(MARKERS)
        self.marks = [self.tokenizer.token_to_id(m) for m in MARKERS]
        train, dev = brat(args.train), brat(args.dev)
        self.labels = sorted({p[3] for p in train + dev})
        self.train, self.dev = ([f for f in map(self.feature, pairs) if f] for pairs in (train, dev))

    def feature(self, pair):
        text, head, tail, label = pair
        (a, b), (c, d) = sorted((head, tail))
        if b > c:
            return None
        one, two = (self.marks[:2], self.marks[2:])
        if head > tail:
            one, two = two, one
        body = self.pieces(text[:a]) + [one[0]] + self.pieces(text[a:b]) + [one[1]] + self.pieces(text[b:c]) + [two[0]] + self.pieces(text[c:d]) + [two[1]] + self.pieces(text[d:])
        room, first, last = self.args.max_len - 2, body.index(one[0]), body.index(two[1])
        if len(body) > room:
            spare = room - (last - first + 1)
            if spare < 0:
                return None
            start = max(0, first - spare // 2)
            body = body[start:min(len(body), last + spare // 2 + 1)]
        ids = [self.cls] + body + [self.sep]
        return {"ids": ids, "places": [ids.index(self.marks[0]), ids.index(self.marks[2])], "label": self.labels.index(label)}

    def model(self):
        return Pair(self.args, self.tokenizer.get_vocab_size(), len(self.labels))

    def logits(self, model, rows):
        ids, mask = self.inputs(rows)
        return model(ids, mask, torch.tensor([r["places"] for r in rows]))

    def loss(self, model, rows):
        return torch.nn.functional.cross_entropy(self.logits(model, rows), torch.tensor([r["label"] for r in rows]))

    def scores(self, model):
        best = [i for rows in chunks(self.dev, 32) for i in self.logits(model, rows).argmax(-1).tolist()]
        gold = [r["label"] for r in self.dev]
        return {"accuracy": accuracy_score(gold, best), "micro_f1": f1_score(gold, best, average="micro"), "macro_f1": f1_score(gold, best, average="macro", labels=sorted(set(gold)))}


class Abstract(Task):
    def __init__(self, args):
        super().__init__(args)
        train, dev = self.table(args.train), self.table(args.dev)
        self.labels = sorted({l for _, l in train + dev})
        self.train, self.dev = ([self.feature(*r) for r in rows] for rows in (train, dev))

    def table(self, path):
        rows = list(csv.reader(io.StringIO(text_of(path))))
        return [(r[0], r[1]) for r in rows[1:]]

    def feature(self, text, label):
        return {"ids": [self.cls] + self.pieces(text)[: self.args.max_len - 2] + [self.sep], "label": self.labels.index(label)}

    def model(self):
        return BertForSequenceClassification.from_pretrained(self.args.model, num_labels=len(self.labels), attention_probs_dropout_prob=self.args.attention_dropout, attn_implementation=self.args.attention)

    def logits(self, model, rows):
        ids, mask = self.inputs(rows)
        return model(input_ids=ids, attention_mask=mask).logits

    loss, scores = Relation.loss, Relation.scores


def chunks(rows, n):
    return [rows[i : i + n] for i in range(0, len(rows), n)]


def train(task, args, seed):
    torch.manual_seed(seed)
    order = np.random.default_rng(seed)
    model = task.model()
    model.train()
    groups = {}
    for name, p in model.named_parameters():
        head = "bert." not in name
        groups.setdefault((head, p.dim() > 1), []).append(p)
    optimizer = torch.optim.AdamW(
        [{"params": ps, "lr": args.head_lr if head else args.lr, "weight_decay": args.weight_decay if matrix else 0.0} for (head, matrix), ps in groups.items()],
        betas=(0.9, 0.999), eps=1e-8)
    steps = args.epochs * ((len(task.train) + args.batch - 1) // args.batch)
    warm = round(args.warmup * steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: (s + 1) / warm if s < warm else max(0.0, (steps - s) / max(1, steps - warm)))
    began, step = time.time(), 0
    for _ in range(args.epochs):
        for rows in chunks([task.train[i] for i in order.permutation(len(task.train))], args.batch):
            optimizer.zero_grad()
            loss = task.loss(model, rows)
            loss.backward()
            if args.clip:
                torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
            optimizer.step()
            schedule.step()
            step += 1
    seconds = time.time() - began
    model.eval()
    with torch.no_grad():
        return {"seed": seed, **task.scores(model), "steps": step, "train_seconds": round(seconds, 1), "steps_per_second": round(step / seconds, 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["ner", "relation", "abstract"])
    parser.add_argument("model")
    parser.add_argument("train")
    parser.add_argument("dev")
    parser.add_argument("--column", type=int, default=-1, help="of the tag in CoNLL files, from 0")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=5e-5)
    parser.add_argument("--head-lr", type=float, default=3e-4)
    parser.add_argument("--warmup", type=float, default=0.1)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--attention-dropout", type=float, default=0.1)
    parser.add_argument("--attention", default="sdpa")
    parser.add_argument("--max-len", type=int, default=256)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    task = {"ner": NER, "relation": Relation, "abstract": Abstract}[args.task](args)
    for seed in map(int, args.seeds.split(",")):
        print(json.dumps({"task": args.task, "train": len(task.train), "dev": len(task.dev), "labels": len(task.labels), **train(task, args, seed)}), flush=True)


if __name__ == "__main__":
    main()
