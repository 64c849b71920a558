"""Counts the residues of the records of a FASTA file.

    fasta.py DEVICE SECONDS parse|simple|pyfastx
"""
import os

from timing import arguments, clock, data

_, seconds, (how,) = arguments()
path = data("sequences.fasta")
if how == "parse":
    from Bio import SeqIO

    count = lambda: sum(len(r.seq) for r in SeqIO.parse(path, "fasta"))
elif how == "simple":
    from Bio.SeqIO.FastaIO import SimpleFastaParser

    def count():
        with open(path) as f:
            return sum(len(s) for _, s in SimpleFastaParser(f))
else:
    import pyfastx

    count = lambda: sum(len(r[1]) for r in pyfastx.Fastx(path))
clock(seconds, os.path.getsize(path) / 1e6, lambda _: count(), check=int)
