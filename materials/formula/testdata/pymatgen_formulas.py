"""Makes pymatgen.json.gz: compositions and masses of formulas by pymatgen.

    python pymatgen_formulas.py > /dev/null

Written with pymatgen 2026.10.16 (pymatgen-core). The formulas are drawn here
with a fixed seed: oxides, phosphates, halides and solutions with fractional
amounts, nested brackets, and adducts.
"""
import gzip, json, random
from pymatgen.core import Composition, Element

r = random.Random(20261130)
metals = [e.symbol for e in Element if e.Z <= 94 and e.is_metal and e.symbol not in ("Fr", "Ra", "Ac", "Po", "Pm", "Tc", "Np", "Pu", "Pa")]
anions = ["O", "S", "Se", "N", "F", "Cl", "Br", "I", "Te", "P", "C", "B", "As"]
groups = ["PO4", "SO4", "NO3", "CO3", "OH", "CH3COO", "SiO4", "NH4", "CN", "BO3", "VO4", "C2H5O", "CH3CO2", "P2O7"]


def amount():
    k = r.random()
    if k < 0.35:
        return ""
    if k < 0.75:
        return str(r.randint(2, 12))
    return f"{r.randint(1, 999) / 1000:g}" if k < 0.9 else f"{r.randint(100, 999) / 100:g}"


def formula():
    s = ""
    for m in r.sample(metals, r.randint(1, 4)):
        s += m + amount()
    if r.random() < 0.3:
        a, b = r.sample(metals, 2)
        s += f"({a}{r.randint(1, 9) / 10:g}{b}{r.randint(1, 9) / 10:g}){r.choice(['', '2', '3'])}"
    if r.random() < 0.45:
        g = r.choice(groups)
        n = r.randint(1, 6)
        s += f"({g}){n}" if n > 1 else g
    if r.random() < 0.1:
        a = r.choice(metals)
        s += f"[{a}({r.choice(groups)}){r.randint(2, 6)}]{r.choice(['', '2', '3'])}"
    if r.random() < 0.8:
        s += r.choice(anions) + amount()
    if r.random() < 0.15:
        s += f"·{r.choice(['', '2', '5', '0.5', '12'])}H2O"
    return s


seen = {}
while len(seen) < 1500:
    s = formula()
    if s in seen:
        continue
    c = None
    for part in s.split("·"):  # pymatgen knows no adducts: add them up
        digits = len(part) - len(part.lstrip("0123456789.")) if c is not None else 0
        p = Composition(part[digits:]) * (float(part[:digits]) if digits else 1)
        c = p if c is None else c + p
    seen[s] = {"elements": {e.symbol: round(n, 9) for e, n in c.items()}, "mass": round(float(c.weight), 5)}
with gzip.GzipFile("pymatgen.json.gz", "wb", mtime=0) as f:
    f.write(json.dumps(seen, ensure_ascii=False, separators=(",", ":")).encode())
