"""A training step of ESM-2 in PyTorch and transformers with random weights and
tokens, each seventh masked: forward, backward, clipping, AdamW.

    esm.py DEVICE SECONDS LAYERS WIDTH HEADS ROWS LENGTH f32|bf16 [compile]
"""
import torch
from transformers import EsmConfig, EsmForMaskedLM

from timing import arguments, attended, clock

device, seconds, sizes = arguments()
layers, width, heads, rows, length = map(int, sizes[:5])
half, compiled = sizes[5] == "bf16", "compile" in sizes
torch.manual_seed(0)
model = EsmForMaskedLM(EsmConfig(vocab_size=33, mask_token_id=32, pad_token_id=1, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
                                 intermediate_size=4 * width, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, position_embedding_type="rotary",
                                 emb_layer_norm_before=False, token_dropout=False, attn_implementation="sdpa")).to(device)
model.train()
run = torch.compile(model) if compiled else model
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
ids = torch.randint(4, 24, (rows, length), device=device)
labels = torch.full_like(ids, -100)
labels[:, ::7] = ids[:, ::7]
ids[:, ::7] = 32


def step(_):
    with torch.autocast(device, torch.bfloat16, enabled=half):
        loss = run(input_ids=ids, labels=labels).loss
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


step(0)
clock(seconds, rows * length, step, device, 2, note=attended(lambda: step(1)))
