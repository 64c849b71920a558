"""What a user of a script waits for, as a process of its own: import, before it
does anything; score, until a model in a directory has given a sequence's
log-likelihood; token, until it has made two tokens.

    start.py DEVICE SECONDS import|score|token
"""
import subprocess
import sys
from importlib.metadata import version

PARTS = {
    "import": """
import torch, transformers
transformers.AutoModelForCausalLM
""",
    "open": """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, device, one = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder).to(device).eval()
""",
    "score": """
text = "\\n" + open(one).read().split("\\n", 1)[1]
ids = tokenizer("<|endoftext|>" + text + "<|endoftext|>", return_tensors="pt").input_ids.to(device)
with torch.inference_mode():
    print(-float(model(ids, labels=ids).loss) * (ids.shape[1] - 1))
""",
    "token": """
ids = tokenizer("<|endoftext|>", return_tensors="pt").input_ids.to(device)
with torch.inference_mode():
    print(tokenizer.decode(model.generate(ids, do_sample=True, top_k=950, max_new_tokens=2, min_new_tokens=2, pad_token_id=0)[0]))
""",
}

if __name__ == "__main__":
    from timing import arguments, clock, data

    device, seconds, (task,) = arguments()
    if task == "import":
        command = [sys.executable, "-c", PARTS["import"]]
    else:
        command = [sys.executable, "-c", PARTS["open"] + PARTS[task], data("model"), device, data("one.fasta")]
    clock(seconds, 1, lambda _: subprocess.run(command, check=True, stdout=subprocess.PIPE), check=lambda done: round(float(done.stdout)) if task == "score" else 0,
          more=", ".join("%s %s" % (n, version(n)) for n in ("torch", "transformers")))
