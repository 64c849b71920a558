"""Looks for the nearest training sequence of every query by MMseqs2 (mmseqs2 of
Debian), from FASTA files to a table of hits.

    nearest.py DEVICE SECONDS SENSITIVITY
"""
import os
import shutil
import subprocess
import tempfile

from timing import arguments, clock, data

_, seconds, (sensitivity,) = arguments()
mmseqs = shutil.which("mmseqs")
if mmseqs is None:
    raise SystemExit("mmseqs is not in PATH; install mmseqs2")
with open(data("queries.fasta")) as f:
    queries = sum(line.startswith(">") for line in f)
version = subprocess.run([mmseqs, "version"], check=True, capture_output=True, text=True).stdout.strip()
with tempfile.TemporaryDirectory() as folder:
    hits = os.path.join(folder, "hits.tsv")

    def search(_):
        work = os.path.join(folder, "work")
        shutil.rmtree(work, ignore_errors=True)
        subprocess.run([mmseqs, "easy-search", data("queries.fasta"), data("sequences.fasta"), hits, work, "-s", sensitivity, "--max-seqs", "32",
                        "--threads", str(len(os.sched_getaffinity(0))), "--format-output", "query,target,bits", "-v", "1"], check=True, stdout=subprocess.DEVNULL)

    def found(_):
        best = {}
        with open(hits) as f:
            for line in f:
                query, target, _ = line.split("\t")
                best.setdefault(query, target)  # the best is the first
        return sum(q == t for q, t in best.items())

    clock(seconds, queries, search, check=found, more="MMseqs2 " + version)
