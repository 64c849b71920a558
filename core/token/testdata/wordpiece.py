"""Makes the tables and fixtures of the WordPiece side of core/token with the
reference implementation.

Versions: Python 3.11, tokenizers 0.23.3, transformers 5.24.0.

    python core/token/testdata/wordpiece.py unicode > core/token/unicode.go
    python core/token/testdata/wordpiece.py vocab     # wordpiece/{uncased,cased}/
    python core/token/testdata/wordpiece.py texts     # wordpiece/texts.json
    python core/token/testdata/wordpiece.py random    # wordpiece/random.json.gz, characters.json.gz
    python core/token/testdata/wordpiece.py real      # wordpiece/materials.json
    python core/token/testdata/wordpiece.py training  # wordpiece/training.json.gz
    python core/token/testdata/wordpiece.py bert DIR  # wordpiece/bert.json, of a published model's directory
    python core/token/testdata/wordpiece.py saved DIR # checks what TestWordPieceSaved wrote with KIBAN_SAVE_TO=DIR

The tables are what the library does to each of the 1,112,064 characters, alone
and beside another; its Unicode versions (they differ from part to part) are
therefore ours, whatever Go's is.
"""
import glob, gzip, hashlib, json, os, re, sys, tarfile

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

OUT = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(OUT)))
SURROGATES = range(0xD800, 0xE000)


def bert(clean=False, chinese=False, accents=False, lower=False):
    return normalizers.BertNormalizer(clean_text=clean, handle_chinese_chars=chinese,
                                      strip_accents=accents, lowercase=lower).normalize_str


def characters():
    return (chr(i) for i in range(0x110000) if i not in SURROGATES)


def combining_classes(nfd, changed):
    """Canonical combining classes, from which of two marks NFD puts first."""
    import unicodedata
    marks = {}  # a mark of each class that the library knows, by Python's table
    for c in characters():
        k = unicodedata.combining(c)
        if k and c not in changed and k not in marks and (k == 1 or nfd(c + "\u0334") == "\u0334" + c):
            marks[k] = c
    classes = {}
    for c in characters():
        if c in changed:
            continue
        if nfd("\u0345" + c) != c + "\u0345" and c != "\u0345":
            continue
        larger = [k for k, m in marks.items() if m != c and nfd(m + c) == c + m]
        smaller = [k for k, m in marks.items() if m != c and nfd(c + m) == m + c]
        same = set(marks) - set(larger) - set(smaller)
        assert len(same) == 1, (hex(ord(c)), same)
        classes[c] = same.pop()
    return classes


def lower_runs(lower):
    """Runs of characters with a common step and distance to their lower case."""
    runs = []
    for c, to in sorted(lower.items()):
        c, d = ord(c), ord(to) - ord(c)
        if runs:
            first, last, step, distance = runs[-1]
            if d == distance and c - last in (1, 2) and step in (0, c - last):
                runs[-1] = (first, c, c - last, d)
                continue
        runs.append((c, c, 0, d))
    return [(f, l, s or 1, d) for f, l, s, d in runs]


def rows(items, width=116):
    line = ""
    for item in items:
        if len(line) + len(item) + 1 > width:
            yield line.rstrip()
            line = ""
        line += item + " "
    if line:
        yield line.rstrip()


def quoted(s):
    return "".join(c if "!" <= c <= "~" and c not in "\"\\" else "\\u%04x" % ord(c) if ord(c) < 0x10000 else "\\U%08x" % ord(c) for c in s)


def unicode():
    nfd, strip = normalizers.NFD().normalize_str, normalizers.StripAccents().normalize_str
    clean, chinese, nonspacing, lowercase = bert(clean=True), bert(chinese=True), bert(accents=True), bert(lower=True)
    words = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    single = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    single.add_tokens([AddedToken("Q", single_word=True)])
    changed = {c: nfd(c) for c in characters() if nfd(c) != c}
    lower = {c: lowercase(c) for c in characters() if lowercase(c) != c}
    expands = [c for c in lower if len(lower[c]) > 1]
    assert expands == ["\u0130"] and lower.pop("\u0130") == "i\u0307", expands
    classes = combining_classes(nfd, changed)
    hangul = {chr(i) for i in range(0xAC00, 0xD7A4)}
    assert hangul <= changed.keys()

    runs, last = [], None
    for i in range(0x110000):
        flags = 1
        if i not in SURROGATES:
            c = chr(i)
            x = clean(c)
            assert x in ("", " ", c) and chinese(c) in (c, " " + c + " ")
            if c not in changed:
                assert nonspacing(c) in ("", c)
            pieces = [w for w, _ in words("a" + c + "a")]
            assert pieces in (["a", c, "a"], ["a", "a"], ["a" + c + "a"])
            flags = sum(bit << n for n, bit in enumerate([
                x == "", x == " ", chinese(c) != c, c not in changed and nonspacing(c) == "", strip(c) == "",
                len(pieces) == 3, len(pieces) == 2, single.encode("Q" + c).tokens != ["Q"] and len(single.encode("Q" + c).tokens) == 1,
                c in lower or c in expands, c in changed, c in classes]))
        if flags != last:
            runs.append(i << 11 | flags)
            last = flags
    class_runs, last = [], 0
    for i in range(0x110000):
        k = classes.get(chr(i), 0)
        if k != last:
            class_runs.append(i << 8 | k)
            last = k

    print("// Code generated by core/token/testdata/wordpiece.py; DO NOT EDIT.\n\npackage token\n")
    print("// flagRuns holds the properties of all characters as the tokenizers library has\n"
          "// them: the first character of each run, shifted left by 11, and its flags.")
    print("var flagRuns = []uint32{")
    for line in rows("%#x," % r for r in runs):
        print("\t" + line)
    print("}\n\n// classRunsNFD holds the canonical combining classes, in runs: the first\n"
          "// character shifted left by 8, and the class.\nvar classRunsNFD = []uint32{")
    for line in rows("%#x," % r for r in class_runs):
        print("\t" + line)
    print("}\n\n// lowerRuns holds the characters with a lower case, except U+0130 whose lower case\n"
          "// is two: first and last of a run, its step, and the distance to the lower case.\nvar lowerRuns = [][4]int32{")
    for line in rows("{%#x, %#x, %d, %d}," % r for r in lower_runs(lower)):
        print("\t" + line)
    print("}\n\n// decompositions holds the canonical decompositions in full, except those of\n"
          "// Hangul, which are arithmetic: a character, what becomes of it, and a space.\nconst decompositions = \"\" +")
    lines = list(rows("%s%s\\x20" % (quoted(c), quoted(d)) for c, d in sorted(changed.items()) if c not in hangul))
    for i, line in enumerate(lines):
        print("\t\"" + line.replace(" ", "") + "\"" + (" +" if i + 1 < len(lines) else ""))


MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

# The settings that are compared: vocabulary, then clean_text, handle_chinese_chars,
# strip_accents and lowercase of BertNormalizer. The first is BERT's and SciBERT's
# uncased one, the third what MatSciBERT normalises with.
SETTINGS = [
    ("uncased", True, True, None, True),
    ("cased", True, True, None, False),
    ("cased", True, True, True, False),
    ("uncased", False, False, False, True),
]


def tokenizer(vocab, clean, chinese, accents, lower):
    t = Tokenizer(models.WordPiece.from_file(os.path.join(OUT, "wordpiece", vocab, "vocab.txt"), unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(clean, chinese, accents, lower)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece("##", True)
    cls, sep = t.token_to_id("[CLS]"), t.token_to_id("[SEP]")
    t.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", cls), ("[SEP]", sep)])
    t.add_special_tokens(MARKS)
    return t


def with_added():
    """Added tokens of every kind."""
    t = tokenizer(*SETTINGS[0])
    t.add_special_tokens([AddedToken("[E1]", normalized=False, special=True), AddedToken("[/E1]", normalized=False, special=True),
                          AddedToken("<left>", normalized=False, special=True, lstrip=True),
                          AddedToken("<right>", normalized=False, special=True, rstrip=True)])
    t.add_tokens([AddedToken("Perovskite"), AddedToken("LiCoO", single_word=True), AddedToken("exact", normalized=False, single_word=True),
                  AddedToken("two words"), AddedToken("Å", single_word=True)])
    return t


def vocab():
    """Vocabularies from the project's own prose, and the characters of the trade."""
    lines = []
    for pattern in ("*.md", "docs/**/*.md", "**/*.go"):
        for path in sorted(glob.glob(os.path.join(ROOT, pattern), recursive=True)):
            if "/testdata/" in path or "unicode.go" in path or "classes.go" in path:
                continue
            for line in open(path, encoding="utf-8"):
                if path.endswith(".go"):
                    m = re.search(r"// (.*)", line)
                    line = m.group(1) if m else ""
                lines.append(line.strip())
    alphabet = [chr(c) for c in [*range(0x21, 0x7F), *range(0xA1, 0x180), *range(0x391, 0x3CA), *range(0x410, 0x450),
                                 *range(0x2010, 0x2028), *range(0x2030, 0x205F), *range(0x2070, 0x209D), *range(0x2190, 0x2200),
                                 *range(0x2200, 0x2300), *range(0x3041, 0x3097), *range(0x1100, 0x1113), *range(0x1161, 0x1176),
                                 0x3000, 0x4E00, 0x4E8C, 0x6750, 0x6599, 0x301, 0x308, 0x30A, 0x1F600, 0x1D6FC]]
    for name, lower in (("uncased", True), ("cased", False)):
        t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        t.normalizer = normalizers.BertNormalizer(lowercase=lower)
        t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        t.train_from_iterator(lines + [" ".join("a" + t.normalizer.normalize_str(c) for c in alphabet)] * 2, trainers.WordPieceTrainer(
            vocab_size=8000, min_frequency=1, special_tokens=MARKS, show_progress=False,
            initial_alphabet=[d for c in alphabet for d in t.normalizer.normalize_str(c).strip()]))
        d = os.path.join(OUT, "wordpiece", name)
        os.makedirs(d, exist_ok=True)
        t.model.save(d)
        with open(os.path.join(d, "tokenizer_config.json"), "w") as f:
            json.dump({"do_lower_case": lower, "model_max_length": 512}, f)
            f.write("\n")


def digest(encodings):
    """Of the ids and offsets, in characters, of many texts."""
    h = hashlib.sha256()
    n = 0
    for e in encodings:
        n += len(e.ids)
        h.update(np.column_stack([np.array(e.ids, "<i4"), np.array(e.offsets, "<i4").reshape(-1, 2)]).tobytes() + b"|")
    return n, h.hexdigest()[:16]


def dump(name, value):
    path = os.path.join(OUT, "wordpiece", name)
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    if name.endswith(".gz"):
        with gzip.GzipFile(path, "wb", mtime=0) as f:
            f.write(text.encode())
    else:
        with open(path, "w") as f:
            f.write(text + "\n")


TEXTS = [
    "", " ", "a", "The films of LiFePO4 were annealed at 700 °C.", "La0.8Sr0.2MnO3-δ", "CuSO4·5H2O", "ångström Å \u212b A\u030a", "µm μm",
    "soft\u00adhyphen", "non\u00a0breaking\u2009space", "ﬁlm ﬂow", "x\u0301\u0323y", "\u0301start", "İstanbul", "ǅ ß ẞ Σ ς", "材料 a材b料", "한국어 각",
    "e\u0345\u0344", "\u0f73\u0f71", "\u1e69\u0323", "a\x00b\x7fc\ufffdd", "tab\tnew\nline\r\nform\x0cfeed\x0b", "\u200bzero\u200dwidth\ufeff", "…—–‐‑−",
    "don't we'll U.S.A. (a) [b] {c} <d> a_b a@b.c 3.14 1,000 50% $5", "x" * 100, "x" * 101, "é" * 100, "é" * 101, "\u1100\u1161\u11a8" * 40, "x" * 5000,
    "[SEP] [sep] [MASK][MASK] a[CLS]b [UNK [PAD]]", "##ing #", "[E1]LiCoO[/E1]2 LiCoO licoo LICOO2 LiCoO- xLiCoO", "a  <left>  b <right>  c<right><left> ",
    "perovskite PEROVSKITE Perovskites pérovskite", "exact exactly inexact Exact é exact\u0301 exact", "two words Two Words two  words two\nwords twowords", "Å Å1 å (Å) A a",
    "😀 👩\u200d👩\u200d👧 🇩🇪", "\U0001d6fc\U0001d7d9\U00010400", "\U0002b740\U0002b820\uf900\U0002f800", "\u0085\u2028\u2029\u3000x\u1680y", "\ue000\U000f0000\U0010ffff",
    " . , ! ? ' n't 'm do not 's 've 're", "( a ) . b ' c", "do not we ' ve",
]


def texts():
    out = []
    for t in [tokenizer(*s) for s in SETTINGS] + [with_added()]:
        rows = []
        for x in TEXTS:
            e = t.encode(x, add_special_tokens=False)
            rows.append([e.ids, [o for pair in e.offsets for o in pair], t.decode(e.ids, skip_special_tokens=False)])
        out.append(rows)
    with_added().save(os.path.join(OUT, "wordpiece", "added.json"), pretty=False)
    dump("texts.json", {"texts": TEXTS, "settings": out})


class Xorshift:
    """xorshift64* (S. Vigna, 2016)."""

    def __init__(self, seed):
        self.x = seed

    def below(self, n):
        m = 0xFFFFFFFFFFFFFFFF
        self.x ^= self.x >> 12
        self.x ^= self.x << 25 & m
        self.x ^= self.x >> 27
        return (self.x * 0x2545F4914F6CDD1D & m) % (1 << 32) % n


# Classes of characters that random texts are made of: ranges, last one included.
CLASSES = [
    [(0x20, 0x7E)], [(0x61, 0x7A)], [(0x20, 0x20)], [(0x41, 0x5A)], [(0xC0, 0x24F)], [(0x300, 0x36F)], [(0x370, 0x3FF)], [(0x400, 0x52F)],
    [(0x591, 0x6FF)], [(0x900, 0x97F)], [(0xF00, 0xFDA)], [(0x1100, 0x11FF)], [(0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF)], [(0x1E00, 0x1FFF)],
    [(0x2000, 0x206F)], [(0x2070, 0x22FF)], [(0x3000, 0x30FF)], [(0x4E00, 0x9FFF)], [(0xAC00, 0xD7A3)], [(0xE000, 0xFFFD)], [(0x0, 0x1F), (0x7F, 0xA0)],
    [(0x1D400, 0x1D7FF)], [(0x1F1E6, 0x1F1FF), (0x1F3FB, 0x1F64F), (0x200D, 0x200D), (0xFE0F, 0xFE0F)], [(0x10000, 0x2FFFF)], [(0xE0000, 0x10FFFF)],
]
LOOKALIKES = ["[SEP]", "[sep]", "[MASK]", "[CLS", "##", "[UNK]", "LiFePO", "\r\n", "°C", "Å", "µ", "İ", "ﬁ", "\u00ad", "\u00a0", "word", "\u0345\u0344",
              "[E1]", "<left>", "<right>", "Perovskite", "LiCoO", "exact", "two words"]


def random_text(rng):
    out = []
    picks = [rng.below(len(CLASSES) + 1) for _ in range(1 + rng.below(4))]
    for _ in range(rng.below(40)):
        k = picks[rng.below(len(picks))] if rng.below(4) else rng.below(4)
        if k == len(CLASSES):
            out.append(LOOKALIKES[rng.below(len(LOOKALIKES))])
            continue
        first, last = CLASSES[k][rng.below(len(CLASSES[k]))]
        out.append(chr(first + rng.below(last - first + 1)))
    return "".join(out)


def random():
    rng = Xorshift(20161)
    strings = [random_text(rng) for _ in range(10_000)]
    assert len({c for s in strings for c in s}) > 20_000
    rows = []
    for t in [tokenizer(*s) for s in SETTINGS] + [with_added()]:
        encoded = [t.encode(s, add_special_tokens=False) for s in strings]
        rows.append([digest(encoded[i:i + 10])[1] for i in range(0, len(encoded), 10)])
    dump("random.json.gz", rows)

    # Each character, alone to the normaliser, and in company to the whole.
    rows = []
    for t in [tokenizer(*s) for s in SETTINGS]:
        blocks = []
        for i in range(0, 0x110000, 4096):
            block = [chr(c) for c in range(i, i + 4096) if c not in SURROGATES]
            normal = hashlib.sha256("\n".join(t.normalizer.normalize_str(c) for c in block).encode()).hexdigest()[:16]
            blocks.append([normal, digest(t.encode("a%sb %s \u0345%s\u0323;%s" % (c, c, c, c), add_special_tokens=False) for c in block)[1]])
        rows.append(blocks)
    dump("characters.json.gz", rows)


def shared_texts():
    """Every text file of the materials data, unpacked, by name."""
    for path in sorted(glob.glob(os.path.join(ROOT, "..", "shared", "data", "materials", "*"))):
        name = os.path.basename(path)
        if name.endswith(".tar.gz"):
            with tarfile.open(path) as tar:
                for m in tar:
                    if m.isfile():
                        yield name + "/" + m.name, tar.extractfile(m).read()
        else:
            yield name, (gzip.open if name.endswith(".gz") else open)(path, "rb").read()


def real():
    tokenizers = [tokenizer(*s) for s in SETTINGS]
    files, total = {}, 0
    for name, data in shared_texts():
        lines = data.decode("utf-8").split("\n")
        total += len(data)
        archive = name.split("/")[0]
        row = files.setdefault(archive, {"bytes": 0, "lines": 0, "settings": [[] for _ in SETTINGS]})
        row["bytes"] += len(data)
        row["lines"] += len(lines)
        for per, t in zip(row["settings"], tokenizers):
            per.append(digest(t.encode(x, add_special_tokens=False) for x in lines))
    for row in files.values():
        row["settings"] = [[sum(n for n, _ in per), hashlib.sha256("".join(d for _, d in per).encode()).hexdigest()[:16]] for per in row["settings"]]
    print(total, "bytes")
    dump("materials.json", files)


def training():
    """What training finds on two pages of the project's own. The library numbers
    characters that go on a word in the order of a hash table; where they are
    special tokens before all others, in the order of Unicode, nothing is left to
    chance."""
    import collections
    lines = []
    for name in ("README.md", "docs/DESIGN.md"):
        lines += open(os.path.join(ROOT, name), encoding="utf-8").read().split("\n")

    def train(lower, options):
        t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        t.normalizer = normalizers.BertNormalizer(lowercase=lower)
        t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        t.train_from_iterator(lines, trainers.WordPieceTrainer(show_progress=False, **options))
        return [k for k, _ in sorted(t.get_vocab().items(), key=lambda kv: kv[1])]

    cases = []
    for name, lower, options in [
        ("uncased", True, dict(vocab_size=1500, min_frequency=0)),
        ("cased", False, dict(vocab_size=1000, min_frequency=2)),
        ("frequency", True, dict(vocab_size=5000, min_frequency=4)),
        ("limit", True, dict(vocab_size=800, min_frequency=0, limit_alphabet=40)),
        ("alphabet", False, dict(vocab_size=700, min_frequency=0, initial_alphabet=["\u03b1", "\u6750", "a", "\U0001d6fc"])),
        ("exhausted", True, dict(vocab_size=20000, min_frequency=0)),
    ]:
        normal = normalizers.BertNormalizer(lowercase=lower)
        words = [w for x in lines for w, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(normal.normalize_str(x))]
        count = collections.Counter(c for w in words for c in w)
        if n := options.get("limit_alphabet"):
            order = sorted(count.values(), reverse=True)
            assert order[n - 1] != order[n], "a tie that the library settles by chance"
        kept = {c for c, _ in count.most_common(options.get("limit_alphabet"))}
        later = ["##" + c for c in sorted({c for w in words for c in w[1:]} & kept)]
        plain = [set(train(lower, {**options, "special_tokens": MARKS})) for _ in range(3)]
        agree = min(len(plain[0] & p) / len(plain[0]) for p in plain[1:])
        cases.append({"name": name, "lower": lower, "options": {**options, "special_tokens": MARKS + later}, "agree": agree,
                      "vocab": train(lower, {**options, "special_tokens": MARKS + later}), "plain": sorted(plain[0])})
        print(name, len(cases[-1]["vocab"]), "agree", agree)
    dump("training.json.gz", {"lines": lines, "cases": cases})


def bert_published():
    """The tokenizer of a published model as transformers opens it."""
    from transformers import AutoTokenizer
    t = AutoTokenizer.from_pretrained(sys.argv[2]).backend_tokenizer
    t.no_padding()
    t.no_truncation()
    rng = Xorshift(20161)
    encode = lambda x: t.encode(x, add_special_tokens=False)  # noqa: E731
    n, strings = digest(encode(random_text(rng)) for _ in range(10_000))
    per = [digest(encode(x) for x in data.decode("utf-8").split("\n")) for _, data in shared_texts()]
    dump("bert.json", {"vocab": t.get_vocab_size(), "random": [n, strings],
                       "materials": [sum(n for n, _ in per), hashlib.sha256("".join(d for _, d in per).encode()).hexdigest()[:16]]})


def saved():
    """Opens each directory with transformers, with and without tokenizer.json."""
    import shutil, tempfile
    from transformers import AutoTokenizer
    want = json.load(open(os.path.join(OUT, "wordpiece", "texts.json")))
    for k, rows in enumerate(want["settings"]):
        for names in (None, ("vocab.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")):
            if k == 3 and names:
                continue  # clean_text is in tokenizer.json alone
            with tempfile.TemporaryDirectory() as d:
                src = os.path.join(sys.argv[2], str(k))
                for f in names or os.listdir(src):
                    if os.path.exists(os.path.join(src, f)):
                        shutil.copy(os.path.join(src, f), d)
                with open(os.path.join(d, "config.json"), "w") as f:
                    f.write('{"model_type": "bert"}')
                t = AutoTokenizer.from_pretrained(d)
                assert (t.cls_token_id, t.sep_token_id, t.pad_token_id, t.mask_token_id, t.unk_token_id) == (2, 3, 0, 4, 1)
                for x, (ids, offsets, _) in zip(want["texts"], rows):
                    e = t(x, add_special_tokens=False, return_offsets_mapping=True)
                    assert e["input_ids"] == ids and [o for p in e["offset_mapping"] for o in p] == offsets, (k, names, x, e["input_ids"], ids)
                assert t("a", "b")["input_ids"] == [2, *t("a", add_special_tokens=False)["input_ids"], 3, *t("b", add_special_tokens=False)["input_ids"], 3]
            print(k, type(t).__name__, "tokenizer.json" if names is None else "vocab.txt", len(rows), "texts equal")


if __name__ == "__main__":
    {f.__name__: f for f in (unicode, vocab, texts, random, real, training, saved)}.get(sys.argv[1], bert_published)()
