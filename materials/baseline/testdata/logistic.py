"""Makes logistic.json with scikit-learn 1.9.1: python logistic.py"""
import json
import os
import random

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

random.seed(4)
topics = {
    "energy": "battery cathode Anode LiFePO4 fuel-cell capacity mAh electrolyte SOFC".split(),
    "glass": "glass silica melt-quench Na2O borate viscosity T_g network µm".split(),
    "magnet": "ferrite coercivity magnet Nd2Fe14B Tesla domain α-Fe spin".split(),
}
common = "the of a was by x-ray, diffraction. (XRD) shows at 300 °C and in CO₂ Å".split()
cases = []
for labels, c in ((["energy", "glass"], 1), (list(topics), 1), (list(topics), 10)):
    def draw():
        label = random.choice(labels)
        words = [random.choice(topics[random.choice(labels) if random.random() < 0.3 else label] + common * 2) for _ in range(random.randint(3, 25))]
        return " ".join(words), label
    train, test = [draw() for _ in range(40)], [draw() for _ in range(15)] + [("", "glass"), ("unknown words only", "glass")]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=c, tol=1e-10, max_iter=10000))
    model.fit([t for t, _ in train], [l for _, l in train])
    cases.append({"train": train, "test": test, "c": c, "labels": list(model.classes_),
                  "probabilities": model.predict_proba([t for t, _ in test]).tolist()})
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "logistic.json"), "w") as f:
    json.dump(cases, f, ensure_ascii=False, separators=(",", ":"))
