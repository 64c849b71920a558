#!/usr/bin/env python3
"""Makes rotary.safetensors: what transformers computes with rotary positions.

"esm.*" are the weights of a small EsmModel (ESM-2: rotary over whole heads,
pre-norm) with the hidden states of embeddings x and the gradients of their sum
times w; its frequencies are rounded to f16, as published checkpoints have them.
"neox.*" is a part of odd heads turned by GPT-NeoX's rule from places 5, 1000 on.

Run in an environment with torch and transformers (made with torch 2.15.0 and
transformers 5.24.0).
"""
import os

import torch
from safetensors.torch import save_file
from transformers import EsmConfig, EsmModel
from transformers.models.gpt_neox.modeling_gpt_neox import apply_rotary_pos_emb

here = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)
torch.manual_seed(3)
BATCH, LENGTH, LENGTHS = 2, 9, (9, 6)


def main():
    model = EsmModel(EsmConfig(
        vocab_size=33, pad_token_id=1, mask_token_id=32, hidden_size=20, num_hidden_layers=2, num_attention_heads=2, intermediate_size=28,
        max_position_embeddings=64, position_embedding_type="rotary", emb_layer_norm_before=False, token_dropout=False,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, layer_norm_eps=1e-5, attn_implementation="eager"), add_pooling_layer=False)
    out, layers = {}, {}
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.randn_like(p) * 0.3 + (1.0 if "LayerNorm.weight" in name or "layer_norm_after.weight" in name else 0.0))
            if name.startswith("encoder."):
                layers[name] = p
        frequencies = [b for n, b in model.named_buffers() if n.endswith("inv_freq")]
        for b in frequencies:
            b.copy_(b.half().float())
    assert frequencies
    x = torch.randn(BATCH, LENGTH, 20, requires_grad=True)
    w = torch.randn(BATCH, LENGTH, 20)
    mask = torch.tensor([[1] * n + [0] * (LENGTH - n) for n in LENGTHS])
    w = w * mask.unsqueeze(-1)
    hidden = model(inputs_embeds=x, attention_mask=mask).last_hidden_state
    (hidden * w).sum().backward()
    for name, p in layers.items():
        out["esm." + name], out["esm.gradient." + name] = p.detach().clone(), p.grad.clone()
    out |= {"esm.inv_freq": frequencies[0].clone(), "esm.x": x.detach().clone(), "esm.w": w, "esm.hidden": hidden.detach().clone(), "esm.gradient.x": x.grad.clone()}

    q, starts, turned = torch.randn(2, 3, 7, 11), torch.tensor([5, 1000]), 4  # [batch, heads, tokens, width]
    inv = 1.0 / (10000.0 ** (torch.arange(0, turned, 2).float() / turned))
    angles = (starts[:, None] + torch.arange(7)[None]).float()[..., None] * inv
    both = torch.cat([angles, angles], dim=-1)
    y, _ = apply_rotary_pos_emb(q, q, both.cos(), both.sin())
    out |= {"neox.x": q.transpose(1, 2).reshape(14, 33).contiguous(), "neox.y": y.transpose(1, 2).reshape(14, 33).contiguous()}
    path = os.path.join(here, "rotary.safetensors")
    save_file(out, path)
    os.chmod(path, 0o644)


if __name__ == "__main__":
    main()
