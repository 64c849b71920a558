#!/usr/bin/env python3
"""Makes crf.json from pytorch-crf.

Run in an environment with torch and pytorch-crf (made with torch 2.15.0 and
pytorch-crf 0.7.2):

    python3 crf.py

All is computed in f64. Of each case it holds the parameters, emissions, labels
and lengths, and what pytorch-crf makes of them: the log-likelihood of each
sequence, the best paths, and the gradients of the negative log-likelihood's sum.
"""
import json
import os

import torch
from torchcrf import CRF

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)


def rounded(x, scale=1.0):
    """Numbers that f32 holds exactly."""
    return (x * scale).to(torch.float32).to(torch.float64)


def case(name, lengths, labels, scale, forbid=False):
    b, t = len(lengths), max(lengths)
    crf = CRF(labels, batch_first=True)
    kinds = (labels - 1) // 2
    with torch.no_grad():
        for p in crf.parameters():
            p.copy_(rounded(torch.randn_like(p), 0.7))
        if forbid:  # labels are B-*, I-*, O
            for i in range(kinds, 2 * kinds):
                crf.start_transitions[i] = -1e4
                for j in range(labels):
                    if j not in (i, i - kinds):
                        crf.transitions[j, i] = -1e4
    emissions = rounded(torch.randn(b, t, labels), scale).requires_grad_()
    mask = torch.arange(t)[None, :] < torch.tensor(lengths)[:, None]
    tags = torch.randint(labels, (b, t))
    if forbid:  # labels that may be
        tags = torch.tensor([p + [0] * (t - len(p)) for p in CRF.decode(crf, rounded(torch.randn(b, t, labels)), mask)])
    llh = crf(emissions, tags, mask=mask, reduction='none')
    (-llh.sum()).backward()
    flat = lambda x: x.detach().flatten().tolist()
    return dict(
        name=name, lengths=lengths, labels=labels, length=t,
        transitions=flat(crf.transitions), start=flat(crf.start_transitions), end=flat(crf.end_transitions),
        emissions=flat(emissions), tags=flat(tags), llh=flat(llh),
        paths=crf.decode(emissions, mask=mask),
        gradients=dict(emissions=flat(emissions.grad), transitions=flat(crf.transitions.grad),
                       start=flat(crf.start_transitions.grad), end=flat(crf.end_transitions.grad)))


cases = [
    case('unequal lengths', [7, 4, 1, 6], 5, 1.5),
    case('forbidden moves', [9, 3, 8], 7, 2.0, forbid=True),
    case('slots', [13, 9], 38, 1.0),
]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'crf.json'), 'w') as f:
    f.write('[\n' + ',\n'.join(json.dumps(c) for c in cases) + '\n]\n')
