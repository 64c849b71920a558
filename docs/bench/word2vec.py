"""Compares kiban materials word2vec with gensim: the accuracy of analogies, on
the same text with the same settings. kiban-bench has their speed.

    python word2vec.py --kiban ./kiban [--threads 2] [--seeds 3]

Needs gensim (4.4.0 was used) and nothing else. Analogies are planted: a word
w2_3 stands once a sentence among words of its row and of its column, as king
does among words of rank and of gender, so that w1_2 - w1_1 + w2_1 is w2_2. There
are so few sentences that neither gets all.
"""
import argparse
import json
import os
import random
import subprocess
import tempfile

from gensim.models import Word2Vec
from gensim.models.word2vec import LineSentence

p = argparse.ArgumentParser()
p.add_argument("--kiban", required=True)
p.add_argument("--threads", type=int, default=2)
p.add_argument("--seeds", type=int, default=3)
p.add_argument("--sentences", type=int, default=1700)
p.add_argument("--rows", type=int, default=8)
a = p.parse_args()
tmp = tempfile.mkdtemp()


def planted(path, questions, rows=a.rows, columns=5):
    r = random.Random(1)
    with open(path, "w") as f:
        for _ in range(a.sentences):
            row, column, s = r.randrange(rows), r.randrange(columns), []
            for _ in range(10):
                x = r.random()
                s.append(f"r{row}_{r.randrange(20)}" if x < 0.4 else f"c{column}_{r.randrange(20)}" if x < 0.8 else f"f{int(4000 * r.random() * r.random())}")
            s[r.randrange(10)] = f"w{row}_{column}"
            f.write(" ".join(s) + "\n")
    with open(questions, "w") as f:
        f.write(": planted\n")
        for i in range(rows):
            for k in range(rows):
                for j in range(columns):
                    for l in range(columns):
                        if i != k and j != l:
                            f.write(f"w{i}_{j} w{i}_{l} w{k}_{j} w{k}_{l}\n")


def kiban(text, out, cbow, fast, seed, **o):
    args = [a.kiban, "materials", "word2vec", text, "-o", out, "-O", "--words", "blanks", "-j", str(a.threads), "--seed", str(seed), "--progress", "none"]
    args += ["--cbow"] * cbow + ["--fast"] * fast
    for k, v in o.items():
        args += ["--" + k.replace("_", "-"), str(v)]
    subprocess.run(args, check=True, capture_output=True)


def gensim(text, out, cbow, seed, size, epochs, sample, min_count):
    m = Word2Vec(vector_size=size, window=5, negative=5, sg=not cbow, epochs=epochs, sample=sample, min_count=min_count, workers=a.threads, seed=seed, alpha=0.05 if cbow else 0.025)
    m.build_vocab(LineSentence(text))
    m.train(LineSentence(text), total_examples=m.corpus_count, epochs=epochs)
    m.wv.save_word2vec_format(out, binary=True)


def accuracy(vectors, questions):
    said = subprocess.run([a.kiban, "materials", "analogies", "-m", vectors, questions, "--json"], check=True, capture_output=True, text=True).stdout
    return json.loads(said)[-1]["accuracy"]


text, questions = tmp + "/planted.txt", tmp + "/questions.txt"
planted(text, questions)
for cbow in (False, True):
    o = dict(size=32, epochs=8 if cbow else 5, sample=0, min_count=1)
    got = {"kiban": [], "kiban --fast": [], "gensim": []}
    for seed in range(1, a.seeds + 1):
        for fast in (False, True):
            kiban(text, tmp + "/v", cbow, fast, seed, **o)
            got["kiban" + " --fast" * fast].append(accuracy(tmp + "/v", questions))
        gensim(text, tmp + "/g.bin", cbow, seed, o["size"], o["epochs"], o["sample"], o["min_count"])
        got["gensim"].append(accuracy(tmp + "/g.bin", questions))
    for k, v in got.items():
        mean = sum(v) / len(v)
        error = (sum((x - mean) ** 2 for x in v) / max(1, len(v) - 1) / len(v)) ** 0.5
        print(f"{'CBOW' if cbow else 'skip-gram'}\t{k}\taccuracy {mean:.4f} ± {error:.4f} ({', '.join(f'{x:.3f}' for x in v)})", flush=True)
