"""Makes the fixture of materials/normalize with the published recipe: clean each
line as BertNormalizer does, with accents stripped and case kept, and look each
character up in a mapping (here a small one of our own), a space for those that
are not in it.

Versions: Python 3.11, tokenizers 0.23.3.

    python materials/normalize/testdata/normalize.py
"""
import hashlib, json, os, sys

from tokenizers.normalizers import BertNormalizer

OUT = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(OUT)))
sys.path.insert(0, os.path.join(ROOT, "core", "token", "testdata"))
import wordpiece  # noqa: E402

MAPPING = [chr(c) + " " + chr(c) for c in range(0x21, 0x7F)] + [
    "\u2212 -", "\u2013 -", "\u00b5 \u03bc", "\u03bc \u03bc", "\u00bd 1/2", "\u2103 \u00b0C", "\ufb01 fi", "\u2423  ", "\u00d8 ", "\u2122 (tm)", "\u03b4 d", "\u03b4 \u03b4",
    "\u6750 x", "\u1100 g", "\U0001d6fc \u03b1", "\uff0d -"]


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(OUT, "mapping", "vocab_mappings.txt")
    if len(sys.argv) == 1:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="\n") as f:
            f.write("\n".join(MAPPING) + "\n")
    with open(path, encoding="utf-8") as f:
        to = {line[0]: line[2:] for line in f.read().strip().split("\n")}
    clean = BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=False).normalize_str

    def normalize(text):
        return "\n".join("".join(to.get(c, " ") for c in clean(line)) for line in text.split("\n"))

    rng = wordpiece.Xorshift(20161)
    strings = [wordpiece.random_text(rng) for _ in range(10_000)]
    h = [hashlib.sha256("\x00".join(map(normalize, strings[i:i + 100])).encode()).hexdigest()[:16] for i in range(0, len(strings), 100)]
    m = hashlib.sha256()
    for _, data in wordpiece.shared_texts():
        m.update(normalize(data.decode("utf-8")).encode())
    result = {"random": h, "materials": m.hexdigest()[:16]}
    if len(sys.argv) > 1:
        print(hashlib.sha256("".join(h).encode()).hexdigest()[:16], result["materials"])
        return
    with open(os.path.join(OUT, "published.json"), "w") as f:
        json.dump(result, f)
        f.write("\n")


main()
