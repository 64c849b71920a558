#!/usr/bin/env python3
"""Makes nearest.tsv.gz: brute force for the search. 500 queries and 500 training
sequences; every pair is scored by Biopython's PairwiseAligner (1.88; local,
BLOSUM62, gap of n residues -11-n).

Rows "T sequence" are training sequences; rows "Q sequence score targets
identity" are queries with the best score, the numbers of the training sequences
that reach it, and the share of residues of the origin that were kept when the
query was made from it (0: made of nothing, 1: a copy).

    python3 nearest.py | gzip -9n > nearest.tsv.gz
"""
import random
from multiprocessing import Pool

from Bio.Align import PairwiseAligner, substitution_matrices

AA = "ACDEFGHIKLMNPQRSTVWY"
WEIGHTS = [8.25, 1.38, 5.46, 6.71, 3.86, 7.07, 2.27, 5.91, 5.80, 9.65, 2.41, 4.06, 4.74, 3.93, 5.53, 6.65, 5.36,
           6.86, 1.10, 2.92]


def protein(r, n):
    return "".join(r.choices(AA, WEIGHTS, k=n))


def relative(r, s, kept):
    out, i = [], 0
    gaps = 0 if kept == 1 else 0.012
    while i < len(s):
        x = r.random()
        if x < gaps:
            i += r.randint(1, 4)
        elif x < 2 * gaps:
            out.append(protein(r, r.randint(1, 4)))
        else:
            out.append(s[i] if r.random() < kept else protein(r, 1))
            i += 1
    return "".join(out)


R = random.Random(11)
TRAINING = [protein(R, R.randint(60, 180)) for _ in range(400)]
TRAINING += [relative(R, t, 0.7) for t in TRAINING[:100]]  # families
QUERIES = []
for k in range(500):
    if k < 60:
        QUERIES.append((0.0, protein(R, R.randint(60, 180))))
        continue
    kept = 1.0 if k % 25 == 0 else round(R.uniform(0.2, 0.98), 2)
    QUERIES.append((kept, relative(R, R.choice(TRAINING), kept)))

A = PairwiseAligner(mode="local", open_gap_score=-12, extend_gap_score=-1)
A.substitution_matrix = substitution_matrices.load("BLOSUM62")


def nearest(q):
    scores = [round(A.score(q[1], t)) for t in TRAINING]
    top = max(scores)
    return top, [i for i, s in enumerate(scores) if s == top]


def main():
    for t in TRAINING:
        print("T", t, sep="\t")
    with Pool() as pool:
        for (kept, q), (score, targets) in zip(QUERIES, pool.map(nearest, QUERIES, chunksize=10)):
            print("Q", q, score, ",".join(map(str, targets)), kept, sep="\t")


main()
