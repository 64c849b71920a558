"""Trains word2vec by gensim, with all cores, from a file of lines of words.

    word2vec.py DEVICE SECONDS skip-gram|cbow sentences|file

sentences reads the lines in Python, as LineSentence does; file lets gensim's
threads read them (corpus_file).
"""
import collections
import os

import gensim
from gensim.models import Word2Vec
from gensim.models.word2vec import LineSentence

from timing import arguments, clock, data

_, seconds, (task, how) = arguments()
text, cbow = data("text.txt"), task == "cbow"
with open(text) as f:
    counts = collections.Counter(w for line in f for w in line.split())
kept = sum(n for n in counts.values() if n >= 5)


def train(_):
    source = {"corpus_file": text} if how == "file" else {"sentences": LineSentence(text)}
    return Word2Vec(vector_size=100, window=5, negative=5, sg=not cbow, epochs=1, sample=1e-3, min_count=5, workers=len(os.sched_getaffinity(0)), seed=1, alpha=0.05 if cbow else 0.025, min_alpha=1e-4, **source)


clock(seconds, kept, train, check=lambda m: sum(m.wv.get_vecattr(w, "count") for w in m.wv.index_to_key))
