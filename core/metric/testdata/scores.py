"""Makes conlleval.json and classes.json.

python scores.py CONLLEVAL.pl, with conlleval of 2004-01-26 (E. Tjong Kim Sang,
https://www.clips.uantwerpen.be/conll2000/chunking/conlleval.txt), perl 5.36,
seqeval 1.2.2, scikit-learn 1.9.1, numpy 2. Tags are drawn without any rule, so that most
sequences are illegal.
"""
import json
import os
import random
import subprocess
import sys

import numpy as np
from seqeval.metrics import f1_score, precision_score, recall_score
from sklearn import metrics
from sklearn.calibration import calibration_curve

here = os.path.dirname(os.path.abspath(__file__))
random.seed(4)


def conlleval(sentences):
    lines = "".join("".join(f"w {g} {p}\n" for g, p in zip(*s)) + "\n" for s in sentences)
    return subprocess.run(["perl", sys.argv[1]], input=lines, capture_output=True, text=True, check=True).stdout


def draw(prefixes, labels, same):
    def tag():
        p = random.choice(prefixes)
        return p if p in "O." else p + random.choice(labels)
    sentences = []
    for _ in range(random.randint(1, 12)):
        gold = [tag() for _ in range(random.randint(1, 15))]
        sentences.append([gold, [g if random.random() < same else tag() for g in gold]])
    return sentences


def iob2(labels, same):
    def chunks(n):
        out = []
        while len(out) < n:
            if random.random() < 0.5:
                out.append("O")
                continue
            label = random.choice(labels)
            out += ["B-" + label] + ["I-" + label] * random.randint(0, 2)
        return out[:n]
    sentences = []
    for _ in range(random.randint(5, 20)):
        n = random.randint(1, 20)
        gold, other = chunks(n), chunks(n)
        cut = random.randint(0, n) if random.random() > same else n
        sentences.append([gold, gold[:cut] + other[cut:]])
    return sentences


cases = []
kinds = [
    (["O", "B-", "I-"], ["MAT", "SPL", "PRO"]), (["O", "I-"], ["MAT", "PRO"]), (["O", "B-", "I-", "E-"], ["MAT", "PRO"]),
    (["O", "I-", "E-"], ["A", "B"]), (["O", "B-", "I-", "E-", "S-"], ["A", "B"]), (["O", "B-", "I-", "[-", "]-", "."], ["A"]),
    (["O", "B", "I"], [""]), (["O", "B-", "I-"], ["a-b", "0", "A_very_long_label_indeed"]), (["O"], [""]), (["B-", "-", "BB-"], ["x", "y"]),
]
for prefixes, labels in kinds:
    for same in (0, 0.5, 0.9, 1):
        s = draw(prefixes, labels, same)
        cases.append({"sentences": s, "text": conlleval(s)})
for same in (0, 0.5, 0.8, 1):
    s = iob2(["MAT", "SPL", "PRO", "APL"], same)
    gold, found = [x[0] for x in s], [x[1] for x in s]
    score = {a: [f(gold, found, average=a, zero_division=0) for f in (precision_score, recall_score, f1_score)] for a in ("micro", "macro")}
    cases.append({"sentences": s, "text": conlleval(s), "seqeval": score})
json.dump(cases, open(os.path.join(here, "conlleval.json"), "w"), separators=(",", ":"))

rng = np.random.default_rng(4)
classes = []
for k, n in ((2, 50), (3, 200), (5, 80)):
    gold = rng.integers(0, k, n)
    found = np.where(rng.random(n) < 0.6, gold, rng.integers(0, k, n))
    confidence = rng.random(n)
    right = gold == found
    p, r, f, support = metrics.precision_recall_fscore_support(gold, found, labels=range(k), zero_division=0)
    ece = 0.0
    for b in range(10):
        inside = (confidence >= b / 10) & (confidence < (b + 1) / 10)
        if inside.any():
            ece += inside.sum() / n * abs(right[inside].mean() - confidence[inside].mean())
    accuracy, mean = calibration_curve(right, confidence, n_bins=10)
    classes.append({
        "gold": gold.tolist(), "found": found.tolist(), "confidence": confidence.tolist(),
        "confusion": metrics.confusion_matrix(gold, found, labels=range(k)).tolist(),
        "accuracy": metrics.accuracy_score(gold, found), "macro_f1": metrics.f1_score(gold, found, average="macro"),
        "micro_f1_without_0": metrics.f1_score(gold, found, average="micro", labels=range(1, k)),
        "precision": p.tolist(), "recall": r.tolist(), "f1": f.tolist(), "support": support.tolist(),
        "brier": metrics.brier_score_loss(right, confidence), "ece": ece,
        "bin_accuracy": accuracy.tolist(), "bin_confidence": mean.tolist(),
    })
json.dump(classes, open(os.path.join(here, "classes.json"), "w"), separators=(",", ":"))
