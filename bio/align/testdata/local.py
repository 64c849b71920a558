#!/usr/bin/env python3
"""Makes local.tsv: 300 pairs of proteins with the score of Biopython's
PairwiseAligner (1.88) in the settings of BLAST: local, BLOSUM62, gap of n
residues -11-n. Pairs are relatives of 20 to 100 % identity with gaps, or
strangers; some are of few letters.

    python3 local.py > local.tsv
"""
import random

from Bio.Align import PairwiseAligner, substitution_matrices

AA = "ACDEFGHIKLMNPQRSTVWY"


def relative(r, s, substitutions, gaps):
    out, i = [], 0
    while i < len(s):
        x = r.random()
        if x < gaps:
            i += r.randint(0, 5)
        elif x < 2 * gaps:
            out += r.choices(AA, k=r.randint(1, 6))
        elif x < 2 * gaps + substitutions:
            out.append(r.choice(AA))
            i += 1
        else:
            out.append(s[i])
            i += 1
    return "".join(out) or "A"


def main():
    a = PairwiseAligner(mode="local", open_gap_score=-12, extend_gap_score=-1)
    a.substitution_matrix = substitution_matrices.load("BLOSUM62")
    r = random.Random(7)
    for i in range(300):
        letters = r.sample(AA, 2) if i % 10 == 9 else AA
        q = "".join(r.choices(letters, k=r.randint(1, 120)))
        t = relative(r, q, r.random() * 0.8, 0.04)
        if i % 10 == 8:
            t = "".join(r.choices(AA + "BXZ", k=r.randint(1, 120)))
        print(q, t, round(a.score(q, t)), sep="\t")


main()
