"""GPT-2 in PyTorch and transformers, with random weights and tokens:
train (forward, backward, clipping, AdamW), score (the loss of every token) or
decode (greedy, 8 tokens of prompt and 128 more).

    gpt2.py DEVICE SECONDS train|score|decode LAYERS WIDTH HEADS VOCAB BATCH LENGTH f32|bf16 [compile]

bf16 is autocast in training, as it is done, and weights otherwise.
"""
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from timing import arguments, attended, clock

device, seconds, (task, *sizes) = arguments()
layers, width, heads, vocab, batch, length = map(int, sizes[:6])
half, compiled = sizes[6] == "bf16", "compile" in sizes
PROMPT, MADE = 8, 128
torch.manual_seed(0)
model = GPT2LMHeadModel(GPT2Config(n_layer=layers, n_embd=width, n_head=heads, vocab_size=vocab, n_positions=1024, resid_pdrop=0.0,
                                   embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0, attn_implementation="sdpa")).to(device)
if task == "train":
    model.train()
    run = torch.compile(model) if compiled else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    ids = torch.randint(vocab, (batch, length), device=device)

    def step(_):
        with torch.autocast(device, torch.bfloat16, enabled=half):
            loss = run(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    step(0)
    clock(seconds, batch * length, step, device, 2, note=attended(lambda: step(1)))
else:
    model.eval()
    if half:
        model = model.to(torch.bfloat16)
    with torch.inference_mode():
        if task == "score":
            run = torch.compile(model) if compiled else model
            ids = torch.randint(vocab, (batch, length), device=device)

            def step(_):
                logits = run(ids).logits[:, :-1].float()
                return torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none").cpu()

            clock(seconds, batch * length, step, device, 3)
        else:
            ids = torch.randint(1, vocab, (batch, PROMPT), device=device)
            model.generation_config.eos_token_id = None
            model.generation_config.pad_token_id = 0
            more = {"cache_implementation": "static"} if compiled else {}
            if compiled:
                model.forward = torch.compile(model.forward, dynamic=False)

            def step(_):
                out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=MADE, min_new_tokens=MADE, do_sample=False, **more)
                assert out.shape[1] == PROMPT + MADE
                return out.cpu()

            clock(seconds, batch * MADE, step, device)
