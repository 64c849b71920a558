#!/usr/bin/env python3
"""Makes a small encoder of the first layers of a BERT directory, from which
both sides of materials_training.py start: first_layers.py MODEL N OUT."""
import json
import os
import shutil
import sys

from transformers import BertModel

source, layers, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
model = BertModel.from_pretrained(source, add_pooling_layer=False)
model.encoder.layer = model.encoder.layer[:layers]
model.config.num_hidden_layers = layers
model.save_pretrained(out)
for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
    shutil.copy(os.path.join(source, name), out)
with open(os.path.join(out, "kiban.json"), "w") as f:  # tokenizers has no rules of characters
    json.dump({"format": 1, "normalize": "none"}, f)
