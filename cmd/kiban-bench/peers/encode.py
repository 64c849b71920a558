"""Encodes the texts of a file, which a NUL parts, with the tokenizer.json beside
it, on all cores.

    encode.py DEVICE SECONDS offsets|fast
"""
import os

os.environ["TOKENIZERS_PARALLELISM"] = "true"
import tokenizers

from timing import arguments, clock, data

_, seconds, (how,) = arguments()
with open(data("texts"), "rb") as f:
    texts = [t.decode() for t in f.read().split(b"\0")]
tokenizer = tokenizers.Tokenizer.from_file(data("tokenizer.json"))
encode = tokenizer.encode_batch_fast if how == "fast" else tokenizer.encode_batch
size = sum(len(t.encode()) for t in texts)
clock(seconds, size / 1e6, lambda _: encode(texts, add_special_tokens=False), check=lambda out: sum(len(e.ids) for e in out))
