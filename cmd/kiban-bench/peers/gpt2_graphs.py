"""Greedy decoding by a GPT-2 of transformers' weights as fast as torch has it: one
token of all sequences is a compiled function over a cache of fixed size, on a GPU
a CUDA graph. 8 tokens of prompt go through it as well.

    gpt2_graphs.py DEVICE SECONDS decode LAYERS WIDTH HEADS VOCAB BATCH LENGTH f32|bf16
"""
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import GPT2Config, GPT2LMHeadModel

from timing import arguments, attended, clock

device, seconds, (_, *sizes) = arguments()
layers, width, heads, vocab, batch = map(int, sizes[:5])
dtype = torch.bfloat16 if sizes[6] == "bf16" else torch.float32
PROMPT, MADE = 8, 128
torch.manual_seed(0)
model = GPT2LMHeadModel(GPT2Config(n_layer=layers, n_embd=width, n_head=heads, vocab_size=vocab, n_positions=1024, bos_token_id=0, eos_token_id=0))
model = model.to(device, dtype).eval()
cache = torch.zeros(layers, 2, batch, heads, PROMPT + MADE, width // heads, device=device, dtype=dtype)
places = torch.arange(PROMPT + MADE, device=device)


def one(ids, place):
    """The likeliest tokens after ids [batch, 1] at place [1]."""
    body = model.transformer
    x = body.wte(ids) + body.wpe(place)
    seen = (places <= place).view(1, 1, 1, -1)
    for block, kv in zip(body.h, cache):
        q, k, v = (y.view(batch, 1, heads, -1).transpose(1, 2) for y in block.attn.c_attn(block.ln_1(x)).split(width, -1))
        kv[0].index_copy_(2, place, k)
        kv[1].index_copy_(2, place, v)
        y = scaled_dot_product_attention(q, kv[0], kv[1], attn_mask=seen)
        x = x + block.attn.c_proj(y.transpose(1, 2).reshape(batch, 1, width))
        x = x + block.mlp(block.ln_2(x))
    return model.lm_head(body.ln_f(x))[:, -1].argmax(-1, keepdim=True)


def generate(one, prompt):
    out = [prompt]
    for i in range(PROMPT + MADE - 1):
        token = one(prompt[:, i:i + 1] if i < PROMPT else out[-1], places[i:i + 1]).clone()  # the graph's next run takes its own
        if i >= PROMPT - 1:
            out.append(token)
    return torch.cat(out, 1)


if __name__ == "__main__":
    prompt = torch.randint(1, vocab, (batch, PROMPT), device=device)
    with torch.inference_mode():
        note = attended(lambda: one(prompt[:, :1], places[:1]))
        compiled = torch.compile(one, mode="reduce-overhead" if device == "cuda" else "default", dynamic=False)
        clock(seconds, batch * MADE, lambda _: generate(compiled, prompt).cpu(), device, note=note)
