"""Encodes the real sentences of the materials data with Hugging Face tokenizers
on one thread, as the peer of BenchmarkWordPiece in core/token: the same
vocabulary, the same lines, ids and offsets.

    python docs/bench/wordpiece.py
"""
import glob
import gzip
import os
import tarfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import tokenizers  # noqa: E402
from tokenizers import models, normalizers, pre_tokenizers  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.path.join(ROOT, "..", "shared", "data", "materials")

parts = [gzip.open(os.path.join(DATA, "glass_non_glass_train.csv.gz"), "rb").read()]
with tarfile.open(os.path.join(DATA, "sofc_exp_train_raw.tar.gz")) as tar:
    parts += [tar.extractfile(m).read() for m in tar if m.isfile()]
text = b"".join(parts).decode("utf-8")
lines = text.split("\n")
t = tokenizers.Tokenizer(models.WordPiece.from_file(os.path.join(ROOT, "core/token/testdata/wordpiece/uncased/vocab.txt"), unk_token="[UNK]"))
t.normalizer = normalizers.BertNormalizer()
t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
t.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
size = len(text.encode())
for name, run in (("encode", lambda: [t.encode(x, add_special_tokens=False) for x in lines]),
                  ("encode_batch", lambda: t.encode_batch(lines, add_special_tokens=False)),
                  ("encode_batch_fast, no offsets", lambda: t.encode_batch_fast(lines, add_special_tokens=False))):
    best = 1e9
    for _ in range(3):
        start = time.perf_counter()
        n = sum(len(e) for e in run())
        best = min(best, time.perf_counter() - start)
    print("tokenizers %s, %s: %d tokens of %.1f MB in %.2f s, %.2f MB/s" % (tokenizers.__version__, name, n, size / 1e6, best, size / 1e6 / best))
