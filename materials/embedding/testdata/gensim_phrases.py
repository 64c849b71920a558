"""Makes phrases.json: a small corpus and the phrases that gensim finds in it.

    python gensim_phrases.py

Written with gensim 4.4.0.
"""
import json, random
from gensim.models.phrases import Phrases

r = random.Random(7)
vocab = [f"w{i}" for i in range(60)]
sentences = []
for _ in range(400):
    s = []
    while len(s) < 14:
        x = r.random()
        if x < 0.12:
            s += ["thin", "film"]
        elif x < 0.2:
            s += ["solid", "oxide", "fuel", "cell"]
        elif x < 0.25:
            s += ["film"]
        else:
            s += [vocab[min(r.randrange(60), r.randrange(60))]]
    sentences.append(s)
p = Phrases(sentences, min_count=3, threshold=1.0, delimiter="_")
found = p.find_phrases(sentences)
json.dump({"sentences": [" ".join(s) for s in sentences], "scores": {k.replace("_", " "): v for k, v in found.items()},
           "joined": [" ".join(p[s]) for s in sentences[:50]]}, open("phrases.json", "w"), indent=0)
