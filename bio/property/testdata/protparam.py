#!/usr/bin/env python3
"""Makes protparam.tsv.gz: 500 sequences with the numbers of Biopython's ProtParam
and the masks of ncbi-seg (Debian package of that name, defaults 12 2.2 2.5).

Biopython 1.88. Quantities that ProtParam lacks (aliphatic index, TOP-IDP,
Uversky) are computed here from their definitions. Sequences with letters that
ProtParam refuses have only the columns that it gives.

    python3 protparam.py > protparam.tsv && gzip -9n protparam.tsv
"""
import random
import subprocess
import sys
import tempfile

from Bio.SeqUtils import ProtParamData
from Bio.SeqUtils.ProtParam import ProteinAnalysis

AA = "ACDEFGHIKLMNPQRSTVWY"
SHARE = dict(zip(AA, [8.25, 1.38, 5.46, 6.71, 3.86, 7.07, 2.27, 5.91, 5.80, 9.65,
                      2.41, 4.06, 4.74, 3.93, 5.53, 6.65, 5.36, 6.86, 1.10, 2.92]))
TOPIDP = dict(W=-0.884, F=-0.697, Y=-0.510, I=-0.486, M=-0.397, L=-0.326, V=-0.121,
              N=0.007, C=0.020, T=0.059, A=0.060, G=0.166, R=0.180, D=0.192, H=0.303,
              Q=0.318, S=0.341, K=0.586, E=0.736, P=0.987)


def sequences():
    r = random.Random(20261124)
    hand = [
        "A", "W", "D", "K", "MK", "PETER", "INGAR", "CC", "YC", "DDDDDDDDDDDDDDDDDDDD",
        "RRRRRRRRRRRRRRRRRRRRRRRRR", "KDKDKDKDKDKDKDKDKDKD", "G" * 400, "ACDEFGHIKLMNPQRSTVWY",
        "HHHHHHMGSWYWYWYCCCC", "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV",
        "P" * 11, "P" * 12, "PQ" * 150, "Q" * 30 + "ACDEFGHIKLMNPQRSTVWY" * 2 + "S" * 30,
    ]
    yield from hand
    letters, weights = list(SHARE), list(SHARE.values())
    for i in range(400):
        yield "".join(r.choices(letters, weights, k=r.randint(5, 500)))
    for i in range(500 - len(hand) - 400 - 20):  # with stretches of few letters
        s = ""
        while len(s) < r.randint(60, 400):
            s += "".join(r.choices(letters, weights, k=r.randint(5, 60)))
            few = r.sample(letters, r.randint(1, 4))
            s += "".join(r.choices(few, k=r.randint(5, 60)))
        yield s
    for i in range(20):  # letters that ProtParam does not know
        yield "".join(r.choices(letters + list("BJOUXZ"), weights + [0.7] * 6, k=r.randint(20, 200)))


def low_complexity(seqs):
    with tempfile.NamedTemporaryFile("w", suffix=".fa") as f:
        for i, s in enumerate(seqs):
            # The program drops J, O and U, and knows X as no letter.
            s = s.translate(str.maketrans("JOU", "XXX"))
            f.write(f">{i}\n{s}\n")
        f.flush()
        out = subprocess.run(["ncbi-seg", f.name, "-x"], capture_output=True, text=True, check=True).stdout
    masked = []
    for record in out.split(">")[1:]:
        masked.append("".join(record.split("\n")[1:]))
    result = []
    for s, m in zip(seqs, masked):
        assert len(s) == len(m)
        spans, start = [], None
        for i, c in enumerate(m + "A"):
            if c == "x" and start is None:
                start = i
            elif c != "x" and start is not None:
                spans.append(f"{start}-{i}")
                start = None
        result.append(",".join(spans))
    return result


def disorder_fraction(s):
    cut = 0.542 * (0.987 + 0.884) - 0.884
    n = 0
    for i in range(len(s)):
        w = [TOPIDP[c] for c in s[max(0, i - 10):i + 11]]
        n += sum(w) / len(w) >= cut
    return n / len(s)


def main():
    seqs = list(sequences())
    assert len(seqs) == 500
    print("\t".join("sequence segments weight pi charge gravy aromaticity instability helix turn sheet "
                    "reduced cystines aliphatic disorder disorder_fraction uversky".split()))
    for s, seg in zip(seqs, low_complexity(seqs)):
        a = ProteinAnalysis(s)
        row = [s, seg]
        if set(s) <= set(AA):
            p = {x: n / 100 for x, n in a.amino_acids_percent.items()}
            gravy = a.gravy()
            row += [a.molecular_weight(), a.isoelectric_point(), a.charge_at_pH(7), gravy, a.aromaticity(),
                    a.instability_index(), *a.secondary_structure_fraction(), *a.molar_extinction_coefficient(),
                    100 * (p["A"] + 2.9 * p["V"] + 3.9 * (p["I"] + p["L"])),
                    sum(TOPIDP[c] for c in s) / len(s), disorder_fraction(s),
                    abs(p["K"] + p["R"] - p["D"] - p["E"]) - (2.785 * (gravy + 4.5) / 9 - 1.151)]
        print("\t".join(x if isinstance(x, str) else f"{x:.10g}" for x in row))


main()
