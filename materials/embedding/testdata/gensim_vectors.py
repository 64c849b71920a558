"""Makes gensim.bin, gensim.txt, questions.txt and gensim.json: vectors in the
files of gensim, and what gensim answers.

    python gensim_vectors.py

Written with gensim 4.4.0. The vectors are random but for a plan that makes some
analogies come out; words differ in case only now and then, since the rules of
case matter.
"""
import json
import numpy as np
from gensim.models import KeyedVectors

r = np.random.default_rng(20261130)
words, rows = [], []
rank, gender = r.normal(size=(12, 16)), r.normal(size=(5, 16))
for i in range(12):
    for j in range(5):
        words.append(f"w{i}x{j}")
        rows.append(rank[i] + gender[j] + 0.55 * r.normal(size=16))
for w in ("Co", "CO", "co", "Ünder", "ÜNDER", "straße", "W1X1", "w2X2", "μm", "LiFePO4"):
    words.append(w)
    rows.append(r.normal(size=16))
for i in range(230):
    words.append(f"f{i}")
    rows.append(r.normal(size=16))
order = r.permutation(len(words))
kv = KeyedVectors(16)
kv.add_vectors([words[i] for i in order], np.asarray([rows[i] for i in order], np.float32))
kv.save_word2vec_format("gensim.bin", binary=True)
kv.save_word2vec_format("gensim.txt", binary=False)

lines = [": ranks and genders"]
for i in range(12):
    for k in range(12):
        for j in range(5):
            for l in range(5):
                if i != k and j != l and r.random() < 0.35:
                    q = f"w{i}x{j} w{i}x{l} w{k}x{j} w{k}x{l}"
                    lines.append(q.upper() if r.random() < 0.2 else q)
lines += [": odd: lines", "w1x1 w1x2 w1x1 w1x2", "w1x1 w1x1 w2x2 w2x2", "w1x1 w1x2 w3x1", "", "w1x1 w1x2 nosuch w2x2", "co CO Co straße", "STRASSE w1x1 ünder w2x2",
          "w1x1  w1x2\tw2x1 w2x2", ": empty section", ": last", "f1 f2 f3 f4", "w1x0 w1x3 w4x0 w4x3 extra"]
open("questions.txt", "w").write("\n".join(lines) + "\n")

answers = {"near": [], "analogies": []}
for positive, negative, top, restrict in [(["w1x1"], [], 10, None), (["w1x1", "w2x2"], ["w1x2"], 5, None), (["Co"], ["CO", "co"], 7, None), (["f1", "f1"], [], 3, 50), (["LiFePO4"], [], 300, None)]:
    got = kv.most_similar(positive=positive, negative=negative, topn=top, restrict_vocab=restrict)
    answers["near"].append({"positive": positive, "negative": negative, "top": top, "restrict": restrict or 0, "words": [w for w, _ in got], "similarity": [round(float(s), 6) for _, s in got]})
for restrict, insensitive, dummy in [(300000, True, False), (300000, False, False), (300000, True, True), (200, True, False), (150, False, True)]:
    score, sections = kv.evaluate_word_analogies("questions.txt", restrict_vocab=restrict, case_insensitive=insensitive, dummy4unknown=dummy)
    answers["analogies"].append({"restrict": restrict, "insensitive": insensitive, "dummy": dummy, "score": score,
                                 "sections": [[s["section"], len(s["correct"]), len(s["incorrect"])] for s in sections]})
json.dump(answers, open("gensim.json", "w"), ensure_ascii=False, indent=1)
