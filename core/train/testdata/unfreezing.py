"""Makes unfreezing.json: ULMFiT's recipe in PyTorch, for TestUnfreezingTorch.

A network of an embedding, two layers and a head learns with AdamW, slanted
triangular rates (Howard & Ruder 2018, equation 3, as written there), rates
divided by 2.6 from layer to layer, decay of matrices, clipped gradients, and
gradual unfreezing by requires_grad: every four steps a layer more, but the
embedding not before step 13.

Made with torch 2.15.0: python unfreezing.py > unfreezing.json
"""
import json
import math

import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(3)
VOCAB, WIDTH, ROWS, STEPS = 7, 6, 8, 20
LR, CUT_FRAC, RATIO, FACTOR, DECAY, CLIP = 0.05, 0.1, 32, 2.6, 0.1, 0.5
BEGIN = {"wte": 13, "one": 8, "two": 4, "head": 0}
LAYER = {"wte": 0, "one": 1, "two": 2, "head": 3}


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = torch.nn.Embedding(VOCAB, WIDTH)
        self.one = torch.nn.Linear(WIDTH, WIDTH)
        self.two = torch.nn.Linear(WIDTH, WIDTH)
        self.head = torch.nn.Linear(WIDTH, VOCAB)

    def forward(self, ids):
        x = torch.nn.functional.silu(self.one(self.wte(ids)))
        return self.head(torch.nn.functional.silu(self.two(x)))


def rate(t):
    cut = math.floor(STEPS * CUT_FRAC)
    p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / CUT_FRAC - 1))
    return LR * (1 + p * (RATIO - 1)) / RATIO


net = Net()
for p in net.parameters():  # as f32 has them
    p.data = p.data.float().double()
flat = lambda: {n: p.detach().flatten().tolist() for n, p in net.named_parameters()}
out = {"begin": BEGIN, "layer": LAYER, "steps": STEPS, "lr": LR, "first": flat(), "losses": [], "norms": [], "rates": []}
opt = torch.optim.AdamW([
    {"params": [p], "weight_decay": DECAY if p.dim() > 1 else 0.0, "scale": FACTOR ** (LAYER[n.split(".")[0]] - 3)}
    for n, p in net.named_parameters()])
for t in range(STEPS):
    for n, p in net.named_parameters():
        p.requires_grad = t >= BEGIN[n.split(".")[0]]
    for g in opt.param_groups:
        g["lr"] = rate(t) * g["scale"]
    ids = torch.tensor([(t + i * i) % VOCAB for i in range(ROWS)])
    labels = torch.tensor([(2 * t + 3 * i) % VOCAB for i in range(ROWS)])
    loss = torch.nn.functional.cross_entropy(net(ids), labels)
    opt.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP)
    opt.step()
    out["losses"].append(loss.item())
    out["norms"].append(norm.item())
    out["rates"].append(rate(t))
out["last"] = flat()
names = dict((p, n) for n, p in net.named_parameters())
out["taken"] = {names[p]: int(s["step"]) for p, s in opt.state.items()}
out["m"] = {names[p]: s["exp_avg"].flatten().tolist() for p, s in opt.state.items()}
out["v"] = {names[p]: s["exp_avg_sq"].flatten().tolist() for p, s in opt.state.items()}
print(json.dumps(out, indent=None))
