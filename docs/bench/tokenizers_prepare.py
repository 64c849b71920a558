"""Tokenizes a FASTA file with Hugging Face tokenizers, as the peer of
`kiban protein prepare`: the same vocabulary and text (a line break before every
60 residues and at the end, <|endoftext|> before each sequence), uint16 tokens
in one file. It checks no records, drops no duplicates and splits nothing.

    python docs/bench/tokenizers_prepare.py uniref50.fasta data/tokenizer/tokenizer.json tokens.bin
"""
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "true"
import numpy as np  # noqa: E402
import tokenizers  # noqa: E402

BATCH = 8192  # sequences; larger ones are no faster


def records(path):
    """The text of every sequence; lines of UniProt's files have 60 residues already."""
    with open(path, "rb", buffering=0) as f:
        rest = b""
        while block := f.read(1 << 24):
            parts = (rest + block).split(b"\n>")
            rest = parts.pop()
            for p in parts:
                yield p[p.index(b"\n"):].decode("ascii") + "\n"
        if rest:
            yield rest[rest.index(b"\n"):].decode("ascii")


def main(fasta, vocabulary, out):
    tokenizer = tokenizers.Tokenizer.from_file(vocabulary)
    end = tokenizer.token_to_id("<|endoftext|>")
    start = time.monotonic()
    sequences = tokens = 0
    with open(out, "wb") as w:
        batch = []

        def flush():
            nonlocal sequences, tokens
            for e in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
                ids = np.array([end] + e.ids, dtype=np.uint16)
                tokens += len(ids)
                w.write(ids.tobytes())
            sequences += len(batch)
            batch.clear()

        for text in records(fasta):
            batch.append(text)
            if len(batch) == BATCH:
                flush()
        flush()
    wall = time.monotonic() - start
    cpu = sum(os.times()[:2])
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
    size = os.path.getsize(fasta)
    print(f"tokenizers {tokenizers.__version__}: {sequences} records, {tokens} tokens, {wall:.1f} s ({cpu:.1f} s of processors), "
          f"{sequences / wall:.0f} records/s, {size / wall / 1e6:.1f} MB/s, peak {int(peak) / 1024:.0f} MiB")


if __name__ == "__main__":
    main(*sys.argv[1:])
